"""Timetable: what will sound when, and is anything wrong with it?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.programmes import Programme, duration_us, items_of, programmes
from runtime.refusal import N_, NotFound, Refusal
from schedules.conflicts import Clash, Wish, clashes, wish_of_occurrence
from schedules.recurrence import Repeat, Rule, next_instants
from schedules.timetable import (
    Occurrence,
    Schedule,
    add_schedule,
    change_schedule,
    next_due,
    occurrences,
    pause,
    retire,
    schedule,
    schedules,
    week,
)
from web.frame import Frame, In, Reading, back_to, own_form, renderer_of
from web.targets import TargetChoice, class_from, target_choice, targets_from
from web.wording import Wording, monday_of
from wire.broadcasts import BroadcastClass

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Day:
    """One day of the week view."""

    day: date
    today: bool
    due: list[Occurrence]


@dataclass(frozen=True)
class ScheduleRow:
    """One schedule in the list. next: when it is due next, None when never again."""

    schedule: Schedule
    programme: Programme | None
    sentence: str
    next: datetime | None


@dataclass(frozen=True)
class Draft:
    """What a form for a schedule shows and sends."""

    programme_id: int = 0
    repeat: str = "daily"
    times: str = "05:00"
    from_day: str = ""
    until_day: str = ""
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    class_: str = "normal"


def rule_from(
    repeat: Annotated[str, Form()] = "once",
    times: Annotated[str, Form()] = "",
    from_day: Annotated[str, Form()] = "",
    until_day: Annotated[str, Form()] = "",
    weekdays: Annotated[list[int] | None, Form()] = None,
) -> Rule:
    """A rule from a sent form. Raises Refusal with what is wrong."""
    try:
        found = Repeat(repeat)
        at = [time.fromisoformat(word.strip()) for word in times.replace(";", ",").split(",") if word.strip()]
        first = date.fromisoformat(from_day)
        last = date.fromisoformat(until_day) if until_day and found is not Repeat.ONCE else None
    except ValueError:
        raise Refusal(N_("Write times as 05:00 or 05:00, 17:30, and choose the days in the calendar.")) from None
    return Rule(repeat=found, times=at, from_day=first, until_day=last, weekdays=weekdays or []).check()


@router.get("/timetable")
def page(frame: In, session: Reading, week_of: str = "") -> HTMLResponse:
    """The week, and the list of schedules."""
    now = frame.deps.clock.now()
    today = now.astimezone(frame.commune.zone).date()
    try:
        monday = monday_of(date.fromisoformat(week_of)) if week_of else monday_of(today)
    except ValueError:
        monday = monday_of(today)
    due = week(session, frame.commune_id, monday)
    days = [
        Day(d, d == today, [o for o in due if o.starts_at.astimezone(frame.commune.zone).date() == d])
        for d in (monday + timedelta(days=k) for k in range(7))
    ]
    wishes = [wish_of_occurrence(o) for o in due]
    clashing = {
        (w.order, w.starts_at) for c in clashes(session, frame.commune_id, wishes, []) for w in (c.winner, c.loser)
    }
    return renderer_of(frame.request).page(
        frame, "timetable.html", days=days, rows=_rows(frame, session, now), monday=monday,
        before=monday - timedelta(days=7), after=monday + timedelta(days=7), clashing=clashing,
    )  # fmt: skip


@router.get("/timetable/new")
def new(frame: In, session: Reading, programme: int = 0) -> HTMLResponse:
    """The form for a new schedule."""
    today = frame.deps.clock.now().astimezone(frame.commune.zone).date()
    draft = Draft(programme_id=programme, from_day=(today + timedelta(days=1)).isoformat())
    return _form(frame, session, draft, target_choice(session, frame.commune_id), None)


@router.get("/timetable/{number}")
def one(frame: In, session: Reading, number: int) -> HTMLResponse:
    """The form for a schedule that is there."""
    found = own_schedule(frame, session, number)
    rule = found.when
    draft = Draft(
        found.programme_id, rule.repeat.value, ", ".join(_short(at) for at in rule.times), rule.from_day.isoformat(),
        rule.until_day.isoformat() if rule.until_day else "", tuple(rule.weekdays), found.class_,
    )  # fmt: skip
    return _form(frame, session, draft, target_choice(session, frame.commune_id, found.meant_for), found)


@router.post("/timetable/preview", dependencies=[Depends(own_form)])
def preview(
    frame: In,
    session: Reading,
    rule: Annotated[Rule, Depends(rule_from)],
    chosen: Annotated[TargetChoice, Depends(targets_from)],
    class_: Annotated[BroadcastClass, Depends(class_from)],
    programme_id: Annotated[int, Form()] = 0,
    number: Annotated[int, Form()] = 0,
) -> HTMLResponse:
    """What the schedule would do, in a sentence, before it is kept; and what it would clash with."""
    now = frame.deps.clock.now()
    upcoming = next_instants(rule, frame.commune.zone, now, 10)
    found = _clashes(frame, session, rule, chosen, class_, programme_id, number, now)
    return renderer_of(frame.request).page(
        frame, "_preview.html", sentence=rule_sentence(frame.wording, rule), upcoming=upcoming, clashes=found
    )


@router.post("/timetable", dependencies=[Depends(own_form)])
def add(
    frame: In,
    rule: Annotated[Rule, Depends(rule_from)],
    chosen: Annotated[TargetChoice, Depends(targets_from)],
    class_: Annotated[BroadcastClass, Depends(class_from)],
    programme_id: Annotated[int, Form()],
    number: Annotated[int, Form()] = 0,
) -> Response:
    """Keep a new schedule, or the changes to one."""
    now = frame.deps.clock.now()
    with frame.deps.database.writing() as session:
        if number:
            own_schedule(frame, session, number)
            change_schedule(
                session, number, now=now, programme_id=programme_id, rule=rule, targets=chosen.targets(), class_=class_
            )
        else:
            add_schedule(
                session, frame.commune_id, programme_id=programme_id, rule=rule, targets=chosen.targets(),
                class_=class_, now=now, by=frame.operator.name,
            )  # fmt: skip
    frame.deps.alarms.plan_now()
    return back_to(frame.request, "/timetable")


@router.post("/timetable/{number}/pause", dependencies=[Depends(own_form)])
def do_pause(frame: In, number: int) -> Response:
    """Let it rest, or go on."""
    with frame.deps.database.writing() as session:
        found = own_schedule(frame, session, number)
        pause(session, number, not found.paused, frame.deps.clock.now())
    frame.deps.alarms.plan_now()
    return back_to(frame.request, "/timetable")


@router.post("/timetable/{number}/retire", dependencies=[Depends(own_form)])
def do_retire(frame: In, number: int) -> Response:
    """Take it off the timetable."""
    with frame.deps.database.writing() as session:
        own_schedule(frame, session, number)
        retire(session, number, frame.deps.clock.now())
    frame.deps.alarms.plan_now()
    return back_to(frame.request, "/timetable")


def rule_sentence(w: Wording, rule: Rule) -> str:
    """A rule in words: "at 05:00 and 17:00, Monday and Friday, from 01/12/2026"."""
    t = w.t
    times = w.listed([_short(at) for at in rule.times])
    if rule.repeat is Repeat.ONCE:
        return t("At {times} on {day}", times=times, day=w.date(rule.from_day))
    if rule.repeat is Repeat.DAILY:
        days = t("every day")
    elif rule.weekdays == [0, 1, 2, 3, 4]:
        days = t("Monday to Friday")
    else:
        days = w.listed([w.weekday(day) for day in rule.weekdays])
    said = t("At {times}, {days}, from {day}", times=times, days=days, day=w.date(rule.from_day))
    return said + (t(" until {day}", day=w.date(rule.until_day)) if rule.until_day else "")


def own_schedule(frame: Frame, session: Session, number: int) -> Schedule:
    """A schedule of the commune that is shown. Raises NotFound."""
    found = schedule(session, number)
    if found.commune_id != frame.commune_id:
        raise NotFound(N_("This schedule is not there any more."))
    return found


def _rows(frame: Frame, session: Session, now: datetime) -> list[ScheduleRow]:
    known = {p.number: p for p in programmes(session, frame.commune_id, include_retired=True)}
    rows = []
    for found in schedules(session, frame.commune_id):
        following = next_due(session, found, now, 1)
        sentence = rule_sentence(frame.wording, found.when)
        rows.append(ScheduleRow(found, known.get(found.programme_id), sentence, following[0] if following else None))
    return rows


def _form(frame: Frame, session: Session, draft: Draft, targets: TargetChoice, found: Schedule | None) -> HTMLResponse:
    return renderer_of(frame.request).page(
        frame, "schedule.html", draft=draft, targets=targets, schedule=found,
        programmes=programmes(session, frame.commune_id),
    )  # fmt: skip


def _clashes(
    frame: Frame, session: Session, rule: Rule, chosen: TargetChoice, class_: BroadcastClass, programme_id: int,
    number: int, now: datetime,
) -> Sequence[Clash]:  # fmt: skip
    """Within four weeks, with everything else on the timetable."""
    if not programme_id:
        return []
    length = timedelta(microseconds=duration_us(items_of(session, programme_id)))
    until = now + timedelta(days=28)
    new = [
        Wish("", class_, 0, at, at + length, chosen.targets(), "new")
        for at in next_instants(rule, frame.commune.zone, now, 60)
        if at < until
    ]
    others = [s for s in schedules(session, frame.commune_id) if s.number != number]
    wishes = [wish_of_occurrence(o) for o in occurrences(session, others, frame.commune.zone, now, until)]
    return clashes(session, frame.commune_id, new, wishes)[:5]


def _short(at: time) -> str:
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"

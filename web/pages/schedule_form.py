"""A schedule's form: what shall sound when and where, and what that will do, shown before it is kept."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.modes import IN_STEP, Spread
from broadcast.programmes import Programme, duration_us, items_of_all, programmes
from people.rights import Action
from schedules.outlook import outlook
from schedules.recurrence import Repeat, Rule, next_instants
from schedules.schedules import Schedule, next_due
from usecases.schedules import ScheduleSettings, add_schedule, change_schedule, schedule_of
from web.labels.modes import mode_sentence
from web.labels.rules import rule_sentence
from web.request_context import Frame, In, Reading, back_to, changes
from web.rule_form import Draft, draft_of, rule_from
from web.targets import TargetChoice, class_from, spread_from, target_choice, targets_from
from web.timetable_view import saved_schedule, schedule_rows
from web.typed_fields import Count, Day, RowId, TimeOfDay, Whole
from wire.broadcasts import BroadcastClass

router = APIRouter(include_in_schema=False)
#: Of two on one hour the higher comes first; the form knows three steps.
PRECEDENCES = (-1, 0, 1)


@router.get("/timetable/new")
def new(
    frame: In,
    session: Reading,
    programme: RowId = 0,
    day: Day | None = None,
    time: TimeOfDay | None = None,
    minutes: Count = 0,
) -> HTMLResponse:
    """The form for a new schedule. day, time, minutes: the free space of the timetable that was chosen."""
    tomorrow = frame.deps.clock.now().astimezone(frame.commune.zone).date() + timedelta(days=1)
    draft = Draft(programme_id=programme, from_day=f"{day or tomorrow:%d/%m/%Y}")
    if day is not None:
        draft = replace(draft, repeat=Repeat.ONCE.value, weekdays=(day.weekday(),), month_days=str(day.day))
    if time is not None:
        draft = replace(draft, times=f"{time:%H:%M}")
    return _form(frame, session, draft, target_choice(session, frame.commune_id), None, min(minutes, 1440))


@router.get("/timetable/{number}")
def one(frame: In, session: Reading, number: RowId) -> HTMLResponse:
    """The form for a schedule that is there."""
    schedule = schedule_of(session, frame.commune_id, number)
    draft = draft_of(schedule.recurrence, schedule.programme_id, schedule.class_, schedule.precedence)
    return _form(frame, session, draft, target_choice(session, frame.commune_id, schedule.audience), schedule)


@router.post("/timetable/preview", dependencies=[changes(Action.TIMETABLE)])
def preview(
    frame: In,
    session: Reading,
    rule: Annotated[Rule, Depends(rule_from)],
    chosen: Annotated[TargetChoice, Depends(targets_from)],
    class_: Annotated[BroadcastClass, Depends(class_from)],
    spread: Annotated[Spread, Depends(spread_from)],
    programme_id: Annotated[RowId, Form()] = 0,
    number: Annotated[RowId, Form()] = 0,
    precedence: Annotated[Whole, Form()] = 0,
) -> HTMLResponse:
    """What the schedule would do once it is saved: its next times, its clashes, and its problems."""
    now = frame.deps.clock.now()
    forecast = outlook(
        session,
        frame.commune_id,
        rule=rule,
        programme_id=programme_id,
        targets=chosen.targets(),
        class_=class_,
        precedence=precedence,
        now=now,
        states=frame.deps.presence.snapshot(now),
        without=number,
        spread=spread,
    )
    return frame.page(
        "_schedule_preview.html",
        sentence=rule_sentence(frame.wording, rule),
        found=forecast,
        class_=class_.value,
        mode=mode_sentence(
            frame.wording, spread, forecast.turns, forecast.next[0].at + forecast.whole if forecast.next else None
        ),
    )


@router.post("/timetable", dependencies=[changes(Action.TIMETABLE)])
def add(
    frame: In,
    rule: Annotated[Rule, Depends(rule_from)],
    chosen: Annotated[TargetChoice, Depends(targets_from)],
    class_: Annotated[BroadcastClass, Depends(class_from)],
    spread: Annotated[Spread, Depends(spread_from)],
    programme_id: Annotated[RowId, Form()],
    number: Annotated[RowId, Form()] = 0,
    precedence: Annotated[Whole, Form()] = 0,
) -> Response:
    """Keep a new schedule, or the changes to one."""
    settings = ScheduleSettings(
        programme_id=programme_id,
        rule=rule,
        targets=chosen.targets(),
        class_=class_,
        precedence=min(max(precedence, PRECEDENCES[0]), PRECEDENCES[-1]),
        spread=spread,
    )
    services, sentence = frame.deps.services, rule_sentence(frame.wording, rule)
    if number:
        change_schedule(services, frame.actor, frame.commune_id, number, settings, sentence=sentence)
        saved = number
    else:
        saved = add_schedule(services, frame.actor, frame.commune_id, settings, sentence=sentence).number
    return back_to(frame.request, f"/timetable{_week_of(frame, rule)}", saved_schedule(frame, saved))


def _week_of(frame: Frame, rule: Rule) -> str:
    """The week in which it plays next, as the query of the address; "" for this week."""
    upcoming = next_instants(rule, frame.commune.zone, frame.deps.clock.now(), 1)
    return f"?week_of={upcoming[0].astimezone(frame.commune.zone).date()}" if upcoming else ""


def _fitting(choices: list[Programme], lengths_us: dict[int, int], minutes: int) -> int:
    """The programme that is nearest to that long, 0 when there is none."""
    wanted_us = minutes * 60_000_000
    return min((p.number for p in choices), key=lambda number: abs(lengths_us[number] - wanted_us), default=0)


def _form(
    frame: Frame,
    session: Session,
    draft: Draft,
    targets: TargetChoice,
    schedule: Schedule | None,
    minutes: int = 0,
) -> HTMLResponse:
    """minutes: how long it should be, 0 when nothing was chosen."""
    choices = programmes(session, frame.commune_id)
    lengths_us = {
        number: duration_us(items) for number, items in items_of_all(session, [p.number for p in choices]).items()
    }
    if minutes and not draft.programme_id:
        draft = replace(draft, programme_id=_fitting(choices, lengths_us, minutes))
    return frame.page(
        "schedule_form.html",
        draft=draft,
        targets=targets,
        schedule=schedule,
        removed=schedule_rows(frame, session, [schedule])[0] if schedule and schedule.retired_at else None,
        upcoming=next_due(session, schedule, frame.deps.clock.now(), 8) if schedule else [],
        spread=schedule.time_spread if schedule else IN_STEP,
        programmes=choices,
        lengths_us=lengths_us,
        minutes=minutes,
    )

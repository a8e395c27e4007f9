"""Timetable: what will sound when, and is anything wrong with it? Its week, its month, its schedules."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.broadcasts import order_key
from broadcast.programmes import Programme, programmes
from noise.days_off import day_off
from noise.noise_rules import rules_of
from parsing.days import parse_day
from people.rights import Action
from runtime.refusal import Refusal
from schedules.conflicts import airings_of, clashing
from schedules.occurrences import Occurrence, between
from schedules.schedules import Schedule, next_due, schedules
from usecases.schedules import copy_days, move_airing, pause_schedule, restore_schedule, retire_schedule
from web.formatting import monday_of
from web.labels.rules import rule_sentence
from web.noise_form import clock
from web.request_context import Frame, In, Reading, back_to, changes, renderer_of
from web.typed_fields import Day as TypedDay
from web.typed_fields import RowId, TimeOfDay
from wire.allowed_hours import AllowedHours, open_minutes

router = APIRouter(include_in_schema=False)
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Day:
    """One day of the week or month that is shown. day_off: the name of the public holiday, "" when it is none.

    open: the commune's allowed hours of the day, from and until; None when there is no limit.
    """

    day: date
    today: bool
    due: list[Occurrence]
    day_off: str
    of_month: bool = True
    open: list[tuple[str, str]] | None = None


@dataclass(frozen=True)
class ScheduleRow:
    """One schedule in the list. next: when it is due next, None when never again."""

    schedule: Schedule
    programme: Programme | None
    sentence: str
    next: datetime | None


@router.get("/timetable")
def page(frame: In, session: Reading, week_of: str = "", month_of: str = "") -> HTMLResponse:
    """The week or the month, and the list of schedules."""
    now = frame.deps.clock.now()
    today = now.astimezone(frame.commune.zone).date()
    if month_of:
        first = _day_of(month_of, today).replace(day=1)
        following = (first + timedelta(days=32)).replace(day=1)
        start, end = monday_of(first), monday_of(following - timedelta(days=1)) + _WEEK
        before, after = (first - timedelta(days=1)).replace(day=1), following
    else:
        first = start = monday_of(_day_of(week_of, today))
        end, before, after = start + _WEEK, start - _WEEK, start + _WEEK
    due = between(session, frame.commune_id, start, end)
    limit = rules_of(session, frame.commune_id).get("")
    clash = clashing(session, frame.commune_id, airings_of(due))
    return renderer_of(frame.request).page(
        frame,
        "timetable.html",
        days=_days(frame, due, start, end, first if month_of else None, today, limit.allowed_hours if limit else []),
        rows=[] if month_of else _rows(frame, session, now),
        first=first,
        before=before,
        after=after,
        clashing=clash,
        month=bool(month_of),
        today=today,
        order_key=order_key,
    )


@router.post("/timetable/{number}/pause", dependencies=[changes(Action.TIMETABLE)])
def do_pause(frame: In, number: RowId, paused: Annotated[bool, Form()]) -> Response:
    """paused: the wanted state, so that a second send changes nothing."""
    pause_schedule(frame.deps.services, frame.actor, frame.commune_id, number, paused=paused)
    return back_to(frame.request, "/timetable")


@router.post("/timetable/{number}/retire", dependencies=[changes(Action.TIMETABLE)])
def do_retire(frame: In, number: RowId) -> Response:
    retire_schedule(frame.deps.services, frame.actor, frame.commune_id, number)
    return back_to(frame.request, "/timetable")


@router.post("/timetable/{number}/restore", dependencies=[changes(Action.TIMETABLE)])
def do_restore(frame: In, number: RowId) -> Response:
    restore_schedule(frame.deps.services, frame.actor, frame.commune_id, number)
    return back_to(frame.request, f"/timetable/{number}")


@router.post("/timetable/{number}/move", dependencies=[changes(Action.TIMETABLE)])
def do_move(
    frame: In,
    number: RowId,
    from_day: Annotated[TypedDay, Form()],
    from_time: Annotated[TimeOfDay, Form()],
    to_day: Annotated[TypedDay, Form()],
    to_time: Annotated[TimeOfDay, Form()],
) -> Response:
    move_airing(
        frame.deps.services,
        frame.actor,
        frame.commune_id,
        number,
        from_day=from_day,
        from_time=from_time,
        to_day=to_day,
        to_time=to_time,
    )
    return back_to(frame.request, f"/timetable?week_of={to_day}")


@router.post("/timetable/copy", dependencies=[changes(Action.TIMETABLE)])
def do_copy(
    frame: In,
    from_day: Annotated[TypedDay, Form()],
    to_day: Annotated[TypedDay, Form()],
    span: Annotated[str, Form()] = "day",
) -> Response:
    """Copy what is due on a day, or in its week, to another day or week."""
    week = span == "week"
    source, target = (monday_of(from_day), monday_of(to_day)) if week else (from_day, to_day)
    copy_days(frame.deps.services, frame.actor, frame.commune_id, source, target, 7 if week else 1)
    return back_to(frame.request, f"/timetable?week_of={target}")


def _day_of(text: str, today: date) -> date:
    try:
        return parse_day(text) if text else today
    except Refusal:
        return today


def _days(
    frame: Frame,
    due: list[Occurrence],
    start: date,
    end: date,
    month: date | None,
    today: date,
    hours: list[AllowedHours],
) -> list[Day]:
    on: dict[date, list[Occurrence]] = {}
    for occurrence in due:
        on.setdefault(occurrence.starts_at.astimezone(frame.commune.zone).date(), []).append(occurrence)
    return [
        Day(d, d == today, on.get(d, []), day_off(d), month is None or d.month == month.month, _open(hours, d))
        for d in (start + timedelta(days=k) for k in range((end - start).days))
    ]


def _open(hours: list[AllowedHours], day: date) -> list[tuple[str, str]] | None:
    if not hours:
        return None
    return [(clock(since), clock(until)) for since, until in open_minutes(hours, day, bool(day_off(day)))]


def _rows(frame: Frame, session: Session, now: datetime) -> list[ScheduleRow]:
    programme_by_id = {p.number: p for p in programmes(session, frame.commune_id, include_retired=True)}
    rows = []
    for schedule in schedules(session, frame.commune_id):
        due = next_due(session, schedule, now, 1)
        sentence = rule_sentence(frame.wording, schedule.recurrence)
        rows.append(
            ScheduleRow(schedule, programme_by_id.get(schedule.programme_id), sentence, due[0] if due else None)
        )
    return rows

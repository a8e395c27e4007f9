"""Timetable: what will sound when, and is anything wrong with it? Its week, its month, its schedules."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from broadcast.broadcasts import order_key
from parsing.days import parse_day
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.schedules import copy_days, pause_schedule, restore_schedule, retire_schedule
from web.flash import Flash
from web.formatting import monday_of
from web.removed_things import after_removal
from web.request_context import In, Reading, back_to, changes
from web.timetable_view import period_of, timetable_view
from web.typed_fields import Day as TypedDay
from web.typed_fields import RowId

router = APIRouter(include_in_schema=False)


@router.get("/timetable")
def page(frame: In, session: Reading, week_of: str = "", month_of: str = "", day: str = "") -> HTMLResponse:
    """The week, a day or the month, and the list of schedules."""
    today = frame.deps.clock.now().astimezone(frame.commune.zone).date()
    period = period_of(
        today,
        day=_day_of(day, today) if day else None,
        week_of=_day_of(week_of, today),
        month_of=_day_of(month_of, today) if month_of else None,
    )
    view = timetable_view(session, frame, period)
    return frame.page("timetable.html", view=view, period=period, today=today, order_key=order_key)


@router.post("/timetable/{number}/pause", dependencies=[changes(Action.TIMETABLE)])
def do_pause(frame: In, number: RowId, paused: Annotated[bool, Form()], until: Annotated[str, Form()] = "") -> Response:
    """paused: the wanted state, so that a second send changes nothing. until: a day, "" for no end."""
    ends = parse_day(until) if paused and until.strip() else None
    pause_schedule(frame.deps.services, frame.actor, frame.commune_id, number, paused=paused, until=ends)
    return back_to(
        frame.request, "/timetable", Flash(N_("Schedule paused.") if paused else N_("The schedule is active again."))
    )


@router.post("/timetable/{number}/retire", dependencies=[changes(Action.TIMETABLE)])
def do_retire(frame: In, number: RowId) -> Response:
    retire_schedule(frame.deps.services, frame.actor, frame.commune_id, number)
    return after_removal(frame, "schedule", number)


@router.post("/timetable/{number}/restore", dependencies=[changes(Action.TIMETABLE)])
def do_restore(frame: In, number: RowId) -> Response:
    restore_schedule(frame.deps.services, frame.actor, frame.commune_id, number)
    return back_to(frame.request, f"/timetable/{number}", Flash(N_("Schedule restored.")))


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
    return back_to(
        frame.request, f"/timetable?week_of={target}", Flash(N_("The broadcasts have been copied to this week."))
    )


def _day_of(text: str, today: date) -> date:
    try:
        return parse_day(text) if text else today
    except Refusal:
        return today

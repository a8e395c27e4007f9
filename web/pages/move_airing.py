"""Moving one airing, alone or with all others of its schedule: what that would do, and doing it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from people.rights import Action
from schedules.move_outlook import MoveOutlook, MoveScope, move_outlook
from schedules.recurrence import Repeat
from usecases.schedules import move_airing, move_all_airings, schedule_of, title_of
from web.labels.rules import rule_sentence
from web.request_context import In, Reading, back_to, changes
from web.timetable_view import may_change, saved_schedule
from web.typed_fields import Day, RowId, TimeOfDay

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class MoveChoice:
    """One of the two ways to move. sentence: what the schedule would be then, "" where it has no rule."""

    scope: MoveScope
    found: MoveOutlook
    sentence: str


@router.get("/timetable/{number}/move")
def ask(
    frame: In,
    session: Reading,
    number: RowId,
    from_day: Day,
    from_time: TimeOfDay,
    to_day: Day | None = None,
    to_time: TimeOfDay | None = None,
    brief: bool = False,
    revision: str = "",
) -> HTMLResponse:
    """What moving it would do, for the one airing and for all. brief: only the judgement of the one, while it is
    dragged. revision: of the schedule as the page that asks shows it.
    """
    now = frame.deps.clock.now()
    moving = schedule_of(session, frame.commune_id, number)
    to_day, to_time = to_day or from_day, to_time if to_time is not None else from_time
    once = moving.recurrence.repeat is Repeat.ONCE and len(moving.recurrence.times) == 1
    states = frame.deps.presence.snapshot(now)
    choices = []
    for scope in [MoveScope.ONE] if brief or once else list(MoveScope):
        found = move_outlook(
            session,
            moving,
            scope,
            from_day=from_day,
            from_time=from_time,
            to_day=to_day,
            to_time=to_time,
            now=now,
            states=states,
        )
        choices.append(MoveChoice(scope, found, rule_sentence(frame.wording, found.rule) if found.rule else ""))
    whole = not frame.request.headers.get("hx-request")
    return frame.page(
        "_move_judgement.html" if brief else "move_airing.html" if whole else "_move_choices.html",
        schedule=moving,
        title=title_of(session, moving),
        revision=revision,
        from_day=from_day,
        from_time=from_time,
        to_day=to_day,
        to_time=to_time,
        choices=choices,
        found=choices[0].found,
        moved=(to_day, to_time) != (from_day, from_time),
        may_change=may_change(frame, moving),
    )


@router.post("/timetable/{number}/move", dependencies=[changes(Action.TIMETABLE)])
def do_move(
    frame: In,
    number: RowId,
    from_day: Annotated[Day, Form()],
    from_time: Annotated[TimeOfDay, Form()],
    to_day: Annotated[Day, Form()],
    to_time: Annotated[TimeOfDay, Form()],
    scope: Annotated[MoveScope, Form()] = MoveScope.ONE,
) -> Response:
    services, actor, commune_id = frame.deps.services, frame.actor, frame.commune_id
    if scope is MoveScope.ALL:
        moved = move_all_airings(
            services,
            actor,
            commune_id,
            number,
            from_day=from_day,
            from_time=from_time,
            to_day=to_day,
            to_time=to_time,
            sentence=lambda rule: rule_sentence(frame.wording, rule),
        )
    else:
        moved = move_airing(
            services,
            actor,
            commune_id,
            number,
            from_day=from_day,
            from_time=from_time,
            to_day=to_day,
            to_time=to_time,
        )
    return back_to(frame.request, f"/timetable?week_of={to_day}", saved_schedule(frame, moved.number))

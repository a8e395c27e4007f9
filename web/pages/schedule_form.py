"""A schedule's form: what shall sound when and where, and what that will do, shown before it is kept."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.modes import IN_STEP, Spread
from broadcast.programmes import programmes
from people.rights import Action
from schedules.outlook import outlook
from schedules.recurrence import Rule
from schedules.schedules import Schedule
from usecases.schedules import ScheduleSettings, add_schedule, change_schedule, schedule_of
from web.labels.modes import mode_sentence
from web.labels.rules import rule_sentence
from web.request_context import Frame, In, Reading, back_to, changes, renderer_of
from web.rule_form import Draft, draft_of, rule_from
from web.targets import TargetChoice, class_from, spread_from, target_choice, targets_from
from web.typed_fields import RowId, Whole
from wire.broadcasts import BroadcastClass

router = APIRouter(include_in_schema=False)
#: Of two on one hour the higher comes first; the form knows three steps.
PRECEDENCES = (-1, 0, 1)


@router.get("/timetable/new")
def new(frame: In, session: Reading, programme: RowId = 0) -> HTMLResponse:
    """The form for a new schedule."""
    today = frame.deps.clock.now().astimezone(frame.commune.zone).date()
    draft = Draft(programme_id=programme, from_day=(today + timedelta(days=1)).isoformat())
    return _form(frame, session, draft, target_choice(session, frame.commune_id), None)


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
    return renderer_of(frame.request).page(
        frame,
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
    else:
        add_schedule(services, frame.actor, frame.commune_id, settings, sentence=sentence)
    return back_to(frame.request, "/timetable")


def _form(
    frame: Frame, session: Session, draft: Draft, targets: TargetChoice, schedule: Schedule | None
) -> HTMLResponse:
    return renderer_of(frame.request).page(
        frame,
        "schedule_form.html",
        draft=draft,
        targets=targets,
        schedule=schedule,
        spread=schedule.time_spread if schedule else IN_STEP,
        programmes=programmes(session, frame.commune_id),
    )

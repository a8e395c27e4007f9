"""The JSON API's schedules. Times of day are by the commune's clock; instants are ISO 8601 with a zone."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from people.rights import Action
from schedules.recurrence import Holidays, Repeat, Rule
from schedules.schedules import Schedule, next_due, schedules
from schedules.slots import slots_of
from usecases.revisions import newest_entry, revision_of
from usecases.schedules import ScheduleSettings, add_schedule, pause_schedule, retire_schedule
from web.api.targets import TargetsIn
from web.request_context import In, Reading, changes
from web.typed_fields import Day, RowId, TimeOfDay, Whole
from wire.broadcasts import BroadcastClass

router = APIRouter(prefix="/api/v1")


class ScheduleIn(BaseModel):
    """A new schedule. times: of the day, by the commune's clock. The rest as `schedules.recurrence.Rule` has it."""

    programme: RowId
    repeat: Repeat
    times: list[TimeOfDay]
    from_day: Day
    until_day: Day | None = None
    every: Whole = 1
    weekdays: list[Whole] = []
    month_days: list[Whole] = []
    which: list[Whole] = []
    except_days: list[Day] = []
    extra_days: list[Day] = []
    holidays: Holidays = Holidays.ALIKE
    tet: Holidays = Holidays.ALIKE
    targets: TargetsIn
    broadcast_class: BroadcastClass = Field(BroadcastClass.NORMAL, alias="class")


@router.get("/schedules")
def list_schedules(frame: In, session: Reading) -> list[dict[str, Any]]:
    now, newest = frame.deps.clock.now(), newest_entry(session)
    return [
        {**_schedule(s, next_due(session, s, now, 5), now), "revision": revision_of(session, s, newest)}
        for s in schedules(session, frame.commune_id)
    ]


@router.post("/schedules", status_code=201, dependencies=[changes(Action.TIMETABLE)])
def make_schedule(frame: In, body: ScheduleIn) -> dict[str, Any]:
    """Put a programme on the timetable; it is planned at once. Gives the next instants and the broadcasts planned."""
    rule = Rule(**body.model_dump(include=set(Rule.__struct_fields__))).check()
    settings = ScheduleSettings(body.programme, rule, body.targets.targets(), body.broadcast_class)
    added = add_schedule(frame.deps.services, frame.actor, frame.commune_id, settings)
    now = frame.deps.clock.now()
    with frame.deps.database.session() as session:
        planned = [s.broadcast_id for s in slots_of(session, added.number) if s.broadcast_id]
        revision = revision_of(session, added, newest_entry(session))
        return {**_schedule(added, next_due(session, added, now, 5), now), "broadcasts": planned, "revision": revision}


class PauseIn(BaseModel):
    """paused: the wanted state. until: the day on which the schedule plays again; without one, when it is resumed."""

    paused: bool
    until: Day | None = None


@router.post("/schedules/{number}/pause", dependencies=[changes(Action.TIMETABLE)])
def pause(frame: In, number: RowId, body: PauseIn) -> dict[str, Any]:
    """Pause or resume a schedule. If-Match: its `revision` as it was listed; 409 when it changed since."""
    changed = pause_schedule(
        frame.deps.services, frame.actor, frame.commune_id, number, paused=body.paused, until=body.until
    )
    now = frame.deps.clock.now()
    with frame.deps.database.session() as session:
        revision = revision_of(session, changed, newest_entry(session))
        return {**_schedule(changed, next_due(session, changed, now, 5), now), "revision": revision}


@router.delete("/schedules/{number}", status_code=204, dependencies=[changes(Action.TIMETABLE)])
def remove_schedule(frame: In, number: RowId) -> None:
    """Take a schedule off the timetable. If-Match: its `revision` as it was listed; 409 when it changed since."""
    retire_schedule(frame.deps.services, frame.actor, frame.commune_id, number)


def _schedule(schedule: Schedule, following: list[datetime], now: datetime) -> dict[str, Any]:
    rule = schedule.recurrence
    return {
        "schedule": schedule.number,
        "programme": schedule.programme_id,
        "class": schedule.class_,
        "repeat": rule.repeat,
        "times": rule.times,
        "from_day": rule.from_day,
        "until_day": rule.until_day,
        "weekdays": rule.weekdays,
        "paused": schedule.is_paused_at(now),
        "paused_until": schedule.paused_until if schedule.is_paused_at(now) else None,
        "next": following,
    }

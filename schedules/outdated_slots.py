"""Which slots no longer match their schedule, and why.

Columns are read, not rows: this is done for every commune at each start, and for a part of them at each interval.
"""

from datetime import datetime
from typing import NamedTuple

import sqlalchemy
from sqlmodel import Session, col, select

from broadcast.broadcasts import LONGEST_TITLE, Broadcast, decode_shifts
from broadcast.play_reports import PlayReportRow
from runtime.refusal import Refusal
from schedules.plan_context import PlanContext, ProgrammeContent
from schedules.schedules import Schedule
from schedules.slots import OUTSIDE_HOURS, Slot

#: Schedules of one commune with their contexts, by schedule id.
ById = dict[int, tuple[Schedule, PlanContext]]


class PlannedSlot(NamedTuple):
    """A slot with what its broadcast says; None in place of that where there is no broadcast."""

    id: int
    schedule_id: int
    due_at: datetime
    schedule_revision: int
    outcome: str
    cause: str
    broadcast_id: str | None
    withdrawn_at: datetime | None
    missed: bool | None
    title: str | None
    items: bytes | None
    shifts: str | None


def outdated_slots(session: Session, by_id: ById, now: datetime) -> list[tuple[PlannedSlot, str]]:
    """Slots that have not begun and no longer match, each with the cause.

    A broadcast with a play report has aired, whatever the clock says now; it is never planned again.
    """
    slot_columns = (Slot.id, Slot.schedule_id, Slot.due_at, Slot.schedule_revision, Slot.outcome, Slot.cause)
    broadcast_columns = (Broadcast.withdrawn_at, Broadcast.missed, Broadcast.title, Broadcast.items, Broadcast.shifts)
    query = (
        sqlalchemy.select(*slot_columns, Slot.broadcast_id, *broadcast_columns)  # type: ignore[call-overload]
        .join(Broadcast, col(Slot.broadcast_id) == col(Broadcast.id), isouter=True)
        .where(col(Slot.schedule_id).in_(list(by_id)), col(Slot.due_at) > now)
        .order_by(col(Slot.due_at))
    )
    outdated = []
    for slot in map(PlannedSlot._make, session.execute(query)):
        if why := _why_outdated(slot, *by_id[slot.schedule_id]):
            outdated.append((slot, why))
    if not outdated:
        return []
    ids = [slot.broadcast_id for slot, _ in outdated if slot.broadcast_id]
    aired = set(
        session.exec(select(PlayReportRow.broadcast_id).where(col(PlayReportRow.broadcast_id).in_(ids)).distinct())
    )
    return [(slot, why) for slot, why in outdated if slot.broadcast_id not in aired]


def _why_outdated(slot: PlannedSlot, schedule: Schedule, context: PlanContext) -> str:
    """The cause why a slot that has not begun no longer matches, "" when it does."""
    if slot.schedule_revision != schedule.revision:
        if schedule.is_paused_at(slot.due_at):
            return "schedule_paused"
        return "schedule_removed" if schedule.retired_at else "schedule_changed"
    if slot.outcome == "missed":
        return "schedule_changed"  # by a clock that ran ahead: it is still to come
    if context.allows(slot.due_at) is (slot.cause == OUTSIDE_HOURS):
        return OUTSIDE_HOURS if slot.broadcast_id is not None else "schedule_changed"  # the allowed hours have changed
    if isinstance(context.content, Refusal) or slot.cause == OUTSIDE_HOURS:
        return ""  # an incomplete programme: keep the older plan
    if slot.broadcast_id is None:
        return "schedule_changed"  # refused then, and audible now
    if slot.withdrawn_at is not None or slot.missed:
        return ""  # by an operator
    changed = not context.content.is_stored_as(slot.items) or slot.title != title_of(schedule, context.content)
    changed = changed or decode_shifts(slot.shifts) != context.shifts.by_receiver  # receivers were added or moved
    return "schedule_changed" if changed else ""


def title_of(schedule: Schedule, content: ProgrammeContent) -> str:
    return (schedule.title or content.title)[:LONGEST_TITLE]

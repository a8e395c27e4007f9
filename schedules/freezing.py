"""Freezing the past: fixes who was meant by broadcasts that have started and by due instants without a broadcast.

Called every few seconds, and first of all by whatever changes receivers, zones, communes or schedules: the change then
cannot reach back, however long ago the last call was.
"""

from datetime import datetime

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from broadcast import audiences
from broadcast.audiences import Audiences, store
from broadcast.programmes import Programme
from runtime.database import Database
from schedules.schedules import Schedule
from schedules.slots import Slot


def freeze_past(session: Session, now: datetime) -> None:
    """Within the caller's writing transaction. Does nothing to what is frozen already."""
    audiences.freeze_started(session, now)
    due = list(session.exec(_not_frozen(now)))
    frozen_audiences = Audiences(session)
    for slot in due:
        schedule = session.get_one(Schedule, slot.schedule_id)
        slot.title = schedule.title or session.get_one(Programme, schedule.programme_id).title
        slot.audience_id = store(session, frozen_audiences.at(schedule.commune_id, schedule.targets, slot.due_at))
        session.add(slot)
    if due:
        session.flush()


def freeze_in(database: Database, now: datetime) -> datetime | None:
    """In a transaction of its own, which is opened only when there is something to freeze.

    Returns the next instant at which there will be.
    """
    with database.session() as session:
        due = audiences.freezing_due(session, now) or session.exec(_not_frozen(now).limit(1)).first() is not None
        next_at = now if due else _next_to_freeze(session, now)
    if due:
        with database.writing() as session:
            freeze_past(session, now)
    return next_at


def _next_to_freeze(session: Session, now: datetime) -> datetime | None:
    is_empty_slot = col(Slot.broadcast_id).is_(None), col(Slot.audience_id).is_(None), col(Slot.due_at) > now
    next_slot = session.exec(select(Slot.due_at).where(*is_empty_slot).order_by(col(Slot.due_at)).limit(1)).first()
    instants = audiences.next_to_freeze(session, now), next_slot
    return min((instant for instant in instants if instant is not None), default=None)


def _not_frozen(now: datetime) -> SelectOfScalar[Slot]:
    return select(Slot).where(
        col(Slot.broadcast_id).is_(None), col(Slot.audience_id).is_(None), col(Slot.due_at) <= now
    )

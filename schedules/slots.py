"""Slots: due instants, each claimed once, each with its broadcast or the reason why there is none.

A slot is claimed by inserting its row (`schedules.slot_planning`); schedule and instant are unique.
"""

from datetime import datetime

from sqlalchemy import Column, String
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, col, select

from runtime.database import UtcDateTime

#: The cause of a slot at which no target may sound.
OUTSIDE_HOURS = "allowed_hours"


class Slot(SQLModel, table=True):
    """A due instant of a schedule. schedule_revision: the one it was planned by.

    outcome: planned, missed or refused. title, audience_id: of a slot without a broadcast, its title and receivers,
    fixed when it was due.
    """

    __table_args__ = (UniqueConstraint("schedule_id", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    schedule_id: int = Field(foreign_key="schedule.id", index=True)
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    schedule_revision: int
    claimed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    broadcast_id: str | None = Field(default=None, foreign_key="broadcast.id", index=True)
    outcome: str = "planned"
    cause: str = ""
    title: str | None = None
    audience_id: str | None = Field(default=None, sa_column=Column(String(64)))


def slots_of(session: Session, schedule_id: int) -> list[Slot]:
    return list(session.exec(select(Slot).where(Slot.schedule_id == schedule_id).order_by(col(Slot.due_at))))

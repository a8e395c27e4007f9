"""Schedules: which programme airs when, and where. The table is the truth; plans and pages are derived from it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Column, LargeBinary, Text
from sqlmodel import Field, Session, SQLModel, col, select

from broadcast.modes import Spread, decode_spread
from devices.communes import commune
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound
from schedules.recurrence import Rule, instants, next_instants
from wire.broadcasts import BroadcastClass, Targets


class Schedule(SQLModel, table=True):
    """A programme, when, where, and as what class. rule, targets: JSON. spread: as `broadcast.modes` keeps it.

    revision: grows with each change, so that what was planned by an older one is known. changed_at: of the last change;
    instants before it do not count, or a schedule moved to a minute ago would begin in its middle.
    """

    id: int | None = Field(default=None, primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    programme_id: int = Field(foreign_key="programme.id", index=True)
    title: str = ""
    class_: str = Field(sa_column_kwargs={"name": "class"})
    precedence: int = 0
    targets: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    rule: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    spread: str | None = Field(default=None, sa_column=Column(Text))
    revision: int = 1
    paused: bool = False
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str = ""
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def number(self) -> int:
        """Its id, once it is kept."""
        if self.id is None:
            raise RuntimeError("the schedule is not kept yet")
        return self.id

    @property
    def recurrence(self) -> Rule:
        """Its rule."""
        return msgspec.json.decode(self.rule, type=Rule)

    @property
    def audience(self) -> Targets:
        """Who sounds."""
        return msgspec.json.decode(self.targets, type=Targets)

    @property
    def time_spread(self) -> Spread:
        """How it is spread in time over its receivers."""
        return decode_spread(self.spread)

    @property
    def broadcast_class(self) -> BroadcastClass:
        """Its legal class."""
        return BroadcastClass(self.class_)


def schedule(session: Session, schedule_id: int) -> Schedule:
    """One. Raises NotFound."""
    found = session.get(Schedule, schedule_id)
    if found is None:
        raise NotFound(N_("This schedule no longer exists."))
    return found


def schedules(session: Session, commune_id: str | None = None) -> list[Schedule]:
    """Those on the timetable, resting ones too, of one commune or of all."""
    query = select(Schedule).where(col(Schedule.retired_at).is_(None))
    if commune_id is not None:
        query = query.where(Schedule.commune_id == commune_id)
    return list(session.exec(query.order_by(col(Schedule.id))))


def due(found: Schedule, zone: ZoneInfo, after: datetime, before: datetime) -> list[datetime]:
    """When it is due in [after, before): nothing while it rests or is retired."""
    if found.paused or found.retired_at is not None:
        return []
    return instants(found.recurrence, zone, after, before)


def next_due(session: Session, found: Schedule, now: datetime, count: int = 10) -> list[datetime]:
    """The next instants at which it is due."""
    if found.paused or found.retired_at is not None:
        return []
    return next_instants(found.recurrence, commune(session, found.commune_id).zone, now, count)

"""Schedules: which programme airs when, and where. The table is the truth; plans and pages are derived from it."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Column, LargeBinary, Text
from sqlmodel import Field, Session, col, select

from broadcast.modes import Spread, decode_spread
from devices.communes import commune
from runtime.database import UtcDateTime
from runtime.refusal import N_
from runtime.rows import NumberedRow, existing
from schedules.recurrence import Rule, instants, next_instants
from wire.broadcasts import BroadcastClass, Targets


class Schedule(NumberedRow, table=True):
    """rule, targets: JSON. spread: encoded by `broadcast.modes`.

    paused: until `paused_until`, or until it is resumed when that is None; read it with `is_paused_at`.
    revision: grows with each change, so that plans by an older one are recognized. changed_at: of the last change;
    earlier instants do not count, or a schedule moved to a minute ago would start in the middle.
    """

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
    paused_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str = ""
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    def is_paused_at(self, at: datetime) -> bool:
        return self.paused and (self.paused_until is None or at < self.paused_until)

    @property
    def paused_indefinitely(self) -> bool:
        return self.paused and self.paused_until is None

    @property
    def recurrence(self) -> Rule:
        return msgspec.json.decode(self.rule, type=Rule)

    @property
    def audience(self) -> Targets:
        return msgspec.json.decode(self.targets, type=Targets)

    @property
    def time_spread(self) -> Spread:
        """How the start is spread over the receivers."""
        return decode_spread(self.spread)

    @property
    def broadcast_class(self) -> BroadcastClass:
        return BroadcastClass(self.class_)


def schedule(session: Session, schedule_id: int) -> Schedule:
    """Raises NotFound when no row has this id."""
    return existing(session, Schedule, schedule_id, N_("This schedule no longer exists."))


def schedules(session: Session, commune_id: str | None = None) -> list[Schedule]:
    """All that are not retired, paused ones included, of one commune or of all."""
    query = select(Schedule).where(col(Schedule.retired_at).is_(None))
    if commune_id is not None:
        query = query.where(Schedule.commune_id == commune_id)
    return list(session.exec(query.order_by(col(Schedule.id))))


def due(of_schedule: Schedule, zone: ZoneInfo, after: datetime, before: datetime) -> list[datetime]:
    """In [after, before); none while it is paused or retired."""
    if of_schedule.paused_indefinitely or of_schedule.retired_at is not None:
        return []
    if of_schedule.paused and of_schedule.paused_until is not None:
        after = max(after, of_schedule.paused_until)
    return instants(of_schedule.recurrence, zone, after, before)


def next_due(session: Session, of_schedule: Schedule, now: datetime, count: int = 10) -> list[datetime]:
    """None while it is paused or retired; the first ones after a pause that ends."""
    return next_due_in(commune(session, of_schedule.commune_id).zone, of_schedule, now, count)


def next_due_in(zone: ZoneInfo, of_schedule: Schedule, now: datetime, count: int = 10) -> list[datetime]:
    """The same, without a query. zone: of its commune."""
    if of_schedule.paused_indefinitely or of_schedule.retired_at is not None:
        return []
    after = now
    if of_schedule.is_paused_at(now) and of_schedule.paused_until is not None:
        after = of_schedule.paused_until - timedelta(microseconds=1)  # `next_instants` begins after it
    return next_instants(of_schedule.recurrence, zone, after, count)

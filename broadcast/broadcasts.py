"""Broadcasts: one airing each. The table, and the state of a broadcast at an instant."""

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Column, Index, LargeBinary, String, Text
from sqlmodel import Field, Session, SQLModel

from broadcast.modes import Spread, decode_spread
from runtime.clock import to_us
from runtime.database import UtcDateTime, partial_index
from runtime.refusal import N_
from runtime.rows import existing
from wire.broadcasts import BroadcastClass, Item, Targets, source_of
from wire.precedence import Precedence, precedence_of

LONGEST_TITLE = 200
#: The order of a broadcast that was put on air by hand: before any schedule that begins at the same microsecond.
BY_HAND = 0xFFFF_FFFF


class BroadcastState(StrEnum):
    """Computed from the row and the time, never stored."""

    PLANNED = "planned"  # stored, not yet at the broker
    ANNOUNCED = "announced"  # the broker has its manifest
    ON_AIR = "on_air"
    ENDED = "ended"
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    MISSED = "missed"


class Broadcast(SQLModel, table=True):
    """One airing. items, targets: JSON as on the wire, fixed when it was planned. ends_at: of the receiver that ends
    last.

    spread: encoded by `modes`. shifts: JSON, µs by receiver as on the wire; None: all start at starts_at.
    revision: grows with each change; announced_revision: the last that the broker acknowledged, 0 for none.
    cause: why it was stopped, withdrawn or missed. replaces: the broadcast of a former commune that it continues.
    alert_id: the alert that this is the record of: receivers learn of it by other means, so it is never announced.
    audience_id, clip_fields: who was meant, and JSON of clip id → field; None until it started (`broadcast.audiences`).
    """

    __table_args__ = (
        Index("ix_broadcast_audience_id_starts_at", "audience_id", "starts_at"),
        # What the transmitter asks for each second, among all broadcasts that ever were.
        partial_index("ix_broadcast_unannounced", "starts_at", where="announced_revision < revision"),
        partial_index("ix_broadcast_published", "ends_at", where="cleared_at IS NULL"),
        partial_index("ix_broadcast_cleared", "ends_at", where="cleared_at IS NOT NULL"),
    )

    id: str = Field(primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    programme_id: int | None = Field(default=None, foreign_key="programme.id")
    clip_id: str | None = Field(default=None, foreign_key="clip.id")
    title: str
    class_: str = Field(sa_column_kwargs={"name": "class"})
    precedence: int = 0
    starts_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    ends_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    targets: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    items: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    spread: str | None = Field(default=None, sa_column=Column(Text))
    shifts: str | None = Field(default=None, sa_column=Column(Text))
    revision: int = 1
    announced_revision: int = 0
    announced_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    cleared_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    planned_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    planned_by: str = ""
    stopped_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    stopped_by: str = ""
    withdrawn_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    missed: bool = False
    cause: str = ""
    replaces: str | None = None
    alert_id: str | None = Field(default=None, sa_column=Column(String(16)))
    audience_id: str | None = Field(default=None, sa_column=Column(String(64)))
    clip_fields: str | None = Field(default=None, sa_column=Column(Text))

    @property
    def broadcast_class(self) -> BroadcastClass:
        return BroadcastClass(self.class_)

    @property
    def rank(self) -> Precedence:
        """Of two broadcasts the one with the larger rank plays."""
        source = source_of(self.playlist)
        return precedence_of(self.broadcast_class, source, self.precedence, to_us(self.starts_at), self.id)

    @property
    def audience(self) -> Targets:
        return msgspec.json.decode(self.targets, type=Targets)

    @property
    def playlist(self) -> list[Item]:
        """What plays, as on the wire."""
        return msgspec.json.decode(self.items, type=list[Item])

    @property
    def time_spread(self) -> Spread:
        """How the start is spread over the receivers."""
        return decode_spread(self.spread)

    @property
    def shifts_us(self) -> dict[str, int]:
        """How much later than starts_at each receiver begins; those that do not are missing."""
        return decode_shifts(self.shifts)

    @property
    def length_us(self) -> int:
        """Of its items, as planned; a live broadcast's is a limit."""
        return max((item.offset_us + item.duration_us for item in self.playlist), default=0)

    @property
    def was_cut_short(self) -> bool:
        """Stopped by a person or by Loa, not by the end of live audio."""
        return self.stopped_at is not None and self.cause != "live_ended"

    @property
    def sounds_until(self) -> datetime:
        """Its end, or the stop before it."""
        return self.ends_at if self.stopped_at is None else min(self.ends_at, self.stopped_at)


def state(broadcast: Broadcast, now: datetime) -> BroadcastState:
    if broadcast.withdrawn_at is not None:
        return BroadcastState.WITHDRAWN
    if broadcast.missed:
        return BroadcastState.MISSED
    if broadcast.stopped_at is not None and broadcast.stopped_at <= now:
        return BroadcastState.STOPPED
    if now >= broadcast.ends_at:
        return BroadcastState.ENDED
    if now >= broadcast.starts_at:
        return BroadcastState.ON_AIR
    return BroadcastState.ANNOUNCED if broadcast.announced_revision else BroadcastState.PLANNED


def decode_shifts(stored: str | None) -> dict[str, int]:
    """The column `Broadcast.shifts` as `Broadcast.shifts_us`."""
    return {} if stored is None else msgspec.json.decode(stored, type=dict[str, int])


def broadcast(session: Session, broadcast_id: str) -> Broadcast:
    """Raises NotFound when no row has this id."""
    return existing(session, Broadcast, broadcast_id, N_("This broadcast no longer exists."))


def order_key(order: int) -> str:
    """The start of a broadcast's id: among equals receivers play the larger id, and the page has to predict which."""
    return f"{order:08x}"

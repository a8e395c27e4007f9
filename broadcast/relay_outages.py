"""Relay outages: when a station failed during its broadcast, and why. Kept with the play log, shown as a fault."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Column, Text
from sqlmodel import Field, Session, col, select

from broadcast.broadcasts import Broadcast
from runtime.database import UtcDateTime
from runtime.refusal import Refusal, from_text
from runtime.rows import NumberedRow

#: An outage that is over is shown as a fault for so long.
SHOWN_AFTER_END = timedelta(hours=24)
#: Of one broadcast; a station that fails all the time says no more with more of them.
MOST_OF_ONE = 200


class RelayOutage(NumberedRow, table=True):
    """The fallback sounded from began_at to ended_at; None while it does. reason: as `runtime.refusal.as_text`."""

    __tablename__ = "relay_outage"

    broadcast_id: str = Field(foreign_key="broadcast.id", index=True)
    source_name: str
    reason: str = Field(sa_column=Column(Text, nullable=False))
    began_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def why(self) -> Refusal:
        return from_text(self.reason) or Refusal(self.reason)


def note_outage(session: Session, broadcast_id: str, source_name: str, reason: str, at: datetime) -> None:
    """Begin one, unless one is open already."""
    rows = outages_of(session, broadcast_id)
    if len(rows) < MOST_OF_ONE and not any(row.ended_at is None for row in rows):
        session.add(RelayOutage(broadcast_id=broadcast_id, source_name=source_name, reason=reason, began_at=at))
        session.flush()


def end_outage(session: Session, broadcast_id: str, at: datetime) -> None:
    for row in outages_of(session, broadcast_id):
        if row.ended_at is None:
            row.ended_at = max(at, row.began_at)
            session.add(row)


def outages_of(session: Session, broadcast_id: str) -> list[RelayOutage]:
    query = select(RelayOutage).where(RelayOutage.broadcast_id == broadcast_id)
    return list(session.exec(query.order_by(col(RelayOutage.began_at))))


def lasting_outages(session: Session, broadcast_ids: Collection[str]) -> dict[str, RelayOutage]:
    """By broadcast, those that are not over."""
    query = select(RelayOutage).where(
        col(RelayOutage.broadcast_id).in_(broadcast_ids), col(RelayOutage.ended_at).is_(None)
    )
    return {outage.broadcast_id: outage for outage in session.exec(query)} if broadcast_ids else {}


def recent_outages(session: Session, commune_id: str, now: datetime) -> list[RelayOutage]:
    """Of a commune: those that last, and those that ended lately; the newest first."""
    query = (
        select(RelayOutage)
        .join(Broadcast)
        .where(Broadcast.commune_id == commune_id, col(RelayOutage.began_at) > now - SHOWN_AFTER_END)
    )
    return list(session.exec(query.order_by(col(RelayOutage.began_at).desc()).limit(20)))

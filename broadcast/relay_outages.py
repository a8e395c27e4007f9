"""Relay outages: when a station failed during its broadcast, and why. Kept with the play log; each is a fault of its
commune while it lasts (`devices.faults.RELAY`)."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field, Session, col, select

from broadcast.broadcasts import Broadcast
from devices.faults import RELAY, note_of_commune
from runtime.database import UtcDateTime
from runtime.refusal import Refusal, from_text
from runtime.rows import NumberedRow

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
    """Begin one, and the fault, unless one is open already."""
    rows = outages_of(session, broadcast_id)
    if len(rows) < MOST_OF_ONE and not any(row.ended_at is None for row in rows):
        session.add(RelayOutage(broadcast_id=broadcast_id, source_name=source_name, reason=reason, began_at=at))
        session.flush()
        commune_id = _commune_of(session, broadcast_id)
        note_of_commune(session, commune_id, RELAY, source_name, present=True, at=at, detail=reason)


def end_outage(session: Session, broadcast_id: str, at: datetime) -> None:
    """End the open one, if there is any: the station is back, or its slot or the broadcast is over."""
    for row in outages_of(session, broadcast_id):
        if row.ended_at is not None:
            continue
        row.ended_at = max(at, row.began_at)
        session.add(row)
        session.flush()
        commune_id = _commune_of(session, broadcast_id)
        if not _fails_elsewhere(session, commune_id, row.source_name):
            note_of_commune(session, commune_id, RELAY, row.source_name, present=False, at=row.ended_at)


def end_forgotten(session: Session, now: datetime) -> None:
    """End those whose broadcast was over before anybody could: the controller had failed."""
    query = select(Broadcast).join(RelayOutage).where(col(RelayOutage.ended_at).is_(None)).distinct()
    for broadcast in session.exec(query).all():
        over_at = min(broadcast.ends_at, broadcast.stopped_at or broadcast.ends_at)
        if over_at < now:
            end_outage(session, broadcast.id, over_at)


def outages_of(session: Session, broadcast_id: str) -> list[RelayOutage]:
    query = select(RelayOutage).where(RelayOutage.broadcast_id == broadcast_id)
    return list(session.exec(query.order_by(col(RelayOutage.began_at))))


def lasting_outages(session: Session, broadcast_ids: Collection[str]) -> dict[str, RelayOutage]:
    """By broadcast, those that are not over."""
    query = select(RelayOutage).where(
        col(RelayOutage.broadcast_id).in_(broadcast_ids), col(RelayOutage.ended_at).is_(None)
    )
    return {outage.broadcast_id: outage for outage in session.exec(query)} if broadcast_ids else {}


def _commune_of(session: Session, broadcast_id: str) -> str:
    return session.exec(select(Broadcast.commune_id).where(Broadcast.id == broadcast_id)).one()


def _fails_elsewhere(session: Session, commune_id: str, source_name: str) -> bool:
    """Whether another broadcast of the commune has an open outage of the same station."""
    query = (
        select(RelayOutage.id)
        .join(Broadcast)
        .where(
            Broadcast.commune_id == commune_id,
            RelayOutage.source_name == source_name,
            col(RelayOutage.ended_at).is_(None),
        )
    )
    return session.exec(query.limit(1)).first() is not None

"""Predecessors of a commune, and the former communes of receivers. Written by mergers, read by histories.

Broadcasts keep the commune under which they aired; a successor's history also queries its predecessors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Column, ColumnElement, LargeBinary
from sqlalchemy.orm import Mapped
from sqlmodel import Field, Session, SQLModel, and_, col, or_, select

from runtime.clock import to_us
from runtime.database import UtcDateTime
from wire.commands import Former


class CommuneSuccession(SQLModel, table=True):
    """A commune succeeds (a part of) another. Broadcasts that began in [since, at) belong to the successor's history.

    since: None for no lower bound.
    """

    former_id: str = Field(foreign_key="commune.id", primary_key=True)
    successor_id: str = Field(foreign_key="commune.id", primary_key=True, index=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    since: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class FormerPlace(SQLModel, table=True):
    """A receiver was in a commune. zones: JSON, the ids of those it was in there. left_at: when it moved.

    told_until: until then its config names the commune, since it may hold manifests of it. live_until: until then live
    audio of it may still arrive.
    """

    id: int | None = Field(default=None, primary_key=True)
    receiver_id: str = Field(foreign_key="receiver.id", index=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    zones: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    left_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    told_until: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    live_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def zone_ids(self) -> list[str]:
        """The zones it was in."""
        return msgspec.json.decode(self.zones, type=list[str])


@dataclass(frozen=True)
class Ancestor:
    """A commune whose history counts: what it began in [since, before); None: without a bound."""

    commune_id: str
    since: datetime | None
    before: datetime | None

    def has(self, began_at: datetime) -> bool:
        """Whether it counts what began at an instant."""
        return (self.since is None or began_at >= self.since) and (self.before is None or began_at < self.before)


def lineage(session: Session, *commune_ids: str) -> list[Ancestor]:
    """Communes and their predecessors, themselves first. One query, whatever their number."""
    formers: dict[str, list[CommuneSuccession]] = {}
    for row in session.exec(select(CommuneSuccession)):
        formers.setdefault(row.successor_id, []).append(row)
    ancestors: list[Ancestor] = []
    for commune_id in commune_ids:
        ancestor_of = {commune_id: Ancestor(commune_id, None, None)}
        waiting = [commune_id]
        while waiting:
            heir = ancestor_of[waiting.pop(0)]
            for row in formers.get(heir.commune_id, []):
                if row.former_id not in ancestor_of:
                    bounds = [bound for bound in (row.since, heir.since) if bound is not None]
                    before = row.at if heir.before is None else min(row.at, heir.before)
                    ancestor_of[row.former_id] = Ancestor(row.former_id, max(bounds, default=None), before)
                    waiting.append(row.former_id)
        ancestors += ancestor_of.values()
    return ancestors


def within(ancestors: Sequence[Ancestor], commune_id: Mapped[str], began_at: Mapped[datetime]) -> ColumnElement[bool]:
    """The condition that a row is of these communes, and of a former one only what it began in time."""
    conditions = []
    for ancestor in ancestors:
        parts = [commune_id == ancestor.commune_id]
        parts += [began_at >= ancestor.since] if ancestor.since is not None else []
        parts += [began_at < ancestor.before] if ancestor.before is not None else []
        conditions.append(and_(*parts))
    return or_(*conditions)


def belongs(session: Session, commune_id: str, of_commune: str, began_at: datetime) -> bool:
    """Whether something that a commune began at an instant is found under another one, which may be itself."""
    if commune_id == of_commune:
        return True
    return any(
        ancestor.commune_id == of_commune and ancestor.has(began_at) for ancestor in lineage(session, commune_id)
    )


def moved_since(session: Session, at: datetime) -> dict[str, FormerPlace]:
    """Where those were at an instant that have gone over to another commune since, by receiver. One query."""
    query = select(FormerPlace).where(col(FormerPlace.left_at) > at)
    # Of several moves the first after the instant says where it was then: it is written last.
    rows = session.exec(query.order_by(col(FormerPlace.left_at).desc(), col(FormerPlace.id).desc()))
    return {row.receiver_id: row for row in rows}


def moves(session: Session) -> list[datetime]:
    """The instants at which receivers went over, in order."""
    return sorted(session.exec(select(FormerPlace.left_at).distinct()))


def places_of(session: Session, receiver_id: str) -> list[FormerPlace]:
    """Where a receiver was before, the oldest first."""
    query = select(FormerPlace).where(FormerPlace.receiver_id == receiver_id)
    return list(session.exec(query.order_by(col(FormerPlace.left_at), col(FormerPlace.id))))


def formerly(session: Session, receiver_ids: Sequence[str], now: datetime) -> dict[str, list[Former]]:
    """What configs say of former communes, by receiver; who has none is not in it. One query."""
    query = select(FormerPlace).where(col(FormerPlace.receiver_id).in_(receiver_ids), col(FormerPlace.told_until) > now)
    formers: dict[str, dict[str, Former]] = {}
    for row in session.exec(query.order_by(col(FormerPlace.left_at), col(FormerPlace.id))):
        live_until_us = to_us(row.live_until) if row.live_until is not None else 0
        former = Former(commune=row.commune_id, zones=row.zone_ids, live_until_us=live_until_us)
        formers.setdefault(row.receiver_id, {})[row.commune_id] = former
    return {receiver_id: list(by_commune.values()) for receiver_id, by_commune in formers.items()}

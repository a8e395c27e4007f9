"""Broadcasts: one airing each, from the plan to the end, with every change of state and its cause."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from sqlalchemy import Column, ColumnElement, LargeBinary, Text
from sqlmodel import Field, Session, SQLModel, col, or_, select

from broadcast.changes import note
from broadcast.clips import clip
from broadcast.modes import IN_STEP, TOGETHER, Shifts, Spread, Spreading, spread_kept, spread_read
from broadcast.programmes import clip_items, duration_us, items_of, manifest_items, programme
from devices.receivers import Receiver, reached_by
from devices.succession import lineage, within
from noise.noise_rules import check_allowed
from runtime.clock import to_us
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal
from wire.broadcasts import BroadcastClass, Item, Targets
from wire.precedence import Precedence, precedence_of

#: Between "now" and the first sample, so that receivers can fetch and switch their amplifiers on.
LEAD = timedelta(seconds=8)
#: A live broadcast needs no fetching, only the manifest's way.
LIVE_LEAD = timedelta(seconds=3)
#: How long a manifest is good after its end: reports and late questions refer to it.
MANIFEST_HOLDS = timedelta(hours=24)
LONGEST_TITLE = 200
#: What is put on air by hand goes before any schedule that begins at the same microsecond.
BY_HAND = 0xFFFF_FFFF


class BroadcastState(StrEnum):
    """Where a broadcast stands. Worked out, never stored."""

    PLANNED = "planned"  # kept, not yet with the broker
    ANNOUNCED = "announced"  # the broker has its manifest
    ON_AIR = "on_air"
    ENDED = "ended"
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    MISSED = "missed"


class Broadcast(SQLModel, table=True):
    """One airing. items, targets: JSON as on the wire, frozen when it was planned. ends_at: where it ends last.

    spread: as `modes` keeps it. shifts: JSON, µs by receiver as on the wire; None: all start at starts_at.

    revision: grows with each change; announced_revision: the last that the broker acknowledged, 0 for none.
    cause: why it was stopped, withdrawn or missed. replaces: the broadcast of a former commune whose place it takes.
    """

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

    @property
    def broadcast_class(self) -> BroadcastClass:
        """Its legal class."""
        return BroadcastClass(self.class_)

    @property
    def rank(self) -> Precedence:
        """Of two broadcasts the one with the larger rank sounds."""
        return precedence_of(self.broadcast_class, self.precedence, to_us(self.starts_at), self.id)

    @property
    def meant_for(self) -> Targets:
        """Who sounds."""
        return msgspec.json.decode(self.targets, type=Targets)

    @property
    def what(self) -> list[Item]:
        """What sounds, as on the wire."""
        return msgspec.json.decode(self.items, type=list[Item])

    @property
    def mode(self) -> Spread:
        """How it is spread over its receivers."""
        return spread_read(self.spread)

    @property
    def shifts_us(self) -> dict[str, int]:
        """How much later than starts_at each receiver begins, those that do."""
        return {} if self.shifts is None else msgspec.json.decode(self.shifts, type=dict[str, int])

    @property
    def sounds_until(self) -> datetime:
        """When it falls silent: its end, or the stop before it."""
        return self.ends_at if self.stopped_at is None else min(self.ends_at, self.stopped_at)


def state(broadcast: Broadcast, now: datetime) -> BroadcastState:
    """Where it stands at `now`."""
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


def order_key(order: int) -> str:
    """How ids of broadcasts begin: receivers let the larger one sound, and the page has to know beforehand which."""
    return f"{order:08x}"


def plan_broadcast(
    session: Session,
    *,
    commune_id: str,
    title: str,
    class_: BroadcastClass,
    targets: Targets,
    starts_at: datetime,
    length_us: int,
    items: Sequence[Item],
    now: datetime,
    by: str = "",
    programme_id: int | None = None,
    clip_id: str | None = None,
    precedence: int = 0,
    order: int = BY_HAND,
    cause: str = "",
    spread: Spread = IN_STEP,
    shifts: Shifts = TOGETHER,
) -> Broadcast:
    """Keep a broadcast; the transmitter announces it after the commit. Raises Refusal when it would reach nobody.

    length_us: of what sounds at one receiver. shifts: of the spread, by `Spreading`.
    order: of two of one class and start, the one with the larger sounds: the schedule's number.
    """
    if not targets.all and not targets.zones and not targets.receivers:
        raise Refusal(N_("Choose where it shall sound: the whole commune, zones, or single receivers."))
    planned = Broadcast(
        id=order_key(order) + secrets.token_hex(8),
        commune_id=commune_id,
        programme_id=programme_id,
        clip_id=clip_id,
        title=title[:LONGEST_TITLE],
        class_=class_.value,
        precedence=precedence,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(microseconds=length_us + shifts.most_us),
        spread=spread_kept(spread),
        shifts=msgspec.json.encode(shifts.by_receiver).decode() if shifts.by_receiver else None,
        targets=msgspec.json.encode(targets),
        items=msgspec.json.encode(list(items)),
        planned_at=now,
        planned_by=by,
    )
    session.add(planned)
    session.flush()
    note(session, planned.id, now, BroadcastState.PLANNED, cause, by)
    return planned


def put_on_air(
    session: Session,
    commune_id: str,
    *,
    targets: Targets,
    class_: BroadcastClass,
    now: datetime,
    by: str = "",
    programme_id: int | None = None,
    clip_id: str | None = None,
    lead: timedelta = LEAD,
    spread: Spread = IN_STEP,
) -> Broadcast:
    """A programme or a clip, as soon as the receivers can have it. Raises Refusal, NotFound."""
    if programme_id is not None:
        chosen = programme(session, programme_id)
        if chosen.commune_id != commune_id:
            raise NotFound(N_("This programme is not there any more."))
        running = items_of(session, programme_id)
        title, items, length_us = chosen.title, manifest_items(session, running), duration_us(running)
    elif clip_id is not None:
        if clip(session, clip_id).commune_id != commune_id:
            raise NotFound(N_("This recording is not there any more."))
        items = clip_items(session, clip_id)
        title, length_us = items[0].title, items[0].duration_us
    else:
        raise Refusal(N_("Choose a programme or a recording to put on air."))
    if not reached_by(session, commune_id, targets):
        raise Refusal(N_("No receiver would sound: there is none in what you chose."))
    spread = spread.check()
    shifts, starts_at = Spreading(session, commune_id).shifts(spread, targets, length_us), now + lead
    ends_at = starts_at + timedelta(microseconds=length_us + shifts.most_us)
    check_allowed(session, commune_id, targets, class_, starts_at, ends_at)
    return plan_broadcast(
        session,
        commune_id=commune_id,
        title=title,
        class_=class_,
        targets=targets,
        starts_at=starts_at,
        length_us=length_us,
        items=items,
        now=now,
        by=by,
        programme_id=programme_id,
        clip_id=clip_id,
        cause="put_on_air",
        spread=spread,
        shifts=shifts,
    )


def stop(session: Session, broadcast_id: str, now: datetime, *, by: str = "", cause: str = "by_operator") -> Broadcast:
    """Silence it from now on; before its start that is to withdraw it. Stopping what is over changes nothing."""
    found = broadcast(session, broadcast_id)
    if state(found, now) in (BroadcastState.PLANNED, BroadcastState.ANNOUNCED):
        return withdraw(session, broadcast_id, now, by=by, cause=cause)
    if state(found, now) is BroadcastState.ON_AIR and found.stopped_at is None:
        found.stopped_at, found.stopped_by, found.cause = now, by, cause
        found.revision += 1
        session.add(found)
        note(session, found.id, now, BroadcastState.STOPPED, cause, by)
    return found


def withdraw(session: Session, broadcast_id: str, now: datetime, *, by: str = "", cause: str) -> Broadcast:
    """It shall not sound at all. Withdrawing what has begun stops it."""
    found = broadcast(session, broadcast_id)
    if found.withdrawn_at is not None or found.missed:
        return found
    if found.starts_at <= now:
        return stop(session, broadcast_id, now, by=by, cause=cause)
    found.withdrawn_at, found.cause = now, cause
    found.revision += 1
    session.add(found)
    note(session, found.id, now, BroadcastState.WITHDRAWN, cause, by)
    return found


def mark_missed(session: Session, planned: Broadcast, now: datetime, cause: str) -> None:
    """Write down that it did not air, and why."""
    planned.missed, planned.cause = True, cause
    planned.announced_revision = planned.revision  # there is nothing to announce
    session.add(planned)
    note(session, planned.id, now, BroadcastState.MISSED, cause, "")


def broadcast(session: Session, broadcast_id: str) -> Broadcast:
    """One. Raises NotFound."""
    found = session.get(Broadcast, broadcast_id)
    if found is None:
        raise NotFound(N_("This broadcast is not there any more."))
    return found


def of_commune(session: Session, commune_id: str) -> ColumnElement[bool]:
    """The condition that a broadcast is found under a commune: its own, and what its predecessors began."""
    return within(lineage(session, commune_id), col(Broadcast.commune_id), col(Broadcast.starts_at))


def on_air_now(session: Session, commune_id: str | None, now: datetime) -> list[Broadcast]:
    """What sounds now, the one that wins first."""
    query = select(Broadcast).where(
        col(Broadcast.starts_at) <= now,
        col(Broadcast.ends_at) > now,
        col(Broadcast.withdrawn_at).is_(None),
        col(Broadcast.missed).is_(False),
        or_(col(Broadcast.stopped_at).is_(None), col(Broadcast.stopped_at) > now),
    )
    if commune_id is not None:
        query = query.where(of_commune(session, commune_id))
    return sorted(session.exec(query), key=lambda broadcast: broadcast.rank, reverse=True)


def upcoming(session: Session, commune_id: str, now: datetime, limit: int = 20) -> list[Broadcast]:
    """What is planned next, in order."""
    query = select(Broadcast).where(
        of_commune(session, commune_id),
        col(Broadcast.starts_at) > now,
        col(Broadcast.withdrawn_at).is_(None),
        col(Broadcast.missed).is_(False),
    )
    return list(session.exec(query.order_by(col(Broadcast.starts_at), Broadcast.id).limit(limit)))


def between(session: Session, commune_id: str, since: datetime, until: datetime) -> list[Broadcast]:
    """All that sound, or would have, in [since, until), in order; withdrawn ones too."""
    query = select(Broadcast).where(
        of_commune(session, commune_id), col(Broadcast.starts_at) < until, col(Broadcast.ends_at) > since
    )
    return list(session.exec(query.order_by(col(Broadcast.starts_at), Broadcast.id)))


def target_receivers(session: Session, meant: Broadcast) -> list[Receiver]:
    """The receivers in service that it means, or meant: those of its commune at its start."""
    return reached_by(session, meant.commune_id, meant.meant_for, meant.starts_at)


def note_announced(session: Session, broadcast_id: str, revision: int, now: datetime) -> None:
    """The broker acknowledged a revision. An older one than known changes nothing."""
    found = broadcast(session, broadcast_id)
    if revision >= found.announced_revision and found.cleared_at is not None:
        found.cleared_at = None  # it is there again
        session.add(found)
    if revision > found.announced_revision:
        if found.announced_revision == 0:
            note(session, found.id, now, BroadcastState.ANNOUNCED, "", "")
        found.announced_revision, found.announced_at = revision, now
        session.add(found)

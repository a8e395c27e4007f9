"""Broadcasts in flight: planned, announced or on air when their receivers move to another commune.

A broadcast keeps its id, by which receivers recognise it under the new address. One that has begun keeps its commune
and is also announced under the new address, to the receivers that play it; a planned one moves with its schedule. When
a split makes two of one broadcast, the new one names the one it replaces.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlmodel import Session, col, delete, select

from broadcast.broadcasts import Broadcast, BroadcastState, order_key
from broadcast.extra_addresses import BroadcastAddress
from broadcast.manifests import MANIFEST_HOLDS
from broadcast.state_changes import record_state
from devices.predecessors import CommuneSuccession, FormerPlace
from devices.receivers import Receiver, reached_by
from mergers.ledger import update_many
from mergers.merge_draft import MergeDraft
from schedules.schedules import Schedule
from schedules.slots import Slot
from wire.broadcasts import ClipItem, Item, LiveItem, Targets

#: How much longer configs name the former commune than any of its manifests is valid.
_BEYOND = timedelta(hours=1)
_AT_LEAST = timedelta(days=2)


@dataclass(frozen=True)
class InFlight:
    """Broadcasts that are not over. hearing: of what is on air, who is meant, as ids."""

    running: list[Broadcast]
    planned: list[Broadcast]
    receivers_of: dict[str, list[str]]
    other_addresses: list[BroadcastAddress]

    @property
    def all(self) -> list[Broadcast]:
        return [*self.running, *self.planned]


def broadcasts_in_flight(session: Session, draft: MergeDraft, now: datetime) -> InFlight:
    """The broadcasts of the communes that are not over. To be read before the ledger is written."""
    communes = [c.id for c in draft.data.communes]
    query = select(Broadcast).where(
        col(Broadcast.commune_id).in_(communes), col(Broadcast.ends_at) > now, col(Broadcast.missed).is_(False)
    )
    broadcasts = list(session.exec(query.order_by(col(Broadcast.starts_at), Broadcast.id)))
    running = [b for b in broadcasts if b.starts_at < now and b.withdrawn_at is None and b.sounds_until > now]
    other_addresses = (
        select(BroadcastAddress)
        .join(Broadcast, col(Broadcast.id) == col(BroadcastAddress.broadcast_id))
        .where(
            col(BroadcastAddress.commune_id).in_(communes),
            col(BroadcastAddress.targets).is_not(None),
            col(Broadcast.ends_at) > now,
        )
    )
    return InFlight(
        running,
        [b for b in broadcasts if b.starts_at >= now],
        {b.id: draft.data.reached(b.commune_id, b.audience) for b in running},
        list(session.exec(other_addresses)),
    )


def move_in_flight(session: Session, draft: MergeDraft, way: InFlight, now: datetime) -> None:
    """Update broadcasts, addresses, former places and succession to what was written of the draft."""
    _keep_running(session, draft, way)
    _PlannedMoves(session, draft, now).take(way.planned)
    _record_former_places(session, draft, way, now)
    session.flush()


def _keep_running(session: Session, draft: MergeDraft, way: InFlight) -> None:
    where = _communes_of(
        session, {r for heard in way.receivers_of.values() for r in heard} | draft.former_commune.keys()
    )
    joined = {where.get(r) for r in draft.former_commune}
    for b in way.running:
        by_commune: dict[str, list[str]] = {}
        for receiver_id in way.receivers_of[b.id]:
            by_commune.setdefault(where.get(receiver_id, b.commune_id), []).append(receiver_id)
        if b.commune_id in joined and by_commune.get(b.commune_id):
            # Receivers that join the commune must not start it in the middle.
            b.targets = msgspec.json.encode(Targets(receivers=by_commune[b.commune_id]))
            b.revision += 1
            session.add(b)
        for commune_id, receivers in by_commune.items():
            if commune_id != b.commune_id:
                _address(session, b, commune_id, Targets(receivers=receivers))
    for old in way.other_addresses:
        heard = old.audience.receivers if old.audience else []
        where = _communes_of(session, set(heard))
        b = session.get_one(Broadcast, old.broadcast_id)
        for commune_id in sorted({where[r] for r in heard if r in where} - {old.commune_id, b.commune_id}):
            _address(session, b, commune_id, Targets(receivers=[r for r in heard if where.get(r) == commune_id]))


def _address(session: Session, b: Broadcast, commune_id: str, targets: Targets) -> None:
    session.merge(BroadcastAddress(broadcast_id=b.id, commune_id=commune_id, targets=msgspec.json.encode(targets)))


def _communes_of(session: Session, receiver_ids: set[str]) -> dict[str, str]:
    query = select(Receiver.id, Receiver.commune_id).where(col(Receiver.id).in_(sorted(receiver_ids)))
    return dict(session.exec(query).all())


class _PlannedMoves:
    def __init__(self, session: Session, draft: MergeDraft, now: datetime) -> None:
        self._session, self._draft, self._now = session, draft, now
        self._rows: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        self._addresses: list[BroadcastAddress] = []
        self._reached: dict[tuple[str, bytes], list[str]] = {}
        self._in_place = {c.id for c in draft.data.communes if c.id == getattr(draft.plan, "into", "")}

    def take(self, planned: list[Broadcast]) -> None:
        ids = [b.id for b in planned]
        of: dict[str, Slot] = {}
        for start in range(0, len(ids), 500):
            for planned_slot in self._session.exec(
                select(Slot).where(col(Slot.broadcast_id).in_(ids[start : start + 500]))
            ):
                of[planned_slot.broadcast_id or ""] = planned_slot
        numbers = {s.schedule_id for s in of.values()} | set(self._draft.schedule_parts.values())
        query = select(Schedule).where(col(Schedule.id).in_(numbers)).execution_options(populate_existing=True)
        schedules = {s.number: s for s in self._session.exec(query)}
        for b in planned:
            slot = of.get(b.id)
            self._one(b, slot, schedules)
        for columns, rows in self._rows.items():
            update_many(self._session, "broadcast", columns, rows)
        for address in self._addresses:
            self._session.merge(address)

    def _one(self, b: Broadcast, slot: Slot | None, schedules: dict[int, Schedule]) -> None:
        schedule = schedules.get(slot.schedule_id) if slot is not None else None
        if slot is None or schedule is None or slot.schedule_revision != schedule.revision:
            pieces = self._draft.places(b.commune_id, b.audience)
        else:
            pieces = [(schedule.commune_id, schedule.audience)]
            part = schedules.get(self._draft.schedule_parts.get(schedule.number, 0))
            if part is not None:
                pieces.append((part.commune_id, part.audience))
        (commune_id, targets), *others = pieces
        self._go(b, commune_id, targets)
        for other_id, other_targets in others:
            if b.withdrawn_at is not None:
                self._addresses.append(
                    BroadcastAddress(broadcast_id=b.id, commune_id=other_id, targets=msgspec.json.encode(other_targets))
                )
            else:
                self._part(b, slot, other_id, other_targets)

    def _go(self, b: Broadcast, commune_id: str, targets: Targets) -> None:
        if commune_id == b.commune_id:
            if targets == b.audience:
                return
            if commune_id in self._in_place:
                # By receiver ids too: the manifest may arrive before the config that contains the zone.
                targets = msgspec.structs.replace(targets, receivers=self._names(commune_id, targets))
        elif b.announced_revision:
            self._addresses.append(
                BroadcastAddress(broadcast_id=b.id, commune_id=b.commune_id, announced_revision=b.announced_revision)
            )
        moved = commune_id != b.commune_id
        values = {
            "commune_id": commune_id,
            "targets": msgspec.json.encode(targets),
            "revision": b.revision + 1,
            "items": self._items(b, commune_id),
            "programme_id": self._draft.programme_copies.get(b.programme_id or 0, b.programme_id)
            if moved
            else b.programme_id,
        }
        if moved:
            # It returns to an address that it left before.
            self._session.exec(
                delete(BroadcastAddress).where(
                    col(BroadcastAddress.broadcast_id) == b.id, col(BroadcastAddress.commune_id) == commune_id
                )
            )
        columns = tuple(sorted(values))
        self._rows.setdefault(columns, []).append({"key_0": b.id, **{f"new_{c}": v for c, v in values.items()}})

    def _part(self, b: Broadcast, slot: Slot | None, commune_id: str, targets: Targets) -> None:
        part = self._draft.schedule_parts.get(slot.schedule_id, 0) if slot is not None else 0
        made = Broadcast(
            **{
                **b.model_dump(),
                "id": (order_key(part) if part else b.id[:8]) + secrets.token_hex(8),
                "commune_id": commune_id,
                "targets": msgspec.json.encode(targets),
                "replaces": b.id,
                "revision": 1,
                "announced_revision": 0,
                "announced_at": None,
                "cleared_at": None,
                "items": self._items(b, commune_id),
                "planned_at": self._now,
                "clip_id": None,
                "programme_id": self._draft.programme_copies.get(b.programme_id or 0, b.programme_id),
            }
        )
        self._session.add(made)
        self._session.flush()
        record_state(self._session, made.id, self._now, BroadcastState.PLANNED, "merger", "")
        if slot is not None and part:
            self._session.add(
                Slot(
                    schedule_id=part,
                    due_at=slot.due_at,
                    schedule_revision=1,
                    claimed_at=self._now,
                    broadcast_id=made.id,
                )
            )

    def _names(self, commune_id: str, targets: Targets) -> list[str]:
        key = (commune_id, msgspec.json.encode(targets))
        if key not in self._reached:
            self._reached[key] = [r.id for r in reached_by(self._session, commune_id, targets)]
        return self._reached[key]

    def _items(self, b: Broadcast, commune_id: str) -> bytes:
        titles = self._draft.titles
        copies = self._draft.clip_copies if commune_id != b.commune_id else {}
        if not any(clip.encode() in b.items for clip in (*titles, *copies)):
            return b.items
        made: list[Item] = []

        def renamed(item: ClipItem) -> ClipItem:
            title = titles.get(item.clip, item.title)
            return msgspec.structs.replace(item, clip=copies.get(item.clip, item.clip), title=title)

        for item in b.playlist:
            if isinstance(item, LiveItem) and item.backup is not None:
                item = msgspec.structs.replace(item, backup=renamed(item.backup))
            made.append(renamed(item) if isinstance(item, ClipItem) else item)
        return msgspec.json.encode(made)


def _record_former_places(session: Session, draft: MergeDraft, way: InFlight, now: datetime) -> None:
    last = max((b.ends_at for b in way.all), default=now)
    told_until = max(now + _AT_LEAST, last + MANIFEST_HOLDS + _BEYOND)
    live = [b.ends_at for b in way.all if any(isinstance(item, LiveItem) for item in b.playlist)]
    zones_of = draft.data.zones_of
    for receiver_id, commune_id in sorted(draft.former_commune.items()):
        session.add(
            FormerPlace(
                receiver_id=receiver_id,
                commune_id=commune_id,
                zones=msgspec.json.encode(zones_of[receiver_id]),
                left_at=now,
                told_until=told_until,
                live_until=max(live, default=None),
            )
        )
    for former, successor, since in draft.succession:
        # Merged and undone before: broadcasts of that time must be found too.
        succession = session.get(CommuneSuccession, (former, successor))
        if succession is not None and succession.since is not None and since is not None:
            since = min(since, succession.since)
        session.merge(CommuneSuccession(former_id=former, successor_id=successor, at=now, since=since))

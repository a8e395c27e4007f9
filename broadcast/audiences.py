"""Audiences: who each broadcast means. Fixed when it starts, so that later changes of receivers never alter the past.

Until `freeze_started` has seen a broadcast, its audience is computed from the receivers of now. Whatever changes
receivers, zones or communes calls `freeze_started` first, in the same transaction.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256

import msgspec
from sqlalchemy import Column, LargeBinary, String
from sqlmodel import Field, Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip
from devices.predecessors import moves
from devices.receivers import PlacedReceiver, Receiver, receivers_at
from devices.zones import Zone
from runtime.database import insert_if_absent
from wire.broadcasts import ClipItem, Targets

_IDS_A_QUERY = 500


class MeantReceiver(msgspec.Struct, frozen=True, array_like=True):
    """A receiver as it was when the broadcast started. zones: ids."""

    id: str
    name: str
    place: str
    zones: list[str]


class Audience(msgspec.Struct, frozen=True):
    """receivers: by name. names: of the zones concerned and of the addressed receivers, by id."""

    targets: Targets
    receivers: list[MeantReceiver]
    names: dict[str, str]

    def within(self, targets: Targets) -> frozenset[str]:
        """The ids of those that other targets mean too."""
        return frozenset(r.id for r in self.receivers if targets.include(r.id, r.zones))


class AudienceSnapshot(SQLModel, table=True):
    """An audience that broadcasts had when they started. Equal ones share a row. id: a hash of the content (JSON)."""

    id: str = Field(sa_column=Column(String(64), primary_key=True))
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class Audiences:
    """The audience of each broadcast: as it was frozen, else by the places of the receivers when it began.

    broadcasts: those that will be asked for; their snapshots are read in one query for each 500.
    """

    def __init__(self, session: Session, broadcasts: Sequence[Broadcast] = ()) -> None:
        self._session = session
        self._frozen: dict[str, Audience] = {}
        self._ids: dict[str, frozenset[str]] = {}
        self._moves: list[datetime] | None = None
        self._places: dict[tuple[str, int], list[PlacedReceiver]] = {}
        self._computed: dict[tuple[str, int, bytes], Audience] = {}
        self._zone_names: dict[str, str] | None = None
        self.load(b.audience_id for b in broadcasts)

    def __call__(self, b: Broadcast) -> frozenset[str]:
        if b.audience_id is None:
            return frozenset(r.id for r in self.of(b).receivers)
        return self.ids(b.audience_id)

    def ids(self, snapshot_id: str) -> frozenset[str]:
        """The receivers in a snapshot."""
        if snapshot_id not in self._ids:
            self._ids[snapshot_id] = frozenset(r.id for r in self._snapshot(snapshot_id).receivers)
        return self._ids[snapshot_id]

    def of(self, b: Broadcast) -> Audience:
        if b.audience_id is not None:
            return self._snapshot(b.audience_id)
        return self.at(b.commune_id, b.targets, b.starts_at)

    def at(self, commune_id: str, targets: bytes, instant: datetime) -> Audience:
        """The receivers that targets (JSON) of a commune address at an instant, by what is known now."""
        if self._moves is None:
            self._moves = moves(self._session)
        # Between two moves all receivers stay in their communes and zones.
        era = bisect_right(self._moves, instant)
        key = (commune_id, era, targets)
        if key not in self._computed:
            if key[:2] not in self._places:
                at = instant if era < len(self._moves) else None
                self._places[key[:2]] = receivers_at(self._session, commune_id, at)
            self._computed[key] = self._audience(msgspec.json.decode(targets, type=Targets), self._places[key[:2]])
        return self._computed[key]

    def _snapshot(self, snapshot_id: str) -> Audience:
        self.load([snapshot_id])
        return self._frozen[snapshot_id]

    def _audience(self, targets: Targets, places: list[PlacedReceiver]) -> Audience:
        receivers = [MeantReceiver(r.id, r.name, r.place, zones) for r, zones in places if targets.include(r.id, zones)]
        if self._zone_names is None:
            self._zone_names = {z.id: z.name for z in self._session.exec(select(Zone))}
        zone_ids = {*targets.zones, *(zone for r in receivers for zone in r.zones)}
        names = {zone: self._zone_names[zone] for zone in sorted(zone_ids) if zone in self._zone_names}
        names_by_id = {r.id: r.name for r in receivers}
        absent = sorted(set(targets.receivers) - names_by_id.keys())
        if absent:
            query = select(Receiver.id, Receiver.name).where(col(Receiver.id).in_(absent))
            names_by_id |= dict(self._session.exec(query).all())
        names |= {r: names_by_id[r] for r in sorted(targets.receivers) if r in names_by_id}
        return Audience(targets, receivers, names)

    def load(self, snapshot_ids: Iterable[str | None]) -> None:
        """Read snapshots in one query for each 500."""
        wanted = sorted({snapshot_id for snapshot_id in snapshot_ids if snapshot_id is not None} - self._frozen.keys())
        for start in range(0, len(wanted), _IDS_A_QUERY):
            query = select(AudienceSnapshot).where(col(AudienceSnapshot.id).in_(wanted[start : start + _IDS_A_QUERY]))
            for row in self._session.exec(query):
                self._frozen[row.id] = msgspec.json.decode(row.content, type=Audience)


def store(session: Session, audience: Audience) -> str:
    """Keep an audience; gives the id of its snapshot."""
    content = msgspec.json.encode(audience, order="deterministic")
    snapshot_id = sha256(content).hexdigest()
    insert_if_absent(session, AudienceSnapshot, {"id": snapshot_id, "content": content})
    return snapshot_id


def freeze_started(session: Session, now: datetime) -> int:
    """Fix who is meant by the broadcasts that have started, and the fields of their clips. Returns how many.

    One that was frozen by a clock that ran ahead, and starts only now, is released.
    """
    for ahead in session.exec(
        select(Broadcast).where(col(Broadcast.starts_at) > now, col(Broadcast.audience_id).is_not(None))
    ):
        ahead.audience_id = ahead.clip_fields = None
        session.add(ahead)
    started = list(session.exec(_not_frozen(now).order_by(Broadcast.id)))
    if not started:
        return 0
    audiences, fields = Audiences(session), current_fields(session, started)
    stored: dict[int, str] = {}
    for b in started:
        audience = audiences.of(b)
        if id(audience) not in stored:
            stored[id(audience)] = store(session, audience)
        b.audience_id = stored[id(audience)]
        b.clip_fields = msgspec.json.encode(fields_among(b, fields)).decode()
        session.add(b)
    session.flush()
    return len(started)


def freezing_due(session: Session, now: datetime) -> bool:
    """Whether `freeze_started` would change something. Only reads."""
    ahead = select(Broadcast.id).where(col(Broadcast.starts_at) > now, col(Broadcast.audience_id).is_not(None))
    return any(session.exec(query.limit(1)).first() is not None for query in (_not_frozen(now), ahead))


def next_to_freeze(session: Session, now: datetime) -> datetime | None:
    """When the next broadcast starts that `freeze_started` will fix."""
    query = select(Broadcast.starts_at).where(col(Broadcast.audience_id).is_(None), col(Broadcast.starts_at) > now)
    return session.exec(query.order_by(col(Broadcast.starts_at)).limit(1)).first()


def current_fields(session: Session, broadcasts: Sequence[Broadcast]) -> dict[str, int]:
    """The field of each clip in their playlists, by clip id, without chimes, as it is now."""
    ids = sorted({item.clip for b in broadcasts for item in b.playlist if isinstance(item, ClipItem)})
    fields: dict[str, int] = {}
    for start in range(0, len(ids), _IDS_A_QUERY):
        query = select(Clip.id, Clip.field).where(
            col(Clip.id).in_(ids[start : start + _IDS_A_QUERY]), Clip.builtin == ""
        )
        fields |= dict(session.exec(query).all())
    return fields


def fields_among(b: Broadcast, fields: dict[str, int]) -> dict[str, int]:
    """Of the clips in one broadcast."""
    return {i.clip: fields[i.clip] for i in b.playlist if isinstance(i, ClipItem) and i.clip in fields}


def _not_frozen(now: datetime) -> SelectOfScalar[Broadcast]:
    return select(Broadcast).where(col(Broadcast.audience_id).is_(None), col(Broadcast.starts_at) <= now)

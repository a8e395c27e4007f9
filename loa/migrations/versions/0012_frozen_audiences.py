"""Who a broadcast meant is fixed when it starts; for those that have started it is computed here, once."""

import json
from collections import defaultdict
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

from runtime.database import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_AT_ONCE = 1000


def upgrade() -> None:
    op.create_table(
        "audiencesnapshot",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.add_column("broadcast", sa.Column("audience_id", sa.String(64)))
    op.add_column("broadcast", sa.Column("clip_fields", sa.Text()))
    op.create_index("ix_broadcast_audience_id_starts_at", "broadcast", ["audience_id", "starts_at"])
    op.add_column("slot", sa.Column("title", sa.String()))
    op.add_column("slot", sa.Column("audience_id", sa.String(64)))
    _Past(op.get_bind()).freeze()


_receiver = sa.table(
    "receiver",
    *(sa.column(name, sa.String()) for name in ("id", "commune_id", "name", "place")),
    sa.column("created_at", UtcDateTime()),
    sa.column("retired_at", UtcDateTime()),
)
_zone = sa.table("zone", sa.column("id", sa.String()), sa.column("name", sa.String()))
_member = sa.table("zonemember", sa.column("zone_id", sa.String()), sa.column("receiver_id", sa.String()))
_former = sa.table(
    "formerplace",
    sa.column("id", sa.Integer()),
    sa.column("receiver_id", sa.String()),
    sa.column("commune_id", sa.String()),
    sa.column("zones", sa.LargeBinary()),
    sa.column("left_at", UtcDateTime()),
)
_clip = sa.table(
    "clip", sa.column("id", sa.String()), sa.column("field", sa.Integer()), sa.column("builtin", sa.String())
)
_report = sa.table("playreportrow", sa.column("broadcast_id", sa.String()), sa.column("receiver_id", sa.String()))
_broadcast = sa.table(
    "broadcast",
    sa.column("id", sa.String()),
    sa.column("commune_id", sa.String()),
    sa.column("starts_at", UtcDateTime()),
    sa.column("targets", sa.LargeBinary()),
    sa.column("items", sa.LargeBinary()),
    sa.column("audience_id", sa.String()),
    sa.column("clip_fields", sa.Text()),
)
_snapshot = sa.table("audiencesnapshot", sa.column("id", sa.String()), sa.column("content", sa.LargeBinary()))


class _Past:
    """Receivers of a past broadcast: those that had been added and not retired by then, and those that reported."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._receivers = {r.id: r for r in connection.execute(sa.select(_receiver))}
        self._zone_names: dict[str, str] = {z.id: z.name for z in connection.execute(sa.select(_zone))}
        self._zones: dict[str, list[str]] = defaultdict(list)
        for row in connection.execute(sa.select(_member).order_by(_member.c.zone_id)):
            self._zones[row.receiver_id].append(row.zone_id)
        self._former: dict[str, list[Any]] = defaultdict(list)
        for row in connection.execute(sa.select(_former).order_by(_former.c.left_at, _former.c.id)):
            self._former[row.receiver_id].append(row)
        self._fields = {row.id: row.field for row in connection.execute(sa.select(_clip).where(_clip.c.builtin == ""))}
        self._of_commune: dict[str, set[str]] = defaultdict(set)
        for receiver in self._receivers.values():
            for commune_id in (receiver.commune_id, *(row.commune_id for row in self._former[receiver.id])):
                self._of_commune[commune_id].add(receiver.id)

    def freeze(self) -> None:
        stored: set[str] = set()
        last = ""
        while True:
            query = sa.select(_broadcast).where(_broadcast.c.id > last, _broadcast.c.starts_at <= datetime.now(UTC))
            rows = list(self._connection.execute(query.order_by(_broadcast.c.id).limit(_AT_ONCE)))
            if not rows:
                return
            last = rows[-1].id
            reported: dict[str, set[str]] = defaultdict(set)
            reports = sa.select(_report).where(_report.c.broadcast_id.between(rows[0].id, last))
            for report in self._connection.execute(reports):
                reported[report.broadcast_id].add(report.receiver_id)
            snapshots, changes = [], []
            for row in rows:
                content = self._audience(row, reported[row.id])
                snapshot_id = sha256(content).hexdigest()
                if snapshot_id not in stored:
                    stored.add(snapshot_id)
                    snapshots.append({"id": snapshot_id, "content": content})
                changes.append(
                    {"key": row.id, "new_audience": snapshot_id, "new_fields": json.dumps(self._clip_fields(row.items))}
                )
            if snapshots:
                self._connection.execute(sa.insert(_snapshot), snapshots)
            values: dict[str, Any] = {
                "audience_id": sa.bindparam("new_audience"),
                "clip_fields": sa.bindparam("new_fields"),
            }
            self._connection.execute(
                sa.update(_broadcast).where(_broadcast.c.id == sa.bindparam("key")).values(values), changes
            )

    def _audience(self, row: Any, reported: set[str]) -> bytes:
        targets = json.loads(row.targets)
        receiver_ids, zone_ids = targets.get("receivers", []), set(targets.get("zones", []))
        meant = []
        for receiver_id in sorted(self._of_commune[row.commune_id] | reported):
            receiver = self._receivers.get(receiver_id)
            if receiver is None:
                continue
            then = next((place for place in self._former[receiver_id] if place.left_at > row.starts_at), None)
            zones = json.loads(then.zones) if then is not None else self._zones[receiver_id]
            in_service = receiver.created_at <= row.starts_at and (
                receiver.retired_at is None or receiver.retired_at > row.starts_at
            )
            here = row.commune_id == (then.commune_id if then is not None else receiver.commune_id)
            addressed = targets.get("all") or receiver_id in receiver_ids or not zone_ids.isdisjoint(zones)
            if (in_service and here and addressed) or receiver_id in reported:
                meant.append([receiver_id, receiver.name, receiver.place, zones])
        meant.sort(key=lambda one: (one[1], one[0]))
        named = sorted(zone_ids | {zone for one in meant for zone in one[3]})
        names = {zone: self._zone_names[zone] for zone in named if zone in self._zone_names}
        names |= {r: self._receivers[r].name for r in sorted(receiver_ids) if r in self._receivers}
        content = {"targets": targets, "receivers": meant, "names": names}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

    def _clip_fields(self, items: bytes) -> dict[str, int]:
        return {i["clip"]: self._fields[i["clip"]] for i in json.loads(items) if i.get("clip") in self._fields}

"""All rows of the communes of a merger, read at once, with the same number of queries for any number of rows."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import defer
from sqlmodel import Session, SQLModel, col, select

from broadcast.backup_clip import BackupClip
from broadcast.clips import Clip, ClipRendition
from broadcast.ingest_jobs import IngestJob
from broadcast.programmes import Programme, ProgrammeItem
from broadcast.relay_sources import RelaySource
from devices.communes import Commune
from devices.receivers import Receiver
from devices.stations import Station
from devices.zones import Zone, ZoneMember
from noise.noise_rules import NoiseRules
from people.operators import Operator, OperatorCommune
from schedules.schedules import Schedule
from wire.broadcasts import Targets


@dataclass(frozen=True)
class CommuneData:
    """Rows of some communes, including retired ones. items: by programme. zones_of: by receiver."""

    communes: list[Commune]
    stations: list[Station]
    receivers: list[Receiver]
    zones: list[Zone]
    members: list[ZoneMember]
    clips: list[Clip]
    programmes: list[Programme]
    items: dict[int, list[ProgrammeItem]]
    schedules: list[Schedule]
    noise_rules: list[NoiseRules]
    backups: list[BackupClip]
    roles: list[OperatorCommune]
    operators: dict[int, Operator]
    jobs: list[IngestJob]
    relay_sources: list[RelaySource]
    zones_of: dict[str, list[str]] = field(default_factory=dict)

    def commune(self, commune_id: str) -> Commune:
        return next(c for c in self.communes if c.id == commune_id)

    def of(self, rows: list[Any], commune_id: str) -> list[Any]:
        return [row for row in rows if row.commune_id == commune_id]

    def reached(self, commune_id: str, targets: Targets) -> list[str]:
        """Ids of the receivers in service that are in the targets now."""
        return [
            r.id
            for r in self.receivers
            if r.commune_id == commune_id and r.retired_at is None and targets.include(r.id, self.zones_of[r.id])
        ]

    def fingerprint(self, *more: object) -> str:
        """Hash of all that operators can change, without broadcasts and reports, which change by themselves."""
        digest = hashlib.sha256(repr(more).encode())
        for rows in (
            self.communes,
            self.stations,
            self.receivers,
            self.zones,
            self.members,
            self.programmes,
            [item for items in self.items.values() for item in items],
            self.schedules,
            self.noise_rules,
            self.backups,
            self.roles,
            self.relay_sources,
        ):
            for content in sorted(repr(sorted(row.model_dump().items())) for row in rows):
                digest.update(content.encode())
        for clip in sorted((c.id, c.commune_id, c.title, c.builtin, str(c.retired_at)) for c in self.clips):
            digest.update(repr(clip).encode())
        return digest.hexdigest()[:32]


def load_commune_data(session: Session, commune_ids: list[str]) -> CommuneData:

    def rows(kind: type[SQLModel], order: Any) -> list[Any]:
        query = select(kind).where(col(kind.commune_id).in_(commune_ids)).order_by(order)  # type: ignore[attr-defined]
        if kind is Clip:
            query = query.options(defer(Clip.peaks))  # type: ignore[arg-type]
        return list(session.exec(query))

    found_zones = [zone for zone in rows(Zone, col(Zone.id)) if zone.retired_at is None]
    found_programmes = rows(Programme, col(Programme.id))
    members = list(
        session.exec(
            select(ZoneMember)
            .join(Zone)
            .where(col(Zone.commune_id).in_(commune_ids), col(Zone.retired_at).is_(None))
            .order_by(col(ZoneMember.zone_id), col(ZoneMember.receiver_id))
        )
    )
    items: dict[int, list[ProgrammeItem]] = {p.number: [] for p in found_programmes}
    query = select(ProgrammeItem).join(Programme).where(col(Programme.commune_id).in_(commune_ids))
    for item in session.exec(query.order_by(col(ProgrammeItem.programme_id), col(ProgrammeItem.position))):
        items[item.programme_id].append(item)
    found_receivers = rows(Receiver, col(Receiver.id))
    zones_of: dict[str, list[str]] = {r.id: [] for r in found_receivers}
    for member in members:
        zones_of[member.receiver_id].append(member.zone_id)
    roles = rows(OperatorCommune, col(OperatorCommune.operator_id))
    who = select(Operator).where(col(Operator.id).in_(sorted({r.operator_id for r in roles})))
    return CommuneData(
        communes=list(session.exec(select(Commune).where(col(Commune.id).in_(commune_ids)).order_by(Commune.id))),
        stations=rows(Station, col(Station.id)),
        receivers=found_receivers,
        zones=found_zones,
        members=members,
        clips=rows(Clip, col(Clip.id)),
        programmes=found_programmes,
        items=items,
        schedules=rows(Schedule, col(Schedule.id)),
        noise_rules=rows(NoiseRules, col(NoiseRules.id)),
        backups=rows(BackupClip, col(BackupClip.commune_id)),
        roles=roles,
        operators={o.number: o for o in session.exec(who)},
        jobs=rows(IngestJob, col(IngestJob.id)),
        relay_sources=rows(RelaySource, col(RelaySource.id)),
        zones_of=zones_of,
    )


def renditions(session: Session, clip_ids: list[str]) -> list[ClipRendition]:
    return list(session.exec(select(ClipRendition).where(col(ClipRendition.clip_id).in_(clip_ids))))


def encoded(targets: Targets) -> bytes:
    """Targets as JSON, as tables store them."""
    return msgspec.json.encode(targets)


def in_service(rows: list[Any], at: datetime | None = None) -> list[Any]:
    return [row for row in rows if row.retired_at is None]

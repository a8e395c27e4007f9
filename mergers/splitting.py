"""The draft of a split: a part of a commune becomes a new commune.

What both communes need is copied: programmes with their recordings (audio files are shared, by hash) and the relay
stations, and a schedule for receivers of both continues in each commune for its receivers.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session, func, select

from broadcast.backup_clip import BackupClip
from broadcast.clips import Clip, ClipRendition, new_id
from broadcast.programmes import CHIMES, ItemKind, Programme, ProgrammeItem
from broadcast.relay_sources import RelaySource
from devices.communes import Commune
from devices.stations import Station
from mergers.commune_data import encoded, in_service, load_commune_data, renditions
from mergers.ledger import Ledger
from mergers.merge_draft import MergeDraft, copied_clip, undone_commune
from mergers.plans import Split
from noise.noise_rules import NoiseRules
from people.operators import OperatorCommune
from runtime.refusal import N_, Refusal, at_field
from schedules.schedules import Schedule
from wire.broadcasts import Targets


def check_split(session: Session, plan: Split) -> None:
    """Raises Refusal for a plan that cannot be."""
    commune = session.get(Commune, plan.source)
    if commune is None or commune.retired_at is not None:
        raise Refusal(N_("There is no commune {id} (any more). Begin again with the communes."), id=plan.source)
    if not plan.name.strip():
        raise Refusal(N_("The new commune needs a name, for example: Xã Thiệu Trung.")).at("name")
    with at_field("into"):
        undone_commune(session, plan.into)


class Splitting:
    def __init__(self, session: Session, plan: Split, now: datetime) -> None:
        self._session, self._plan, self._now = session, plan, now
        self._data = data = load_commune_data(session, [plan.source])
        self._ledger = Ledger()
        self._draft = MergeDraft(plan, data, self._ledger, self._places)
        self._check_parts()
        zone_members = {m.receiver_id for m in data.members if m.zone_id in plan.zones}
        self._going = {
            r.id
            for r in data.receivers
            if r.station_id in plan.stations or r.id in zone_members or r.id in plan.receivers
        }
        self._staying = {r.id for r in in_service(data.receivers)} - self._going
        self._copies: dict[int, int] = {}  # programme → its copy
        self._next: dict[type, int] = {}

    def draft(self) -> MergeDraft:
        """Raises Refusal when no receiver would move, or none would stay."""
        if not self._going:
            raise Refusal(N_("Choose what becomes the new commune: stations, zones or receivers.")).at("stations")
        if not self._staying:
            raise Refusal(N_("Every receiver would go: rename the commune instead.")).at("stations")
        self._commune()
        self._places_and_receivers()
        self._programmes()
        return self._draft

    def _check_parts(self) -> None:
        plan, data = self._plan, self._data
        for wanted, known in (
            (plan.stations, {s.number for s in data.stations}),
            (plan.zones, {z.id for z in data.zones}),
            (plan.receivers, {r.id for r in data.receivers}),
            (plan.programmes, {p.number for p in data.programmes}),
            (plan.operators, data.operators.keys()),
        ):
            lacking = sorted(str(key) for key in wanted if key not in known)
            if lacking:
                raise Refusal(N_("{what} does not belong to this commune (any more)."), what=", ".join(lacking))

    def _commune(self) -> None:
        plan, source = self._plan, self._data.communes[0]
        values: dict[str, object] = {"id": plan.into, "name": plan.name.strip()}
        values["outline"] = None  # the border changes
        undone = undone_commune(self._session, plan.into)
        if undone is not None:
            self._ledger.set(undone, **{**source.model_dump(), **values, "retired_at": None})
        else:
            self._ledger.add(Commune(**{**source.model_dump(), **values}))
        self._draft.succession.append((plan.source, plan.into, None))
        for row in self._data.roles:
            if row.operator_id in plan.operators:
                self._ledger.add(OperatorCommune(operator_id=row.operator_id, commune_id=plan.into, role=row.role))

    def _places_and_receivers(self) -> None:
        plan, data = self._plan, self._data
        stations = {s.number: s for s in data.stations}
        copies: dict[int, Station] = {}
        for number in plan.stations:
            self._ledger.set(stations[number], commune_id=plan.into)
        for zone in data.zones:
            if zone.id in plan.zones:
                self._ledger.set(zone, commune_id=plan.into)
        for member in data.members:
            if member.receiver_id in self._going and member.zone_id not in plan.zones:
                self._ledger.remove(member)
        for receiver in data.receivers:
            if receiver.id not in self._going:
                continue
            station_id = receiver.station_id
            if station_id not in plan.stations:
                if station_id not in copies:
                    row = stations[station_id].model_dump() | {"id": self._number(Station), "commune_id": plan.into}
                    copies[station_id] = Station(**row)
                    self._ledger.add(copies[station_id])
                station_id = copies[station_id].number
            self._ledger.set(
                receiver, commune_id=plan.into, station_id=station_id, config_revision=receiver.config_revision + 1
            )
            self._draft.former_commune[receiver.id] = plan.source
            if receiver.retired_at is None:
                self._draft.reconfigured.add(receiver.id)
        for rule in data.noise_rules:
            if rule.zone_id in plan.zones:
                self._ledger.set(rule, commune_id=plan.into)
            elif not rule.zone_id:
                row = rule.model_dump() | {"id": self._number(NoiseRules), "commune_id": plan.into}
                self._ledger.add(NoiseRules(**row))

    def _programmes(self) -> None:
        plan, data = self._plan, self._data
        parts = {s.number: self._parts(s.audience) for s in in_service(data.schedules)}
        programme_ids = {s.programme_id for s in in_service(data.schedules) if parts[s.number][0] is not None}
        there = {s.programme_id for s in in_service(data.schedules) if parts[s.number][1] is not None}
        moved = {p for p in plan.programmes if p not in programme_ids}
        copied = (there | set(plan.programmes)) - moved
        for programme in data.programmes:
            if programme.number in moved:
                self._ledger.set(programme, commune_id=plan.into)
            elif programme.number in copied:
                row = programme.model_dump() | {"id": self._number(Programme), "commune_id": plan.into}
                self._copies[programme.number] = row["id"]
                self._ledger.add(Programme(**row))
        self._draft.programme_copies.update(self._copies)
        self._clips(moved)
        for schedule in data.schedules:
            if schedule.retired_at is not None:
                if schedule.programme_id in moved:
                    self._ledger.set(schedule, commune_id=plan.into)
                continue
            kept_targets, moved_targets = parts[schedule.number]
            if kept_targets is None and moved_targets is not None:
                programme_id = self._copies.get(schedule.programme_id, schedule.programme_id)
                self._ledger.set(
                    schedule, commune_id=plan.into, targets=encoded(moved_targets), programme_id=programme_id
                )
            elif moved_targets is not None and kept_targets is not None:
                self._ledger.set(schedule, targets=encoded(kept_targets))
                row = schedule.model_dump() | {
                    "id": self._number(Schedule),
                    "commune_id": plan.into,
                    "targets": encoded(moved_targets),
                    "revision": 1,
                    "programme_id": self._copies.get(schedule.programme_id, schedule.programme_id),
                    "changed_at": self._now,
                }
                self._draft.schedule_parts[schedule.number] = row["id"]
                self._ledger.add(Schedule(**row))

    def _clips(self, moved: set[int]) -> None:
        plan, data = self._plan, self._data
        stays = {i.clip_id for p, items in data.items.items() if p not in moved for i in items}
        backup = next(iter(data.backups), None)
        stays.add(backup.clip_id if backup is not None else None)
        clips: dict[str | None, Clip] = {c.id: c for c in data.clips}
        needed = {i.clip_id for p in {*moved, *self._copies} for i in data.items[p] if i.clip_id}
        needed |= {c.id for c in data.clips if c.builtin}
        if backup is not None:
            needed.add(backup.clip_id)
        for clip_id in sorted(str(needed_id) for needed_id in needed):
            clip = clips[clip_id]
            if clip_id in stays or clip.builtin:
                self._draft.clip_copies[clip_id] = new_id()
            else:
                self._ledger.set(clip, commune_id=plan.into)
        for clip_id, made in self._draft.clip_copies.items():
            self._ledger.add(copied_clip(clips[clip_id], made, plan.into))
        for row in renditions(self._session, list(self._draft.clip_copies)):
            values = row.model_dump() | {"clip_id": self._draft.clip_copies[row.clip_id]}
            self._ledger.add(ClipRendition(**values))
        if backup is not None:
            self._ledger.add(BackupClip(commune_id=plan.into, clip_id=self._draft.clip_copies[backup.clip_id]))
        relays = self._relay_sources(moved)
        for programme in sorted({*moved, *self._copies}):
            for item in data.items[programme]:
                copy = self._draft.clip_copies.get(item.clip_id or "", item.clip_id)
                relay = relays.get(item.relay_source_id or 0, item.relay_source_id)
                if programme in moved:
                    kept = None if ItemKind(item.kind) in CHIMES else copy
                    self._ledger.set(item, clip_id=kept, relay_source_id=relay)
                else:
                    values = item.model_dump() | {"programme_id": self._copies[programme], "clip_id": copy}
                    self._ledger.add(ProgrammeItem(**values | {"relay_source_id": relay}))

    def _relay_sources(self, moved: set[int]) -> dict[int, int]:
        """Those in use, and those that programmes of the new commune name, are copied. Gives the copy of each."""
        named = {i.relay_source_id for p in {*moved, *self._copies} for i in self._data.items[p]}
        copies = dict[int, int]()
        for source in self._data.relay_sources:
            if source.retired_at is None or source.number in named:
                copies[source.number] = self._number(RelaySource)
                values = source.model_dump() | {"id": copies[source.number], "commune_id": self._plan.into}
                self._ledger.add(RelaySource(**values))
        return copies

    def _parts(self, targets: Targets) -> tuple[Targets | None, Targets | None]:
        """(targets that stay, targets that move); None for no receivers. Targets that reach no receiver now stay."""
        if targets.all:
            return Targets(all=True), Targets(all=True)
        zones_of = self._data.zones_of
        kept_targets = Targets(
            zones=[z for z in targets.zones if z not in self._plan.zones],
            receivers=[r for r in targets.receivers if r not in self._going],
        )
        moving = [
            r
            for r in sorted(self._going)
            if r in targets.receivers or (set(zones_of[r]) & set(targets.zones)) - set(self._plan.zones)
        ]
        moved_targets = Targets(zones=[z for z in targets.zones if z in self._plan.zones], receivers=moving)
        nobody_here = not kept_targets.zones and not kept_targets.receivers
        nobody_there = not moved_targets.zones and not moved_targets.receivers
        return (None if nobody_here else kept_targets), (None if nobody_there else moved_targets)

    def _places(self, commune_id: str, targets: Targets) -> list[tuple[str, Targets]]:
        kept_targets, moved_targets = self._parts(targets)
        places = [(commune_id, kept_targets)] if kept_targets is not None else []
        return [*places, *([(self._plan.into, moved_targets)] if moved_targets is not None else [])]

    def _number(self, kind: Any) -> int:
        """The next free id of a table, known before the row is written, so that other rows can refer to it."""
        if self._session.get_bind().dialect.name == "postgresql":
            name = func.pg_get_serial_sequence(kind.__tablename__, "id")
            return int(self._session.exec(select(func.nextval(name))).one())
        if kind not in self._next:
            self._next[kind] = int(self._session.exec(select(func.max(kind.id))).one() or 0)
        self._next[kind] += 1
        return self._next[kind]


def split_draft(session: Session, plan: Split, now: datetime) -> MergeDraft:
    check_split(session, plan)
    return Splitting(session, plan, now).draft()

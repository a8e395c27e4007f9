"""The rows that the undo of a merger changes, computed before anything is written.

Values that the merger wrote are reverted; of what was changed since, each item is asked about. What was created since
is assigned by `mergers.later_changes`. Past broadcasts keep the commune of their time.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from broadcast.backup_clip import BackupClip
from broadcast.clips import Clip, ClipRendition
from broadcast.programmes import Programme, ProgrammeItem
from broadcast.relay_sources import RelaySource
from devices.communes import Commune
from devices.stations import Station
from devices.zones import Zone, ZoneMember
from mergers.commune_data import load_commune_data
from mergers.later_changes import LaterChanges
from mergers.ledger import Ledger, LedgerEntry, row_key, row_table, value_of
from mergers.merge_draft import MergeDraft
from mergers.mergers import Merger
from mergers.plans import Decisions, Merge, Plan, Translatable, involved
from mergers.undo_questions import UndoAnswers
from noise.noise_rules import NoiseRules
from people.operators import OperatorCommune
from runtime.refusal import N_
from schedules.schedules import Schedule
from wire.broadcasts import Targets

#: Columns that only count up.
_COUNTERS = {"revision", "config_revision", "changed_at"}
#: Columns that are only true together.
_PAUSE = {"paused", "paused_until"}
#: Rows that belong to another row and share its fate.
_PARTS = (ClipRendition, ProgrammeItem)
_RETIRED = (Commune, Programme, Schedule, Clip, RelaySource)


class UndoDraft:
    def __init__(
        self,
        session: Session,
        plan: Plan,
        merger_row: Merger,
        entries: list[LedgerEntry],
        now: datetime,
        decisions: Decisions,
    ) -> None:
        self._session, self._plan, self._merger, self._entries, self._now = session, plan, merger_row, entries, now
        self._sources = list(plan.sources)
        self._data = load_commune_data(session, involved(plan))
        self._ledger = Ledger()
        self._draft = MergeDraft(plan, self._data, self._ledger, self._places)
        self._answers = UndoAnswers(self._draft, decisions)
        self._removed_zones = self._zones_removed_since()
        self._rows = {(row_table(row), row_key(row)): row for row in [*self._all_rows(), *self._removed_zones]}
        self._after: dict[str, str] = {}  # receiver → its commune afterwards

    @property
    def outcomes(self) -> list[Translatable]:
        """What became of each thing that was changed since."""
        return self._answers.outcomes

    def draft(self) -> MergeDraft:
        for entry in self._entries:
            key = tuple(entry.key)
            row = self._rows.get((entry.table, key))
            if entry.before is None:
                self._new(entry, row)
            elif entry.after is None:
                self._gone(entry, row)
            elif row is not None:
                self._set(entry, row)
        areas = self._areas()
        self._report_removed_zones()
        LaterChanges(self._session, self._draft, self._answers, self._entries, self._sources, areas, self._now).place()
        self._operators()
        for receiver in self._data.receivers:
            self._after[receiver.id] = self._ledger.get(receiver, "commune_id")
            if self._after[receiver.id] != receiver.commune_id:
                self._draft.former_commune[receiver.id] = receiver.commune_id
            if receiver.retired_at is None and (
                self._ledger.changed(receiver) or receiver.commune_id == self._plan.into
            ):
                self._ledger.set(receiver, config_revision=receiver.config_revision + 1)
                self._draft.reconfigured.add(receiver.id)
        since = self._merger.at
        for source in self._sources:
            if source != self._plan.into:
                self._draft.succession.append((self._plan.into, source, since))
        return self._draft

    def _all_rows(self) -> list[SQLModel]:
        data = self._data
        # Relay stations that were moved are their hook's; those that a split copied are taken back here.
        added = {e.key[0] for e in self._entries if e.table == RelaySource.__tablename__ and e.before is None}
        items = [item for items in data.items.values() for item in items]
        return [
            *data.communes,
            *data.stations,
            *data.receivers,
            *data.zones,
            *data.members,
            *data.clips,
            *data.programmes,
            *items,
            *data.schedules,
            *data.noise_rules,
            *data.backups,
            *data.roles,
            *data.jobs,
            *(row for row in data.relay_sources if row.number in added),
        ]

    def _areas(self) -> dict[str, str]:
        """Zone that stands for a former commune → that commune."""
        made = [e.key[0] for e in self._entries if e.table == "zone" and e.before is None]
        return dict(zip(made, self._sources, strict=False)) if isinstance(self._plan, Merge) else {}

    def _set(self, entry: LedgerEntry, row: Any) -> None:
        changed = _changed_since(entry, row)
        reverts = not changed or not self._keeps(row)
        for column, before in (entry.before or {}).items():
            if column in _COUNTERS or (column in changed and not reverts):
                continue
            self._ledger.set(row, **{attribute_of(row, column): value_of(entry.table, column, before)})
            if column == "paused_until" and before is not None:
                self._ledger.set(row, paused=True)
            if isinstance(row, Clip) and column == "title":
                self._draft.titles[row.id] = str(before)
        if isinstance(row, Schedule) and "revision" in (entry.before or {}):
            self._ledger.set(row, revision=row.revision + 1, changed_at=self._now)

    def _keeps(self, row: Any) -> bool:
        """Asks; a row without a name is kept."""
        of = getattr(row, "programme_id", None)
        programme = next((p.title for p in self._data.programmes if p.id == of), "")
        name = getattr(row, "title", "") or getattr(row, "name", "") or programme
        key = " ".join([row_table(row), *map(str, row_key(row))])
        return not name or self._answers.keeps_changed(key, name)

    def _zones_removed_since(self) -> list[Zone]:
        """They return to their commune, where they can be restored; those that the merger added do not."""
        moved = [e.key[0] for e in self._entries if e.table == "zone" and e.before is not None and e.after is not None]
        return list(
            self._session.exec(select(Zone).where(col(Zone.id).in_(moved), col(Zone.retired_at) >= self._merger.at))
        )

    def _report_removed_zones(self) -> None:
        for zone in self._removed_zones:
            name = self._ledger.get(zone, "name")
            removed = N_("Zone “{name}” was removed since the merger; it stays removed.")
            self._draft.notes.append(Translatable(removed, {"name": name}))

    def _new(self, entry: LedgerEntry, row: Any) -> None:
        """Revert a row that the merger added."""
        if row is None or isinstance(row, (*_PARTS, OperatorCommune)):
            return
        if isinstance(row, _RETIRED):
            self._ledger.set(row, retired_at=self._now)
            if isinstance(row, Clip):
                self._ledger.set(row, commune_id=self._sources[0], builtin="")
            elif not isinstance(row, Commune):
                self._ledger.set(row, commune_id=self._sources[0])
            if isinstance(row, Schedule):
                self._part(row)
        elif isinstance(row, Zone | ZoneMember | NoiseRules | BackupClip):
            self._ledger.remove(row)
        elif isinstance(row, Station):
            self._ledger.set(row, commune_id=self._sources[0])
            # Receivers that moved return to their own station; one that was added since needs this one.
            if not self._added_since(row):
                self._ledger.remove(row)

    def _added_since(self, station: Station) -> bool:
        moved = {e.key[0] for e in self._entries if e.table == "receiver" and "station_id" in (e.before or {})}
        return any(r.station_id == station.number and r.id not in moved for r in self._data.receivers)

    def _part(self, part: Schedule) -> None:
        """The part of a schedule in the new commune is retired with it, unless an operator changed the part."""
        if part.revision > 1 and self._keeps(part):
            self._ledger.set(part, retired_at=part.retired_at, revision=part.revision + 1, changed_at=self._now)

    def _gone(self, entry: LedgerEntry, row: Any) -> None:
        """Revert a row that the merger removed."""
        if entry.table == "operatorcommune" or row is not None:
            return
        kinds: tuple[type[SQLModel], ...] = (ZoneMember, NoiseRules, BackupClip)
        kind = next(k for k in kinds if k.__table__.name == entry.table)  # type: ignore[attr-defined]
        made = kind(**{c: value_of(entry.table, c, value) for c, value in (entry.before or {}).items()})
        if isinstance(made, ZoneMember):
            receiver_ids = {r.id for r in self._data.receivers if r.retired_at is None}
            if made.receiver_id not in receiver_ids or not any(z.id == made.zone_id for z in self._data.zones):
                return
        self._ledger.add(made)

    def _operators(self) -> None:
        """Roles are restored, unless they were changed since the merger: then the last change is kept."""
        table = OperatorCommune.__table__.name  # type: ignore[attr-defined]
        mine = [e for e in self._entries if e.table == table]
        roles = {
            e.key[0]: (e.after or {}).get("role") for e in mine if e.after is not None and e.key[1] == self._plan.into
        }
        now_has = {r.operator_id: r for r in self._data.roles if r.commune_id == self._plan.into}
        if not isinstance(self._plan, Merge):
            for row in now_has.values():
                self._ledger.remove(row)
            return
        before: dict[int, dict[str, Any]] = {}
        for entry in mine:
            if entry.before is not None:
                where = (entry.before or {}).get("commune_id", entry.key[1])
                before.setdefault(entry.key[0], {})[where] = entry.before.get("role")
        for operator_id, row in now_has.items():
            self._ledger.remove(row)
            changed = operator_id in roles and str(row.role) != str(roles[operator_id])
            there = dict(before.get(operator_id, dict.fromkeys(self._sources, row.role)))
            if self._plan.into in self._sources and not any(
                e.key == [operator_id, self._plan.into] and e.before is None for e in mine
            ):
                there.setdefault(self._plan.into, row.role)
            for commune_id, role in there.items():
                self._ledger.add(
                    OperatorCommune(
                        operator_id=operator_id,
                        commune_id=commune_id,
                        role=row.role if changed or role is None else role,
                    )
                )

    def _places(self, commune_id: str, targets: Targets) -> list[tuple[str, Targets]]:
        by_commune: dict[str, list[str]] = {}
        for receiver_id in self._data.reached(commune_id, targets):
            by_commune.setdefault(self._after[receiver_id], []).append(receiver_id)
        places = [(c, Targets(receivers=by_commune[c])) for c in sorted(by_commune)]
        return places or [(self._sources[0], targets)]


def _changed_since(entry: LedgerEntry, row: Any) -> set[str]:
    """The columns that the merger wrote and that have another value now."""
    written = {c: value_of(entry.table, c, after) for c, after in (entry.after or {}).items()}
    changed = {c for c, after in written.items() if getattr(row, attribute_of(row, c)) != after}
    changed -= {*_COUNTERS, "commune_id"}
    if isinstance(row, Schedule) and "paused_until" in written and not row.paused:
        changed.add("paused_until")  # the merger paused what was paused until a day; it was resumed since
    return changed | (_PAUSE & written.keys() if changed & _PAUSE else set())


def attribute_of(row: SQLModel, column: str) -> str:
    """The attribute name of a column."""
    return "class_" if column == "class" else column

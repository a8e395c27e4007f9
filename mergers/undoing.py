"""The draft of the undo of a merger.

Values that the merger wrote are reverted if they are unchanged since; later changes by operators are kept. What was
created since is assigned by `mergers.later_changes`. Past broadcasts keep the commune of their time.
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlmodel import Session, SQLModel, col, delete

from broadcast.backup_clip import BackupClip
from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip, ClipRendition
from broadcast.programmes import Programme, ProgrammeItem
from devices.communes import Commune
from devices.merger_hooks import MergerHooks
from devices.predecessors import CommuneSuccession
from devices.stations import Station
from devices.zones import Zone, ZoneMember
from mergers.commune_data import load_commune_data
from mergers.hooks import revert_hooks
from mergers.in_flight import broadcasts_in_flight, move_in_flight
from mergers.later_changes import LaterChanges
from mergers.ledger import Ledger, LedgerEntry, row_key, row_table, value_of
from mergers.merge_draft import MergeDraft
from mergers.mergers import Merger, MergerJournal, lock_communes, merger, mergers
from mergers.plans import Merge, MergerResult, Plan, Translatable, involved
from noise.noise_rules import NoiseRules
from people.audit import Deed, note
from people.operators import OperatorCommune
from runtime.refusal import N_, Refusal
from schedules.freezing import freeze_past
from schedules.schedules import Schedule
from usecases.actors import CONTROLLER
from usecases.broadcasts import withdraw_in
from wire.broadcasts import Targets

#: Columns that only count up.
_COUNTERS = {"revision", "config_revision", "changed_at"}
#: Rows that belong to another row and share its fate.
_PARTS = (ClipRendition, ProgrammeItem)
_RETIRED = (Commune, Programme, Schedule, Clip)


def undo(session: Session, merger_id: int, now: datetime, by: str, *, hooks: MergerHooks) -> MergerResult:
    """Undo a merger in the caller's transaction. Raises Refusal, NotFound."""
    row = merger(session, merger_id)
    plan = row.what
    _check(session, row, now)
    lock_communes(session, involved(plan))
    freeze_past(session, now)
    journal = session.get_one(MergerJournal, merger_id)
    undoing = UndoDraft(session, plan, row, journal.what, now)
    draft = undoing.draft()
    revert_hooks(session, draft, journal.what, hooks, now)
    way = broadcasts_in_flight(session, draft, now)
    draft.ledger.write(session)
    _forget_succession(session, plan)
    parts = [(b.id, b.replaces) for b in way.planned if b.replaces and b.commune_id == plan.into]
    move_in_flight(session, draft, way, now)
    session.expire_all()
    if not isinstance(plan, Merge):
        _take_parts_back(session, parts, now, by)
    row = session.get_one(Merger, merger_id)
    row.undone_at, row.undone_by, row.told_at = now, by, None
    journal = session.get_one(MergerJournal, merger_id)
    receivers = sorted(draft.reconfigured)
    journal.receivers = msgspec.json.encode(receivers)
    session.add_all([row, journal])
    for commune_id in involved(plan):
        note(session, at=now, by=by, commune_id=commune_id, action=Deed.MERGER_UNDONE, detail=row.name)
    session.flush()
    return MergerResult(merger_id, tuple(receivers), tuple(draft.notes))


def undo_notes(session: Session, merger_id: int, now: datetime) -> tuple[Translatable, ...]:
    """What an undo would say of what was changed since. Only reads; () for a merger that cannot be undone."""
    row = merger(session, merger_id)
    try:
        _check(session, row, now)
    except Refusal:
        return ()
    journal = session.get_one(MergerJournal, merger_id)
    with session.no_autoflush:
        draft = UndoDraft(session, row.what, row, journal.what, now).draft()
    return tuple(draft.notes)


def _check(session: Session, row: Merger, now: datetime) -> None:
    if row.undone_at is not None:
        raise Refusal(N_("This merger was undone already."))
    if now >= row.undo_until:
        raise Refusal(N_("A merger can be undone for 30 days; these are over. Split the commune instead."))
    for later in mergers(session):
        is_later = later.number > row.number and later.undone_at is None
        if is_later and not set(involved(later.what)).isdisjoint(involved(row.what)):
            raise Refusal(
                N_("These communes were merged or split again since ({name}). Undo that first."), name=later.name
            )


class UndoDraft:
    def __init__(
        self, session: Session, plan: Plan, merger_row: Merger, entries: list[LedgerEntry], now: datetime
    ) -> None:
        self._session, self._plan, self._merger, self._entries, self._now = session, plan, merger_row, entries, now
        self._sources = list(plan.sources)
        self._data = load_commune_data(session, involved(plan))
        self._ledger = Ledger()
        self._draft = MergeDraft(plan, self._data, self._ledger, self._places)
        self._rows = {(row_table(row), row_key(row)): row for row in self._all_rows()}
        self._after: dict[str, str] = {}  # receiver → its commune afterwards

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
        LaterChanges(self._session, self._draft, self._entries, self._sources, areas, self._now).place()
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
        ]

    def _areas(self) -> dict[str, str]:
        """Zone that stands for a former commune → that commune."""
        made = [e.key[0] for e in self._entries if e.table == "zone" and e.before is None]
        return dict(zip(made, self._sources, strict=False)) if isinstance(self._plan, Merge) else {}

    def _set(self, entry: LedgerEntry, row: Any) -> None:
        for column, before in (entry.before or {}).items():
            attribute = attribute_of(row, column)
            was = value_of(entry.table, column, (entry.after or {})[column])
            now_is = getattr(row, attribute)
            if column in _COUNTERS:
                continue
            if now_is == was or column == "commune_id":
                self._ledger.set(row, **{attribute: value_of(entry.table, column, before)})
                if isinstance(row, Clip) and column == "title":
                    self._draft.titles[row.id] = str(before)
            elif not (isinstance(row, Schedule) and column == "targets"):
                self._keep(row)
        if isinstance(row, Schedule) and "revision" in (entry.before or {}):
            self._ledger.set(row, revision=row.revision + 1, changed_at=self._now)

    def _keep(self, row: Any) -> None:
        of = getattr(row, "programme_id", None)
        programme = next((p.title for p in self._data.programmes if p.id == of), "")
        name = getattr(row, "title", "") or getattr(row, "name", "") or programme
        note = Translatable(N_("{name} was changed since the merger; it stays as it is now."), {"name": name})
        if name and note not in self._draft.notes:
            self._draft.notes.append(note)

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
        if part.revision > 1:
            self._ledger.set(part, retired_at=part.retired_at, revision=part.revision + 1, changed_at=self._now)
            self._keep(part)

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


def _forget_succession(session: Session, plan: Plan) -> None:
    session.exec(
        delete(CommuneSuccession).where(
            col(CommuneSuccession.successor_id) == plan.into, col(CommuneSuccession.former_id).in_(plan.sources)
        )
    )


def _take_parts_back(session: Session, parts: list[tuple[str, str]], now: datetime, by: str) -> None:
    """A split made a broadcast of a part of another: withdraw it, the other broadcast replaces it."""
    for part_id, whole_id in parts:
        part, whole = session.get_one(Broadcast, part_id), session.get(Broadcast, whole_id)
        if whole is not None and whole.withdrawn_at is None and part.withdrawn_at is None:
            withdraw_in(session, CONTROLLER.named(by), part, now, cause="merger")
            whole.replaces, whole.revision = part_id, whole.revision + 1
            session.add(whole)


def attribute_of(row: SQLModel, column: str) -> str:
    """The attribute name of a column."""
    return "class_" if column == "class" else column

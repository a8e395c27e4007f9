"""Apply and revert the merger hooks: rows that other packages store by commune, in the merger's ledger and journal."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import Session, SQLModel

from devices.merger_hooks import CommuneMove, MergerHooks, rows_of
from mergers.ledger import Key, LedgerEntry, row_key, row_table, value_of
from mergers.merge_draft import MergeDraft
from mergers.plans import Merge, Translatable
from wire.broadcasts import Targets


def apply_hooks(session: Session, draft: MergeDraft, hooks: MergerHooks, now: datetime) -> None:
    """Add the row changes of all hooks to the draft of a merger or a split."""
    move = _move(draft, now)
    for hook in hooks:
        changes = hook.changes_for(session, move)
        for row, values in changes.changes:
            draft.ledger.set(row, **values)
        draft.notes += [Translatable(message_id, values) for message_id, values in changes.notes]


def revert_hooks(
    session: Session, draft: MergeDraft, entries: list[LedgerEntry], hooks: MergerHooks, now: datetime
) -> None:
    """Add to the draft of an undo the former values of the hooks' rows, unless changed since.

    When the merged commune is retired, rows created since go to the commune that their hook names.
    """
    move = _move(draft, now)
    ends = draft.ledger.get(draft.data.commune(move.into), "retired_at") is not None
    for hook in hooks:
        former: Callable[[type[SQLModel]], str | None] = lambda kind: _former(entries, kind, move.into)  # noqa: E731
        for kind in hook.tables:
            rows = {row_key(row): row for row in rows_of(session, kind, {*move.sources, move.into})}
            mine = [(_key_now(entry), entry) for entry in entries if entry.table == _table(kind)]
            for key, entry in mine:
                if key in rows:
                    _write_back(draft, rows[key], entry)
            if not ends:
                continue
            keys = {key for key, _ in mine}
            taken = {_key_then(draft, row) for row in rows.values()}
            for key, row in rows.items():
                if key in keys or _commune(row) != move.into:
                    continue
                draft.ledger.set(row, commune_id=hook.commune_after_undo(row, move, former))
                if _key_then(draft, row) in taken - {key}:
                    draft.ledger.remove(row)
                taken.add(_key_then(draft, row))


def _move(draft: MergeDraft, now: datetime) -> CommuneMove:
    plan, data = draft.plan, draft.data

    def place(commune_id: str, targets: Targets) -> Targets:
        return draft.places(commune_id, targets)[0][1]

    return CommuneMove(
        sources=plan.sources,
        into=plan.into,
        joined=isinstance(plan, Merge),
        names={c.id: c.name for c in data.communes},
        receivers={r.id: draft.ledger.get(r, "commune_id") for r in data.receivers},
        schedules={s.number: draft.ledger.get(s, "commune_id") for s in data.schedules},
        place=place,
        now=now,
    )


def _write_back(draft: MergeDraft, row: SQLModel, entry: LedgerEntry) -> None:
    for column, before in (entry.before or {}).items():
        if column == "revision":  # it only ever counts up: its readers start over when it changes
            draft.ledger.set(row, revision=row.revision + 1)  # type: ignore[attr-defined]
            continue
        still = getattr(row, column) == value_of(entry.table, column, (entry.after or {})[column])
        if still or column == "commune_id":
            draft.ledger.set(row, **{column: value_of(entry.table, column, before)})


def _former(entries: list[LedgerEntry], kind: type[SQLModel], into: str) -> str | None:
    for entry in entries:
        if entry.table == _table(kind) and (entry.after or {}).get("commune_id") == into:
            return str((entry.before or {})["commune_id"])
    return None


def _table(kind: type[SQLModel]) -> str:
    return str(kind.__table__.name)  # type: ignore[attr-defined]


def _keys(entry_table: str) -> list[str]:
    return [str(c.name) for c in SQLModel.metadata.tables[entry_table].primary_key.columns]


def _key_now(entry: LedgerEntry) -> Key:
    """The primary key that the row has after the merger."""
    return tuple((entry.after or {}).get(c, was) for c, was in zip(_keys(entry.table), entry.key, strict=True))


def _key_then(draft: MergeDraft, row: SQLModel) -> Key:
    """The primary key that the row will have after the undo."""
    return tuple(draft.ledger.get(row, column) for column in _keys(row_table(row)))


def _commune(row: Any) -> str:
    return str(row.commune_id)

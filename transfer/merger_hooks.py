"""What imports remember of communes goes along when they are merged or split."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlmodel import Session, SQLModel

from devices.merger_hooks import CommuneMove, HookChanges, rows_of
from runtime.refusal import N_
from transfer.columns import ColumnMapping, ImportKind
from transfer.external_ids import ExternalId
from transfer.imports import ImportFile

_NEVER = datetime.min.replace(tzinfo=UTC)


class ImportsHook:
    """Codes of the old systems, remembered columns, and files on their way in."""

    tables: tuple[type[SQLModel], ...] = (ExternalId, ColumnMapping, ImportFile)

    def changes_for(self, session: Session, move: CommuneMove) -> HookChanges:
        """In a split only the codes of what goes are taken along."""
        changes = HookChanges()
        self._ids(session, move, changes)
        if move.joined:
            files = rows_of(session, ImportFile, move.sources)
            self._columns(session, move, files, changes)
            for file in files:
                changes.set(file, commune_id=move.into)
        return changes

    def commune_after_undo(
        self, row: SQLModel, move: CommuneMove, former: Callable[[type[SQLModel]], str | None]
    ) -> str:
        """A code goes where its receiver or its schedule is, the rest to the heir."""
        return (_where(row, move) if isinstance(row, ExternalId) else None) or move.sources[0]

    @staticmethod
    def _ids(session: Session, move: CommuneMove, changes: HookChanges) -> None:
        taken: dict[tuple[str, str], ExternalId] = {}
        clashes = 0
        for row in sorted(rows_of(session, ExternalId, move.sources), key=lambda r: move.in_order.index(r.commune_id)):
            if not move.joined:
                if _where(row, move) == move.into:
                    changes.set(row, commune_id=move.into)
                continue
            before = taken.setdefault((row.kind, row.external_id), row)
            if before is row:
                changes.set(row, commune_id=move.into)
            else:
                clashes += before.our_id != row.our_id
        if clashes:
            first = next(c for c in move.in_order)
            message = N_(
                "{count} codes of old systems mean something different in each commune; for later imports those of "
                "{commune} hold."
            )
            changes.notes.append((message, {"count": clashes, "commune": move.names[first]}))

    @staticmethod
    def _columns(session: Session, move: CommuneMove, files: list[ImportFile], changes: HookChanges) -> None:
        """Of two choices for the same headings that of the file that was taken last."""
        used: dict[tuple[str, str, str], datetime] = {}
        for file in files:
            key = (file.commune_id, file.kind, file.columns)
            if file.done_at is not None:
                used[key] = max(used.get(key, _NEVER), file.done_at)
        best: dict[tuple[str, str], ColumnMapping] = {}
        for row in sorted(
            rows_of(session, ColumnMapping, move.sources), key=lambda r: move.in_order.index(r.commune_id)
        ):
            before = best.setdefault((row.kind, row.fingerprint), row)
            newer, older = (
                (remembered.commune_id, remembered.kind, remembered.columns) for remembered in (row, before)
            )
            if used.get(newer, _NEVER) > used.get(older, _NEVER):
                best[row.kind, row.fingerprint] = row
        for row in best.values():
            there = next(
                (
                    r
                    for r in rows_of(session, ColumnMapping, [move.into])
                    if (r.kind, r.fingerprint) == (row.kind, row.fingerprint)
                ),
                None,
            )
            if there is None:
                changes.set(row, commune_id=move.into)
            elif there.columns != row.columns:
                changes.set(there, columns=row.columns)


def _where(row: ExternalId, move: CommuneMove) -> str | None:
    """The commune of what a code means; None when there is none of it."""
    if row.kind == ImportKind.SCHEDULES.value:
        return move.schedules.get(int(row.our_id)) if row.our_id.isdigit() else None
    return move.receivers.get(row.our_id) if row.kind == ImportKind.RECEIVERS.value else None

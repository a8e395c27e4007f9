"""Hook for mergers and splits: sources of alerts and the inbox go to the commune that their own becomes a part of."""

from collections.abc import Callable

import msgspec
from sqlmodel import Session, SQLModel

from cap.alerts import OPEN, CapAlert, CapAlertState
from cap.sources import CapSource
from cap.targets import joined
from devices.merger_hooks import CommuneMove, HookChanges, rows_of


class CapHook:
    """Of an alert that came to several of the communes one row goes along, first one that has started. A split leaves
    all: the part that is split off names its own sources.
    """

    tables: tuple[type[SQLModel], ...] = (CapSource, CapAlert)

    def changes_for(self, session: Session, move: CommuneMove) -> HookChanges:
        changes = HookChanges()
        if not move.joined:
            return changes
        for source in rows_of(session, CapSource, move.sources):
            changes.set(source, commune_id=move.into)
        alike: dict[object, list[CapAlert]] = {}
        for row in rows_of(session, CapAlert, move.sources):
            alike.setdefault(row.key, []).append(row)
        for rows in alike.values():
            rows.sort(
                key=lambda r: (r.state != CapAlertState.STARTED, r.state not in OPEN, move.in_order.index(r.commune_id))
            )
            waiting = [row for row in rows[1:] if row.state == CapAlertState.WAITING]
            targets = joined([move.place(row.commune_id, row.audience) for row in (rows[0], *waiting)])
            changes.set(rows[0], commune_id=move.into, targets=msgspec.json.encode(targets))
            for other in waiting:
                changes.set(other, state=CapAlertState.REPLACED.value, decided_at=move.now, automatic=False)
        return changes

    def commune_after_undo(
        self, row: SQLModel, move: CommuneMove, former: Callable[[type[SQLModel]], str | None]
    ) -> str:
        return former(CapSource) or move.sources[0]

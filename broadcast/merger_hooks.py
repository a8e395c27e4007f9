"""Hook for mergers and splits: relay stations go to the commune that their own becomes a part of."""

from collections.abc import Callable

from sqlmodel import Session, SQLModel

from broadcast.relay_sources import RelaySource
from devices.merger_hooks import CommuneMove, HookChanges, rows_of


class RelaySourceHook:
    """A part that is split off gets copies of its own (`mergers.splitting`)."""

    tables: tuple[type[SQLModel], ...] = (RelaySource,)

    def changes_for(self, session: Session, move: CommuneMove) -> HookChanges:
        following = HookChanges()
        if move.joined:
            for row in rows_of(session, RelaySource, move.sources):
                following.set(row, commune_id=move.into)
        return following

    def commune_after_undo(
        self, row: SQLModel, move: CommuneMove, former: Callable[[type[SQLModel]], str | None]
    ) -> str:
        return former(RelaySource) or move.sources[0]

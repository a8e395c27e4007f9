"""Hook for mergers and splits: pronunciations go with their commune."""

from collections.abc import Callable

from sqlmodel import Session, SQLModel

from devices.merger_hooks import CommuneMove, HookChanges, rows_of
from speech.pronunciations import Pronunciation


class PronunciationHook:
    """Of communes that are joined all come along; the heir's own reading of a piece stays. A split leaves them."""

    tables: tuple[type[SQLModel], ...] = (Pronunciation,)

    def changes_for(self, session: Session, move: CommuneMove) -> HookChanges:
        following = HookChanges()
        if not move.joined:
            return following
        rows = sorted(
            rows_of(session, Pronunciation, move.sources), key=lambda row: (move.in_order.index(row.commune_id), row.id)
        )
        known: set[str] = set()
        for row in rows:
            if row.typed not in known:
                following.set(row, commune_id=move.into)
            known.add(row.typed)
        return following

    def commune_after_undo(
        self, row: SQLModel, move: CommuneMove, former: Callable[[type[SQLModel]], str | None]
    ) -> str:
        return former(Pronunciation) or move.sources[0]

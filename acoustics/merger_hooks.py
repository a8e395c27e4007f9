"""Hook for mergers and splits: delay measurements go with the two receivers they were taken of."""

from collections.abc import Callable

from sqlmodel import Session, SQLModel

from acoustics.delay_measurements import DelayMeasurement
from devices.merger_hooks import CommuneMove, HookChanges, rows_of


class DelayMeasurementHook:
    """A measurement moves when both of its receivers move to the same commune."""

    tables: tuple[type[SQLModel], ...] = (DelayMeasurement,)

    def changes_for(self, session: Session, move: CommuneMove) -> HookChanges:
        following = HookChanges()
        for row in rows_of(session, DelayMeasurement, move.sources):
            both = {move.receivers.get(row.one_id), move.receivers.get(row.other_id)}
            if move.joined or both == {move.into}:
                following.set(row, commune_id=move.into)
        return following

    def commune_after_undo(
        self, row: SQLModel, move: CommuneMove, former: Callable[[type[SQLModel]], str | None]
    ) -> str:
        return move.receivers.get(getattr(row, "one_id", ""), move.sources[0])

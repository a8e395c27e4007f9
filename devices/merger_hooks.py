"""Merger hooks: packages whose tables are keyed by commune return the row changes that a merger needs.

A hook only returns changes of values; `mergers` writes them in its transaction and reverts them in an undo.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlmodel import Session, SQLModel, col, select

from devices.faults import Fault
from wire.broadcasts import Targets

Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True)
class CommuneMove:
    """Communes that become another. sources: with `joined` all of them become `into`, else a part of the only one does;
    the first is the heir. receivers, schedules: id → commune afterwards.

    names: by commune id. place: targets of a joined commune → targets in the new one.
    """

    sources: tuple[str, ...]
    into: str
    joined: bool
    names: Mapping[str, str]
    receivers: Mapping[str, str]
    schedules: Mapping[int, str]
    place: Callable[[str, Targets], Targets]
    now: datetime

    @property
    def in_order(self) -> list[str]:
        """By precedence: the commune whose id is kept, then the others in the order of the plan."""
        return sorted(self.sources, key=lambda c: c != self.into)


@dataclass
class HookChanges:
    """The result of a hook. changes: a row and its new values. notes: message id and values, for the rehearsal."""

    changes: list[tuple[SQLModel, dict[str, Any]]] = field(default_factory=list)
    notes: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def set(self, row: SQLModel, **values: Any) -> None:
        self.changes.append((row, values))


class MergerHook(Protocol):
    """What a package with tables keyed by commune provides. It adds and removes no rows."""

    @property
    def tables(self) -> tuple[type[SQLModel], ...]:
        """Each has a column commune_id."""

    def changes_for(self, session: Session, move: CommuneMove) -> HookChanges:
        """The row changes of a merger or a split. Only reads."""

    def commune_after_undo(
        self, row: SQLModel, move: CommuneMove, former: Callable[[type[SQLModel]], str | None]
    ) -> str:
        """The commune of a row that was created between the merger and its undo.

        former: table → the commune whose row the merger moved.
        """


#: All hooks, combined in `loa.merger_hooks`.
MergerHooks = tuple[MergerHook, ...]


def rows_of(session: Session, kind: type[Row], commune_ids: Iterable[str], *conditions: Any) -> list[Row]:
    """The rows of communes in a table, in the order of its key."""
    query = select(kind).where(col(kind.commune_id).in_(list(commune_ids)), *conditions)  # type: ignore[attr-defined]
    return list(session.exec(query.order_by(*kind.__table__.primary_key.columns)))  # type: ignore[attr-defined]


class CommuneFaultHook:
    """Faults of a commune itself go with it into another. One that is split keeps its own."""

    tables: tuple[type[SQLModel], ...] = (Fault,)

    def changes_for(self, session: Session, move: CommuneMove) -> HookChanges:
        following = HookChanges()
        if move.joined:
            for row in rows_of(session, Fault, move.sources):
                following.set(row, commune_id=move.into)
        return following

    def commune_after_undo(
        self, row: SQLModel, move: CommuneMove, former: Callable[[type[SQLModel]], str | None]
    ) -> str:
        return former(Fault) or move.sources[0]

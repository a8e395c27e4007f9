"""What else follows communes that are merged or split: rooms that know nothing of mergers say it of their own tables.

A follower only says which rows get other values. They are written with the merger, and taken back with it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlmodel import Session, SQLModel, col, select

from wire.broadcasts import Targets

Row = TypeVar("Row", bound=SQLModel)


@dataclass(frozen=True)
class CommuneMove:
    """Communes on their way into another. sources: the first is the heir; with `joined` all of them become `into`, else
    a part of the only one does. receivers, schedules: of each of them its commune afterwards.

    names: by commune id. place: what targets of a commune that is joined are in the new one.
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
        """Whose goes before: that which gives its id to the whole, then the others as they were chosen."""
        return sorted(self.sources, key=lambda c: c != self.into)


@dataclass
class HookChanges:
    """What a follower wants. changes: a row and its new values. notes: message id and values, for the rehearsal."""

    changes: list[tuple[SQLModel, dict[str, Any]]] = field(default_factory=list)
    notes: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def set(self, row: SQLModel, **values: Any) -> None:
        """A row is to have these values."""
        self.changes.append((row, values))


class MergerHook(Protocol):
    """A room with tables by commune. It has to add and remove no row."""

    @property
    def tables(self) -> tuple[type[SQLModel], ...]:
        """Its tables; each has a commune_id."""

    def changes_for(self, session: Session, move: CommuneMove) -> HookChanges:
        """What communes that become another take along. Only reads."""

    def commune_after_undo(
        self, row: SQLModel, move: CommuneMove, former: Callable[[type[SQLModel]], str | None]
    ) -> str:
        """Where a row goes that was made in a commune between its merger and the undoing.

        former: of a table the commune whose row the merger took along.
        """


#: All that follow, as the joining place has put them together.
MergerHooks = tuple[MergerHook, ...]


def rows_of(session: Session, kind: type[Row], commune_ids: Iterable[str], *conditions: Any) -> list[Row]:
    """The rows of communes in a table, in the order of its key."""
    query = select(kind).where(col(kind.commune_id).in_(list(commune_ids)), *conditions)  # type: ignore[attr-defined]
    return list(session.exec(query.order_by(*kind.__table__.primary_key.columns)))  # type: ignore[attr-defined]

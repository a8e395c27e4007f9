"""Rows become things of ours: one after the other, each whole or not at all, with what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlmodel import Session

from parsing.names import NameIndex
from runtime.refusal import N_, Refusal
from transfer.cell_values import has_lost_digits, words_of
from transfer.columns import COLUMNS, ImportKind
from transfer.sheets import CellValue, SheetRow, shown

T = TypeVar("T")


class RowChange(StrEnum):
    """What a row did, or would do."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    WRONG = "wrong"


class RowOutcome(NamedTuple):
    """Of one row. line: as the program shows it. what: its name. column: key of the one that is wrong, "" for none.

    taken_for: names of the programme, the zones and the receivers that its cells identify, as they are called here.
    """

    line: int
    change: RowChange
    what: str
    problem: Refusal | None = None
    column: str = ""
    taken_for: tuple[str, ...] = ()


class WrongCell(Exception):
    """A cell that cannot be taken."""

    def __init__(self, column: str, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.column, self.refusal = column, refusal


class Taker(Protocol):
    """Takes rows of one kind."""

    kind: ImportKind

    def take(self, session: Session, cells: "Cells") -> RowChange:
        """Make a row so. Raises WrongCell or Refusal; what it changed by then is undone."""
        ...


@dataclass
class Cells:
    """A row's cells by what they mean. columns: a key for each column of the file.

    taken_for: names here that the cells identify, filled while the row is taken.
    """

    row: SheetRow
    columns: Sequence[str]
    taken_for: list[str] = field(default_factory=list)

    def value(self, key: str) -> CellValue:
        """What stands there, None for nothing. Raises WrongCell for what the spreadsheet itself could not tell."""
        at = self.columns.index(key) if key in self.columns else len(self.row.cells)
        cell = self.row.cells[at] if at < len(self.row.cells) else None
        if isinstance(cell, Refusal):
            raise WrongCell(key, cell)
        if has_lost_digits(cell):
            why = N_(
                "“{value}” is a long number of which the spreadsheet kept only the first digits. Format the column as "
                "text and type the whole number again."
            )
            raise WrongCell(key, Refusal(why, value=shown(cell)))
        return None if cell == "" else cell

    def text(self, key: str) -> str:
        """The same as text in one line, "" for nothing."""
        return " ".join(shown(self.value(key)).split())

    def names(self, key: str) -> list[str]:
        """Several names in one cell, with commas, semicolons or line breaks between."""
        return words_of(shown(self.value(key)))

    def read(self, key: str, reader: Callable[[Any], Any], *, as_text: bool = False) -> Any:
        """What a reader makes of the cell; None for an empty one. Raises WrongCell."""
        value = self.text(key) if as_text else self.value(key)
        if value is None or value == "":
            return None
        try:
            return reader(value)
        except Refusal as refusal:
            raise WrongCell(key, refusal) from refusal

    def named(self, key: str, name: str, index: NameIndex[T]) -> T | None:
        """The row here that a name in the cell identifies, None for none. Raises WrongCell when several fit."""
        try:
            return index.find(name)
        except Refusal as refusal:
            raise WrongCell(key, refusal) from refusal

    def needed(self, kind: ImportKind) -> None:
        """Raises WrongCell when something that each row must have is missing."""
        for column in COLUMNS[kind]:
            if column.needed and self.value(column.key) is None:
                raise WrongCell(column.key, Refusal(N_("This cell is empty. Fill it, or delete the row.")))


def take_all(session: Session, taker: Taker, rows: Sequence[SheetRow], columns: Sequence[str]) -> list[RowOutcome]:
    """Take every row. A row that is wrong leaves nothing; the others stay, for the caller to keep or to undo."""
    outcomes = []
    for row in rows:
        cells = Cells(row, columns)
        if all(_blank(cells, key) for key in columns if key):
            continue
        try:
            with session.begin_nested():
                cells.needed(taker.kind)
                change = taker.take(session, cells)
                session.flush()
            outcomes.append(
                RowOutcome(row.line, change, _name(cells, taker.kind), taken_for=tuple(dict.fromkeys(cells.taken_for)))
            )
        except WrongCell as wrong:
            outcomes.append(
                RowOutcome(row.line, RowChange.WRONG, _name(cells, taker.kind), wrong.refusal, wrong.column)
            )
        except Refusal as refusal:
            outcomes.append(RowOutcome(row.line, RowChange.WRONG, _name(cells, taker.kind), refusal))
    return outcomes


def _blank(cells: Cells, key: str) -> bool:
    try:
        return cells.value(key) is None
    except WrongCell:
        return False


def _name(cells: Cells, kind: ImportKind) -> str:
    first = COLUMNS[kind][0].key
    try:
        return cells.text(first)[:80]
    except WrongCell:
        return ""

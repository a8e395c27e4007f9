"""Sheets: the rows of a table file, whatever program wrote it, and the limits on them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from runtime.refusal import N_, Refusal
from transfer.texts import Encoding

#: Twice what the largest commune has. All of them are one transaction, and others who write wait for it.
MOST_ROWS = 1000
MOST_COLUMNS = 100
MOST_CELLS = 500_000
#: Formatted down to the millionth row, with nothing in it: reading stops here.
MOST_EMPTY_LINES = 5000
_LONGEST_CELL = 2000
#: Kept of what no screen shows: line breaks, which separate names, and tabs.
_LINE_BREAK = re.compile("\r\n?|\u2028|\u2029|\x0b|\x0c|\x85")

#: A cell's value. What cannot be read is a Refusal in its place, which is said when the cell is needed.
CellValue = str | int | float | bool | date | time | datetime | Refusal | None


@dataclass(frozen=True)
class SheetRow:
    """A row. line: as the program shows it, from 1."""

    line: int
    cells: Sequence[CellValue]


@dataclass
class Sheet:
    """All rows of one sheet of a file. encoding: as which it was read. delimiter: of a text file, "" else.

    names: of the file's sheets, in their order; number: the index of this one.
    """

    rows: list[SheetRow]
    encoding: Encoding
    delimiter: str = ""
    merged: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    number: int = 0

    def keep(self, line: int, cells: Sequence[CellValue]) -> None:
        """Add a row; an empty one is left out. Raises Refusal for too many columns or rows."""
        values = [visible_text(c[:_LONGEST_CELL]).strip() if isinstance(c, str) else c for c in cells]
        while values and (values[-1] is None or values[-1] == ""):
            values.pop()
        if len(values) > MOST_COLUMNS:
            raise too_many_columns(line)
        if not values:
            return
        if len(self.rows) >= MOST_ROWS:
            raise too_many_rows()
        self.rows.append(SheetRow(line, values))

    def has_ended(self, line: int) -> bool:
        """Whether so many lines before this one are empty that nothing more is looked for."""
        return line - (self.rows[-1].line if self.rows else 0) > MOST_EMPTY_LINES

    def spread(self, ranges: Iterable[tuple[int, int, int, int]]) -> None:
        """Repeat the value of merged cells, downwards only: what is merged across is a heading, and would stand in
        columns that it does not belong to.

        ranges: left, top, right, bottom, from 1.
        """
        ranges = list(ranges)
        self.merged = [f"{cell_name(top, left)}:{cell_name(bottom, right)}" for left, top, right, bottom in ranges]
        cells_by_line = {row.line: list(row.cells) for row in self.rows}
        filled = set[tuple[int, int]]()
        for left, top, right, bottom in ranges:
            first = cells_by_line.get(top)
            if first is None or left > len(first) or left != right:
                continue
            for line in range(top + 1, min(bottom, MOST_ROWS) + 1):
                cells = cells_by_line.get(line)
                # Merged ranges do not overlap; in a file where they do, the first one holds.
                if cells is not None and left <= len(cells) and (line, left) not in filled:
                    cells[left - 1] = first[left - 1]
                    filled.add((line, left))
        self.rows = [SheetRow(line, cells) for line, cells in cells_by_line.items()]


@dataclass
class CellNotes:
    """What a sheet says and a reader of its values does not. refused: cells, by line and column from 1.

    merged: left, top, right, bottom, from 1.
    """

    refused: dict[tuple[int, int], Refusal] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)


def visible_text(text: str) -> str:
    """Without the characters that no screen shows: NUL, ESC, marks that turn the direction of writing, and the like."""
    lines = _LINE_BREAK.sub("\n", text)
    return "".join(c for c in lines if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def too_many_rows() -> Refusal:
    return Refusal(
        N_("More than {most} rows. Divide the table, or delete what is not of this commune. Nothing was kept."),
        most=MOST_ROWS,
    )


def too_many_columns(line: int) -> Refusal:
    return Refusal(
        N_("Line {line} has more than {most} columns. Delete what stands to the right of them."),
        line=line,
        most=MOST_COLUMNS,
    )


def formula_without_value(cell: str) -> Refusal:
    return Refusal(N_("{cell} holds a formula without its value. Open the file in Excel and save it again."), cell=cell)


def error_value(cell: str, value: str) -> Refusal:
    return Refusal(N_("{cell} shows the error {value}. Correct it in Excel."), cell=cell, value=value)


def cell_name(line: int, column: int) -> str:
    """As a spreadsheet calls it. line, column: from 1."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{line}"


def texts(cells: Sequence[CellValue]) -> Iterator[str]:
    """Cells as people read them."""
    for cell in cells:
        yield "" if cell is None or isinstance(cell, Refusal) else shown(cell)


def shown(value: CellValue) -> str:
    """A value as people would write it: 3 and not 3.0, days first."""
    if isinstance(value, datetime):
        return f"{value:%d/%m/%Y %H:%M}" if value.time() != time() else f"{value:%d/%m/%Y}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, time):
        return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value)

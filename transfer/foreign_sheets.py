"""Sheets that people bring, read in a child process with limits, and how their cells travel from it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from runtime.refusal import Refusal
from runtime.sandbox import ParserFailed, run_in_sandbox
from transfer.file_kinds import FileKind, no_table
from transfer.sheet_reading import read_sheet
from transfer.sheets import CellValue, Sheet, SheetRow
from transfer.texts import Encoding

#: A cell: a plain value as it is, or the name of its kind and its text. A refusal: its message id and the values.
_Packed = str | float | bool | list[str | dict[str, str | int | float]] | None
_KINDS: dict[str, Callable[[str], date | time | int]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "int": int,
}


@dataclass
class PackedSheet:
    """A sheet as plain data. rows: line and cells."""

    rows: list[tuple[int, list[_Packed]]]
    encoding: Encoding
    delimiter: str
    merged: list[str]
    names: list[str]
    number: int


def read_foreign_sheet(
    path: Path, name: str, encoding: Encoding | None = None, number: int | None = None, *, source: str
) -> Sheet:
    """As `read_sheet`, in a child process. source: whose file it is.

    Raises Refusal, also when the file takes too much time or memory.
    """
    try:
        packed = run_in_sandbox(
            read_in_child,
            str(path),
            name,
            None if encoding is None else encoding.value,
            number,
            result=PackedSheet,
            source=source,
        )
    except ParserFailed as failure:
        raise no_table(FileKind.DAMAGED, name) from failure
    rows = [SheetRow(line, [_unpacked(cell) for cell in cells]) for line, cells in packed.rows]
    return Sheet(rows, packed.encoding, packed.delimiter, packed.merged, packed.names, packed.number)


def read_in_child(path: str, name: str, encoding: str | None, number: int | None) -> PackedSheet:
    sheet = read_sheet(Path(path), name, None if encoding is None else Encoding(encoding), number)
    rows = [(row.line, [_packed(cell) for cell in row.cells]) for row in sheet.rows]
    return PackedSheet(rows, sheet.encoding, sheet.delimiter, sheet.merged, sheet.names, sheet.number)


def _packed(cell: CellValue) -> _Packed:
    if isinstance(cell, Refusal):
        values = {k: v if isinstance(v, int | float) else str(v) for k, v in cell.values.items()}
        return ["refusal", cell.message_id, values]
    if isinstance(cell, bool | str | float) or cell is None:
        return cell
    if isinstance(cell, int):
        return ["int", str(cell)]
    return [type(cell).__name__, cell.isoformat()]


def _unpacked(cell: _Packed) -> CellValue:
    if not isinstance(cell, list):
        return cell
    kind, text = str(cell[0]), str(cell[1])
    if kind == "refusal":
        values = cell[2]
        return Refusal(text, **values) if isinstance(values, dict) else Refusal(text)
    return _KINDS[kind](text)

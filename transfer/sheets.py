"""Sheets: CSV in any encoding, .xlsx and .xls, read as rows of cells, line by line."""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from runtime.refusal import N_, Refusal
from runtime.sandbox import too_costly
from transfer.texts import FONTS, Encoding, decode, delimiter_of, detect
from transfer.vietnamese_fonts import Font, likely_font, to_unicode

if TYPE_CHECKING:
    import xlrd

# The readers, and the numpy that one brings, are 20 MB, for a file now and then.
# ruff: noqa: PLC0415

#: Twice what the largest commune has. All of them are one transaction, and others who write wait for it.
MOST_ROWS = 1000
MOST_COLUMNS = 100
#: A spreadsheet is a zip: what it says it unpacks to. More is a mistake, or a trap.
_MOST_UNPACKED_BYTES = 200_000_000
#: Of one sheet, or of all its texts: ten thousand bytes for each row that we take.
_MOST_PART_BYTES = 30_000_000
#: Of every other part: styles, names, settings.
_MOST_OTHER_PART_BYTES = 5_000_000
_MOST_CELLS = 500_000
_LONGEST_CELL = 2000
_MOST_EMPTY_LINES = 5000

#: A cell's value. What cannot be read is a Refusal in its place, which is said when the cell is needed.
CellValue = str | int | float | bool | date | time | datetime | Refusal | None


@dataclass(frozen=True)
class SheetRow:
    """A row. line: as the program shows it, from 1."""

    line: int
    cells: Sequence[CellValue]


@dataclass
class Sheet:
    """All rows of a file's first sheet. encoding: as which it was read. delimiter: of a text file, "" else."""

    rows: list[SheetRow]
    encoding: Encoding
    delimiter: str = ""
    merged: list[str] = field(default_factory=list)


def read_sheet(path: Path, name: str, encoding: Encoding | None = None) -> Sheet:
    """Read a file. name: as it was called, its end tells its kind. encoding: None to find out.

    Raises Refusal: of another kind, damaged, too large.
    """
    with path.open("rb") as file:
        beginning = file.read(512)
    if beginning.startswith(b"PK"):
        return _font_read(_xlsx(path), encoding)
    if beginning.startswith(b"\xd0\xcf\x11\xe0"):
        return _font_read(_xls(path), encoding)
    if beginning.lstrip().lower().startswith((b"<html", b"<!doctype html", b"<table", b"<?xml")):
        raise Refusal(
            N_("This file is a web page under another name. Open it in Excel, save it as .xlsx, and choose that one.")
        )
    if beginning.startswith((b"%PDF", b"{\\rtf", b"\x1f\x8b", b"7z", b"Rar!")):
        raise Refusal(N_("{name} is no table. Choose a file of Excel (.xlsx, .xls) or a CSV file."), name=name)
    return _csv(path.read_bytes(), encoding)


def _csv(content: bytes, encoding: Encoding | None) -> Sheet:
    chosen = encoding or detect(content)
    text = decode(content, chosen)
    delimiter = delimiter_of(text)
    sheet = Sheet([], chosen, delimiter)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
        for cells in reader:
            _keep(sheet, reader.line_num, cells)
    except csv.Error as error:
        raise Refusal(N_("Line {line} cannot be read: {why}."), line=len(sheet.rows) + 1, why=str(error)) from error
    return sheet


def _xlsx(path: Path) -> Sheet:
    import openpyxl

    sheet = Sheet([], Encoding.UTF_8)
    try:
        _check_unpacked(path)
        # Opened here: openpyxl refuses a path whose name ends otherwise, and the name says nothing.
        with path.open("rb") as file:
            values = openpyxl.load_workbook(file, read_only=True, data_only=True).worksheets[0]
            without_value, merged = _formulas_and_merges(path, values._worksheet_path)
            for line, cells in enumerate(values.iter_rows(max_col=MOST_COLUMNS), start=1):
                _keep(sheet, line, [_xlsx_value(c, (line, k) in without_value) for k, c in enumerate(cells, start=1)])
                if line - (sheet.rows[-1].line if sheet.rows else 0) > _MOST_EMPTY_LINES:
                    break  # formatted down to the millionth row, with nothing in it
        sheet.merged = merged
        _spread_all(sheet, [openpyxl.utils.range_boundaries(ref) for ref in merged])
    except (Refusal, MemoryError):
        raise
    except Exception as error:  # damaged bytes raise any error in openpyxl
        raise damaged(str(error)) from error
    return sheet


def _xlsx_value(cell: Any, is_without_value: bool) -> CellValue:
    if is_without_value:
        return Refusal(
            N_("{cell} holds a formula without its value. Open the file in Excel and save it again."),
            cell=cell.coordinate,
        )
    if cell.data_type == "e":
        return Refusal(
            N_("{cell} shows the error {value}. Correct it in Excel."), cell=cell.coordinate, value=str(cell.value)
        )
    return cell.value  # type: ignore[no-any-return]


def _formulas_and_merges(path: Path, part: str) -> tuple[set[tuple[int, int]], list[str]]:
    """The cells (line, column) that hold a formula and no value, and the merged ranges.

    openpyxl gives either values or formulas, and no merged ranges when it streams. A text formula (t="str") may have
    the empty text as its value.
    """
    from openpyxl.utils.cell import coordinate_to_tuple

    without_value, merged = set[tuple[int, int]](), list[str]()
    line, column, count = 0, 0, 0
    with zipfile.ZipFile(path) as packed, packed.open(part.lstrip("/")) as source:
        # Expat refuses entities that grow without end.
        for event, element in ElementTree.iterparse(source, ("start", "end")):  # noqa: S314
            tag = element.tag.rpartition("}")[2]
            if event == "start":
                if tag == "row":
                    line, column = int(element.get("r", line + 1)), 0
                elif tag == "c":
                    count += 1
                    if count > _MOST_CELLS:
                        raise too_costly()
                    where = element.get("r")
                    line, column = coordinate_to_tuple(where) if where else (line, column + 1)
            elif tag == "c":
                is_formula = element.find("{*}f") is not None
                if is_formula and not element.findtext("{*}v") and element.get("t") != "str":
                    without_value.add((line, column))
            elif tag == "mergeCell":
                merged.append(element.attrib["ref"])
            elif tag == "row":
                element.clear()
    return without_value, merged


def _spread_all(sheet: Sheet, ranges: Iterable[tuple[int, int, int, int]]) -> None:
    """Down only: what is merged across is a heading, and would stand in columns that it does not belong to.

    ranges: left, top, right, bottom, from 1.
    """
    cells_by_line = {row.line: list(row.cells) for row in sheet.rows}
    spread = set[tuple[int, int]]()
    for left, top, right, bottom in ranges:
        first = cells_by_line.get(top)
        if first is None or left > len(first) or left != right:
            continue
        for line in range(top + 1, min(bottom, MOST_ROWS) + 1):
            cells = cells_by_line.get(line)
            # Merged ranges do not overlap; in a file where they do, the first one holds.
            if cells is not None and left <= len(cells) and (line, left) not in spread:
                cells[left - 1] = first[left - 1]
                spread.add((line, left))
    sheet.rows = [SheetRow(line, cells) for line, cells in cells_by_line.items()]


def _xls(path: Path) -> Sheet:
    import xlrd

    sheet = Sheet([], Encoding.UTF_8)
    try:
        with xlrd.open_workbook(
            str(path), io.StringIO(), on_demand=True, formatting_info=True, ragged_rows=True
        ) as book:
            first = book.sheet_by_index(0)
            for index in range(first.nrows):
                cells = first.row(index)[:MOST_COLUMNS]
                _keep(
                    sheet,
                    index + 1,
                    [_xls_value(book, c, f"{xlrd.colname(k)}{index + 1}") for k, c in enumerate(cells)],
                )
                if index + 1 - (sheet.rows[-1].line if sheet.rows else 0) > _MOST_EMPTY_LINES:
                    break
            for top, bottom, left, right in first.merged_cells:
                sheet.merged.append(f"{xlrd.colname(left)}{top + 1}:{xlrd.colname(right - 1)}{bottom}")
            _spread_all(sheet, [(left + 1, top + 1, right, bottom) for top, bottom, left, right in first.merged_cells])
    except (Refusal, MemoryError):
        raise
    except Exception as error:  # struct.error, AssertionError, …: it reads damaged bytes as they come
        raise damaged(str(error)) from error
    return sheet


def _xls_value(book: "xlrd.Book", cell: Any, where: str) -> CellValue:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_ERROR:
        error_text = xlrd.error_text_from_code.get(cell.value, "?")
        return Refusal(N_("{cell} shows the error {value}. Correct it in Excel."), cell=where, value=error_text)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            if cell.value < 1:
                return xlrd.xldate_as_datetime(cell.value, book.datemode).time()  # type: ignore[no-any-return]
            return xlrd.xldate_as_datetime(cell.value, book.datemode)  # type: ignore[no-any-return]
        except (xlrd.xldate.XLDateError, ValueError, OverflowError):
            return Refusal(N_("{cell} holds no date that exists. Write it as 25/11/2026."), cell=where)
    return None if cell.value == "" else cell.value


def _keep(sheet: Sheet, line: int, cells: Sequence[CellValue]) -> None:
    values = [c[:_LONGEST_CELL].strip() if isinstance(c, str) else c for c in cells]
    while values and (values[-1] is None or values[-1] == ""):
        values.pop()
    if len(values) > MOST_COLUMNS:
        raise Refusal(N_("Line {line} has more than {most} columns."), line=line, most=MOST_COLUMNS)
    if not values:
        return
    if len(sheet.rows) >= MOST_ROWS:
        raise Refusal(
            N_("More than {most} rows. Divide the table, or delete what is not of this commune. Nothing was kept."),
            most=MOST_ROWS,
        )
    sheet.rows.append(SheetRow(line, values))


def _font_read(sheet: Sheet, encoding: Encoding | None) -> Sheet:
    """Spreadsheets are Unicode, but what was typed for an old font is not Vietnamese until it is read so."""
    if encoding is None:
        text = " ".join(cell for row in sheet.rows for cell in row.cells if isinstance(cell, str))
        font = likely_font(text[:200_000])
    else:
        font = FONTS.get(encoding, Font.UNICODE)
    rows = [SheetRow(r.line, [to_unicode(c, font) if isinstance(c, str) else c for c in r.cells]) for r in sheet.rows]
    chosen = Encoding.UTF_8 if font is Font.UNICODE else Encoding(font.value)
    return Sheet(rows, chosen, "", sheet.merged)


def _check_unpacked(path: Path) -> None:
    with zipfile.ZipFile(path) as packed:
        sizes = {info.filename: info.file_size for info in packed.infolist()}
    if "[Content_Types].xml" not in sizes or not any(name.startswith("xl/") for name in sizes):
        raise Refusal(N_("This file is packed, but no table of Excel. Recordings in a zip go to *Recordings*."))
    parts = [size for name, size in sizes.items() if name.startswith(("xl/worksheets/", "xl/sharedStrings"))]
    others = [size for name, size in sizes.items() if name.endswith((".xml", ".rels")) and size not in parts]
    if max(others, default=0) > _MOST_OTHER_PART_BYTES:
        raise too_costly()
    if sum(sizes.values()) > _MOST_UNPACKED_BYTES or max(parts, default=0) > _MOST_PART_BYTES:
        raise Refusal(
            N_("More than {most} rows. Divide the table, or delete what is not of this commune. Nothing was kept."),
            most=MOST_ROWS,
        )


def damaged(why: str) -> Refusal:
    """The refusal for a file that its reader cannot read."""
    return Refusal(
        N_("This file is damaged or locked by a password ({why}). Open it in Excel and save it again as .xlsx."),
        why=why[:100] or "?",
    )


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

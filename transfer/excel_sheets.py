"""Sheets of Excel workbooks (.xlsx): the home of openpyxl. A workbook of the strict standard goes to calamine."""

import re
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from runtime.refusal import Refusal
from runtime.sandbox import too_costly
from transfer.sheets import (
    MOST_CELLS,
    MOST_COLUMNS,
    CellNotes,
    CellValue,
    Sheet,
    cell_name,
    error_value,
    formula_without_value,
    too_many_columns,
    too_many_rows,
)
from transfer.texts import Encoding
from transfer.workbooks import Workbook

# The reader, and the numpy that it brings, are 20 MB, for a file now and then.
# ruff: noqa: PLC0415

#: A spreadsheet is a zip: what it says it unpacks to. More is a mistake, or a trap.
_MOST_UNPACKED_BYTES = 200_000_000
#: Of one sheet, or of all its texts: ten thousand bytes for each row that we take.
_MOST_PART_BYTES = 30_000_000
#: Of every other part: styles, names, settings.
_MOST_OTHER_PART_BYTES = 5_000_000
_STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
#: So Excel writes a character that XML cannot hold.
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


class ExcelWorkbook(Workbook):
    """Streams the values of each sheet; formulas without a value and merged ranges come of a pass over its XML."""

    def __init__(self, path: Path) -> None:
        import openpyxl

        self._path = path
        self._file = path.open("rb")  # openpyxl refuses a path whose name ends otherwise, and the name says nothing
        try:
            self._book = openpyxl.load_workbook(self._file, read_only=True, data_only=True)
        except BaseException:
            self._file.close()
            raise
        shown = [sheet for sheet in self._book.worksheets if sheet.sheet_state == "visible"]
        self._sheets = shown or self._book.worksheets
        self.names = [str(sheet.title) for sheet in self._sheets]

    def read(self, number: int) -> Sheet:
        values = self._sheets[number]
        values.reset_dimensions()  # what a file says of its own size may be wrong
        notes = cell_notes(self._path, values._worksheet_path)
        sheet = Sheet([], Encoding.UTF_8)
        for line, cells in enumerate(values.iter_rows(max_col=MOST_COLUMNS), start=1):
            sheet.keep(line, [_value(cell, notes.refused.get((line, k))) for k, cell in enumerate(cells, start=1)])
            if sheet.has_ended(line):
                break
        sheet.spread(notes.merged)
        return sheet

    def close(self) -> None:
        self._book.close()
        self._file.close()


def check_unpacked(path: Path) -> None:
    """Raises Refusal for a workbook whose parts unpack to too much."""
    with zipfile.ZipFile(path) as packed:
        sizes = {info.filename: info.file_size for info in packed.infolist()}
    tables = ("xl/worksheets/", "xl/sharedStrings", "content.xml")
    parts = [size for name, size in sizes.items() if name.startswith(tables)]
    others = [
        size for name, size in sizes.items() if not name.startswith(tables) and name.endswith((".xml", ".rels", ".bin"))
    ]
    if max(others, default=0) > _MOST_OTHER_PART_BYTES:
        raise too_costly()
    if sum(sizes.values()) > _MOST_UNPACKED_BYTES or max(parts, default=0) > _MOST_PART_BYTES:
        raise too_many_rows()


def is_strict(path: Path) -> bool:
    """Whether a workbook is of the strict standard, which names its elements otherwise."""
    with zipfile.ZipFile(path) as packed, packed.open("xl/workbook.xml") as part:
        return _STRICT in part.read(4096)


def cell_notes(path: Path, part: str) -> CellNotes:
    """A text formula (t="str") may have the empty text as its value.

    Raises Refusal for a value to the right of the last column that is read, and for too many cells.
    """
    from openpyxl.utils.cell import coordinate_to_tuple, range_boundaries

    notes, line, column, count = CellNotes(), 0, 0, 0
    with zipfile.ZipFile(path) as packed, packed.open(part.lstrip("/")) as source:
        # Expat refuses entities that grow without end.
        for event, element in ElementTree.iterparse(source, ("start", "end")):  # noqa: S314
            tag = element.tag.rpartition("}")[2]
            if event == "start":
                if tag == "row":
                    line, column = int(element.get("r", line + 1)), 0
                elif tag == "c":
                    count += 1
                    if count > MOST_CELLS:
                        raise too_costly()
                    where = element.get("r")
                    line, column = coordinate_to_tuple(where) if where else (line, column + 1)
            elif tag == "c":
                _note(notes, element, line, column)
            elif tag == "mergeCell":
                notes.merged.append(range_boundaries(element.attrib["ref"]))
            elif tag == "row":
                element.clear()
    return notes


def sheet_parts(path: Path) -> dict[str, str]:
    """The part of each sheet by its name, whichever standard the workbook is of."""
    with zipfile.ZipFile(path) as packed:
        with packed.open("xl/_rels/workbook.xml.rels") as part:
            relations = ElementTree.parse(part).getroot()  # noqa: S314 - Expat refuses entities that grow
        with packed.open("xl/workbook.xml") as part:
            workbook = ElementTree.parse(part).getroot()  # noqa: S314
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    parts = {}
    for sheet in workbook.findall(".//{*}sheet"):
        target = targets[next(value for key, value in sheet.attrib.items() if key.endswith("}id"))]
        parts[sheet.attrib["name"]] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return parts


def _note(notes: CellNotes, element: ElementTree.Element, line: int, column: int) -> None:
    kind, value = element.get("t"), element.findtext("{*}v")
    if column > MOST_COLUMNS and (value or element.find("{*}is") is not None):
        raise too_many_columns(line)
    if kind == "e":
        notes.refused[line, column] = error_value(cell_name(line, column), value or "?")
    elif element.find("{*}f") is not None and not value and kind != "str":
        notes.refused[line, column] = formula_without_value(cell_name(line, column))


def _value(cell: Any, refused: Refusal | None) -> CellValue:
    if refused is not None:
        return refused
    if isinstance(cell.value, str):
        return unescaped(cell.value)
    return cell.value  # type: ignore[no-any-return]


def unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text

"""What the XML of an OpenDocument sheet (.ods) holds beyond values: errors, formulas without a value, merged cells."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from runtime.refusal import Refusal
from runtime.sandbox import too_costly
from transfer.sheets import (
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_ROWS,
    CellNotes,
    cell_name,
    error_value,
    formula_without_value,
)

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
#: Of LibreOffice, which keeps an error as a text.
_CALC = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"


def cell_notes(path: Path, name: str) -> CellNotes:
    """Of the sheet that is called `name`. Raises Refusal for too many cells."""
    notes, line, count = CellNotes(), 1, 0
    for row in _rows(path, name):
        lines, column = int(row.get(f"{_TABLE}number-rows-repeated", 1)), 1
        for cell in row:
            if cell.tag not in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"):
                continue
            count += 1
            if count > MOST_CELLS:
                raise too_costly()
            columns = int(cell.get(f"{_TABLE}number-columns-repeated", 1))
            if (fault := _fault(cell)) is not None:
                for at_line in range(line, line + min(lines, MOST_ROWS)):
                    for at_column in range(column, min(column + columns, MOST_COLUMNS + 1)):
                        notes.refused[at_line, at_column] = fault(cell_name(at_line, at_column))
                if len(notes.refused) > MOST_CELLS:
                    raise too_costly()
            height, width = (int(cell.get(f"{_TABLE}number-{what}-spanned", 1)) for what in ("rows", "columns"))
            if height > 1 or width > 1:
                notes.merged.append((column, line, column + width - 1, line + height - 1))
            column += columns
        line += lines
    return notes


def _rows(path: Path, name: str) -> Iterator[ElementTree.Element]:
    is_inside = False
    with zipfile.ZipFile(path) as packed, packed.open("content.xml") as source:
        # Expat refuses entities that grow without end.
        for event, element in ElementTree.iterparse(source, ("start", "end")):  # noqa: S314
            if element.tag == f"{_TABLE}table":
                is_inside = event == "start" and element.get(f"{_TABLE}name") == name
            elif event == "end" and element.tag == f"{_TABLE}table-row":
                if is_inside:
                    yield element
                element.clear()


def _fault(cell: ElementTree.Element) -> Callable[[str], Refusal] | None:
    """What is to be said of a cell, by its name; None for a good one."""
    text = "".join(cell.itertext()).strip()
    is_error = cell.get(f"{_CALC}value-type") == "error"
    if cell.get(f"{_TABLE}formula") is not None and cell.get(f"{_OFFICE}value-type") is None:
        if not text:
            return formula_without_value
        is_error = True
    return (lambda name: error_value(name, text or "?")) if is_error else None

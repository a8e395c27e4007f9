"""What the records of a binary Excel sheet (.xlsb) hold beyond its values: errors and merged cells.

Each record ([MS-XLSB] 2.1.4) is a type and a length, both in groups of seven bits, and its content.
"""

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from runtime.sandbox import too_costly
from transfer.sheets import MOST_CELLS, CellNotes, cell_name, error_value

_ROW, _CELL_ERROR, _FORMULA_ERROR, _SHEET, _MERGED = 0, 3, 11, 156, 176
_CELLS = range(1, 12)
_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}


def cell_notes(path: Path, name: str) -> CellNotes:
    """Of the sheet that is called `name`. Raises Refusal for too many cells."""
    notes, line, count = CellNotes(), 0, 0
    with zipfile.ZipFile(path) as packed:
        part = _part_of(packed, name)
        for kind, content in _records(packed.read(part)):
            if kind == _ROW:
                line = int(struct.unpack_from("<I", content)[0]) + 1
            elif kind in _CELLS:
                count += 1
                if count > MOST_CELLS:
                    raise too_costly()
                if kind in (_CELL_ERROR, _FORMULA_ERROR):
                    column = int(struct.unpack_from("<I", content)[0]) + 1
                    notes.refused[line, column] = error_value(cell_name(line, column), _ERRORS.get(content[8], "?"))
            elif kind == _MERGED:
                top, bottom, left, right = struct.unpack_from("<4I", content)
                notes.merged.append((left + 1, top + 1, right + 1, bottom + 1))
    return notes


def _part_of(packed: zipfile.ZipFile, name: str) -> str:
    with packed.open("xl/_rels/workbook.bin.rels") as part:
        relations = ElementTree.parse(part).getroot()  # noqa: S314 - Expat refuses entities that grow
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    for kind, content in _records(packed.read("xl/workbook.bin")):
        if kind == _SHEET:
            relation, at = _text(content, 8)
            sheet, _ = _text(content, at)
            if sheet == name:
                target = targets[relation]
                return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise KeyError(name)


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        kind, at = _number(data, at, 2)
        length, at = _number(data, at, 4)
        yield kind, data[at : at + length]
        at += length


def _number(data: bytes, at: int, most_bytes: int) -> tuple[int, int]:
    number = 0
    for k in range(most_bytes):
        byte = data[at + k]
        number |= (byte & 0x7F) << 7 * k
        if not byte & 0x80:
            break
    return number, at + k + 1


def _text(content: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", content, at)
    end = at + 4 + 2 * length
    return content[at + 4 : end].decode("utf-16-le"), end

"""Table files as office programs write them, made by hand where no library writes them."""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence

import openpyxl

Rows = Sequence[Sequence[object]]
_TRANSITIONAL = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRICT = b"http://purl.oclc.org/ooxml/spreadsheetml/main"
_RELATIONS = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_RELATIONS = b"http://purl.oclc.org/ooxml/officeDocument/relationships"
_NAMESPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
)


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, part in parts.items():
            file.writestr(name, part)
    return made.getvalue()


def changed(content: bytes, *changes: tuple[str, Callable[[bytes], bytes]]) -> bytes:
    """A zip with some parts changed. A name ending in "*" means every part that begins so."""
    parts = {}
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        for name in file.namelist():
            part = file.read(name)
            for wanted, change in changes:
                if name == wanted or (wanted.endswith("*") and name.startswith(wanted[:-1])):
                    part = change(part)
            parts[name] = part
    return packed(parts)


def xlsx(*sheets: Rows) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"Trang {number}")
        for row in rows:
            sheet.append(list(row))
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def strict_xlsx(rows: Rows) -> bytes:
    return changed(
        xlsx(rows),
        ("*", lambda part: part.replace(_TRANSITIONAL, _STRICT).replace(_RELATIONS, _STRICT_RELATIONS)),
    )


def ods(*tables: str, manifest: str = "") -> bytes:
    """tables: see `ods_table`."""
    body = f"<office:document-content {_NAMESPACES}><office:body><office:spreadsheet>{''.join(tables)}"
    return packed(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "content.xml": f"{body}</office:spreadsheet></office:body></office:document-content>",
            "META-INF/manifest.xml": f"<manifest>{manifest}</manifest>",
        }
    )


def ods_table(name: str, rows: Sequence[Sequence[object]]) -> str:
    """A cell that is text beginning with "<" is taken as it is."""
    lines = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
    return f'<table:table table:name="{name}">{lines}</table:table>'


def _ods_cell(cell: object) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, int | float):
        return f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
    text = str(cell)
    return (
        text
        if text.startswith("<")
        else f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'
    )


def xlsb(rows: Rows, merged: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    """rows: texts, numbers, None, and b"\\x07" for an error of that code. merged: top, bottom, left, right, from 0."""
    cells = bytearray()
    for line, row in enumerate(rows):
        cells += _record(0, struct.pack("<IIHHBB", line, 0, 300, 0, 0, 0) + struct.pack("<I", 0))
        for column, cell in enumerate(row):
            head = struct.pack("<II", column, 0)
            if isinstance(cell, bytes):
                cells += _record(3, head + cell)
            elif isinstance(cell, str):
                cells += _record(6, head + _wide(cell))
            elif isinstance(cell, int | float):
                cells += _record(5, head + struct.pack("<d", cell))
    ranges = b"".join(_record(176, struct.pack("<4I", *one)) for one in merged)
    size = _record(148, struct.pack("<4I", 0, len(rows) - 1, 0, max(map(len, rows)) - 1))
    sheet = _record(129) + size + _record(145) + cells + _record(146) + ranges + _record(130)
    bundle = _record(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("Trang 1"))
    workbook = _record(131) + _record(143) + bundle + _record(144) + _record(132)
    relation = '<Relationship Id="rId1" Type="http://x/worksheet" Target="worksheets/sheet1.bin"/>'
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    return packed(
        {
            "[Content_Types].xml": "<Types/>",
            "xl/workbook.bin": workbook,
            "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{relations}">{relation}</Relationships>',
            "xl/worksheets/sheet1.bin": sheet,
        }
    )


def _record(kind: int, content: bytes = b"") -> bytes:
    return _number(kind) + _number(len(content)) + content


def _number(number: int) -> bytes:
    made = b""
    while True:
        number, seven = number >> 7, number & 0x7F
        made += bytes([seven | (0x80 if number else 0)])
        if not number:
            return made


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")

"""A table file as rows, whichever program wrote it: Excel, OpenDocument, a web page, or CSV in any encoding."""

import csv
import io
from pathlib import Path

from runtime.refusal import N_, Refusal
from transfer.file_kinds import FileKind, kind_of_path, no_table
from transfer.sheets import Sheet, SheetRow
from transfer.texts import FONTS, Encoding, decode, delimiter_of, detect
from transfer.vietnamese_fonts import Font, likely_font, to_unicode
from transfer.workbooks import Workbook, chosen_sheet

# Each reader is some megabytes and up to a second, for a file now and then.
# ruff: noqa: PLC0415


def read_sheet(path: Path, name: str, encoding: Encoding | None = None, number: int | None = None) -> Sheet:
    """Read one sheet of a file. name: as it was called. encoding: None to find out. number: index of the sheet, None
    for the first that has rows.

    Raises Refusal: of another kind, damaged, too large.
    """
    kind = kind_of_path(path)
    if kind is FileKind.TEXT:
        return _csv(path.read_bytes(), encoding)
    try:
        with _workbook(path, name, kind, encoding) as workbook:
            sheet = chosen_sheet(workbook, number)
    except (Refusal, MemoryError):
        raise
    except Exception as error:  # damaged bytes raise any error in the readers
        raise no_table(FileKind.LOCKED if "encrypted" in str(error).lower() else FileKind.DAMAGED, name) from error
    return sheet if kind is FileKind.HTML else _font_read(sheet, encoding)


def _workbook(path: Path, name: str, kind: FileKind, encoding: Encoding | None) -> Workbook:
    if kind is FileKind.HTML:
        from transfer.html_tables import WebPage

        return WebPage(path, encoding)
    if kind is FileKind.XLS:
        from transfer.old_excel_sheets import OldExcelWorkbook

        return OldExcelWorkbook(path)
    if kind not in (FileKind.XLSX, FileKind.XLSB, FileKind.ODS):
        raise no_table(kind, name)
    from transfer.excel_sheets import ExcelWorkbook, check_unpacked, is_strict

    check_unpacked(path)
    if kind is FileKind.XLSX and not is_strict(path):
        return ExcelWorkbook(path)
    from transfer.calamine_sheets import CalamineWorkbook

    return CalamineWorkbook(path, kind)


def _csv(content: bytes, encoding: Encoding | None) -> Sheet:
    chosen = encoding or detect(content)
    text = decode(content, chosen)
    delimiter = delimiter_of(text)
    sheet = Sheet([], chosen, delimiter)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
        for cells in reader:
            sheet.keep(reader.line_num, cells)
    except csv.Error as error:
        raise Refusal(
            N_(
                "Line {line} cannot be read: a quotation mark may be missing there. Correct it and save the file again."
            ),
            line=reader.line_num,
        ) from error
    return sheet


def _font_read(sheet: Sheet, encoding: Encoding | None) -> Sheet:
    """Spreadsheets are Unicode, but what was typed for an old font is not Vietnamese until it is read so."""
    if encoding is None:
        text = " ".join(cell for row in sheet.rows for cell in row.cells if isinstance(cell, str))
        font = likely_font(text[:200_000])
    else:
        font = FONTS.get(encoding, Font.UNICODE)
    sheet.rows = [
        SheetRow(r.line, [to_unicode(c, font) if isinstance(c, str) else c for c in r.cells]) for r in sheet.rows
    ]
    sheet.encoding = Encoding.UTF_8 if font is Font.UNICODE else Encoding(font.value)
    return sheet

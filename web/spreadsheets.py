"""Tables as files that office programs open: CSV and Excel. The only home of openpyxl."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

# openpyxl and the numpy that it brings are 20 MB, for a file now and then.
# ruff: noqa: PLC0415

Cell = str | int | float | datetime
#: An office program takes a text that begins so for a formula (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Where a program separates columns at these, what follows begins a cell of its own.
_FORMULA_AFTER_SEPARATOR = re.compile(r"([;|\t\n\r]\s*)(?=[=+\-@])")
_WIDEST, _NARROWEST = 60, 10


def csv_file(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """UTF-8 with a mark at the beginning, without which Excel reads Vietnamese wrongly. Times: local, no zone."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_plain(cell) for cell in row])
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def xlsx_file(title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """One sheet, its header bold and held in place; times are times, by the wall clock they are given in."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for number, name in enumerate(header):
        longest = max([len(name), *(len(str(_excel(row[number]))) for row in rows)])
        sheet.column_dimensions[chr(ord("A") + number)].width = min(_WIDEST, max(_NARROWEST, longest + 2))
    bold = []
    for name in header:
        cell = WriteOnlyCell(sheet, value=name)
        cell.font = Font(bold=True)
        bold.append(cell)
    sheet.append(bold)
    for row in rows:
        sheet.append([_typed(sheet, cell) for cell in row])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    if not isinstance(cell, str):
        return cell
    cell = _FORMULA_AFTER_SEPARATOR.sub(r"\1'", cell)
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _excel(cell: Cell) -> Cell:
    return cell.replace(tzinfo=None, microsecond=0) if isinstance(cell, datetime) else cell


def _typed(sheet: object, cell: Cell) -> object:
    if isinstance(cell, str):
        from openpyxl.cell import WriteOnlyCell

        # As text whatever it begins with: a cell of its own, or openpyxl would make a formula of it.
        made = WriteOnlyCell(sheet, value="")
        made.value, made.data_type = cell.translate(_UNPRINTABLE), "s"
        return made
    return _excel(cell)


#: What the format cannot hold.
_UNPRINTABLE = {code: None for code in range(32) if code not in (9, 10, 13)}

"""Tables as files that office programs open: CSV and Excel. The only home of openpyxl."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple

# openpyxl and the numpy that it brings are 20 MB, for a file now and then.
# ruff: noqa: PLC0415

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | float | date | None
#: An office program takes a text that begins so for a formula (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
#: Where a program separates columns at these, what follows begins a cell of its own.
_FORMULA_AFTER_SEPARATOR = re.compile(r"([;|\t\n\r]\s*)(?=[=+\-@])")
_WIDEST, _NARROWEST = 60, 10
#: Days first, whatever the language of the office program.
_DAY, _INSTANT = "dd/mm/yyyy", "dd/mm/yyyy hh:mm:ss"
#: What is filled in below the examples of a template.
_TEMPLATE_ROWS = 1000


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
        longest = max([len(name), *(len(str(_plain(row[number]))) for row in rows)])
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


class TemplateColumn(NamedTuple):
    """A column of a table to fill in. choices: offered in each of its cells. example: of a date it makes date cells.

    help: what to write there.
    """

    heading: str
    example: Cell = None
    choices: Sequence[str] = ()
    help: str = ""


def template_file(title: str, help_title: str, columns: Sequence[TemplateColumn]) -> bytes:
    """A table to fill in: headings, one example, lists to choose from; a second sheet explains the columns.

    Texts are text cells, so that a long number keeps its digits and a code its zeros.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    table, help_sheet, lists = book.active, book.create_sheet(help_title[:31]), book.create_sheet("_")
    table.title, table.freeze_panes, lists.sheet_state = title[:31], "A2", "hidden"
    for number, column in enumerate(columns, start=1):
        letter = get_column_letter(number)
        table.cell(1, number, column.heading).font = Font(bold=True)
        example = table.cell(2, number, column.example)
        example.number_format = _format(column.example)
        if isinstance(column.example, str):
            example.data_type = "s"
        table.column_dimensions[letter].number_format = _format(column.example)
        table.column_dimensions[letter].width = max(_NARROWEST, len(column.heading) + 2, len(str(column.example)) + 2)
        for line, choice in enumerate(column.choices, start=1):
            lists.cell(line, number, choice).data_type = "s"
        if column.choices:
            listed = f"_!${letter}$1:${letter}${len(column.choices)}"
            choice_list = DataValidation(type="list", formula1=listed, allow_blank=True, showErrorMessage=False)
            choice_list.add(f"{letter}2:{letter}{_TEMPLATE_ROWS}")
            table.add_data_validation(choice_list)
        help_sheet.append([column.heading, column.help])
    help_sheet.column_dimensions["A"].width, help_sheet.column_dimensions["B"].width = 30, _WIDEST
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _format(example: Cell) -> str:
    return _DAY if isinstance(example, date) else "General" if isinstance(example, int | float) else "@"


def _plain(cell: Cell) -> Cell:
    if isinstance(cell, datetime):
        return f"{cell:%d/%m/%Y %H:%M:%S}"
    if isinstance(cell, date):
        return f"{cell:%d/%m/%Y}"
    if not isinstance(cell, str):
        return cell
    cell = _FORMULA_AFTER_SEPARATOR.sub(r"\1'", cell)
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _typed(sheet: object, cell: Cell) -> object:
    from openpyxl.cell import WriteOnlyCell

    made = WriteOnlyCell(sheet, value="")
    if isinstance(cell, str):
        # As text whatever it begins with: a cell of its own, or openpyxl would make a formula of it.
        made.value, made.data_type = cell.translate(_UNPRINTABLE), "s"
    elif isinstance(cell, date):
        made.value = cell.replace(tzinfo=None, microsecond=0) if isinstance(cell, datetime) else cell
        made.number_format = _INSTANT if isinstance(cell, datetime) else _DAY
    else:
        made.value = cell
    return made


#: What the format cannot hold.
_UNPRINTABLE = {code: None for code in range(32) if code not in (9, 10, 13)}

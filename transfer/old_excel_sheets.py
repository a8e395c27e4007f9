"""Sheets of old Excel workbooks (.xls): the home of xlrd."""

import io
from pathlib import Path
from typing import Any

import xlrd

from runtime.refusal import N_, Refusal
from transfer.sheets import CellValue, Sheet, cell_name, error_value
from transfer.texts import Encoding
from transfer.workbooks import Workbook


class OldExcelWorkbook(Workbook):
    """The rows as long as they are, so that one cell far out costs nothing."""

    def __init__(self, path: Path) -> None:
        self._book = xlrd.open_workbook(
            str(path), io.StringIO(), on_demand=True, formatting_info=True, ragged_rows=True
        )
        everywhere = range(self._book.nsheets)
        self._numbers = [k for k in everywhere if self._book.sheet_by_index(k).visibility == 0] or list(everywhere)
        self.names = [self._book.sheet_names()[k] for k in self._numbers]

    def read(self, number: int) -> Sheet:
        source, sheet = self._book.sheet_by_index(self._numbers[number]), Sheet([], Encoding.UTF_8)
        for line in range(1, source.nrows + 1):
            cells = source.row(line - 1)
            sheet.keep(line, [_value(self._book, cell, line, k) for k, cell in enumerate(cells, start=1)])
            if sheet.has_ended(line):
                break
        sheet.spread((left + 1, top + 1, right, bottom) for top, bottom, left, right in source.merged_cells)
        return sheet

    def close(self) -> None:
        self._book.release_resources()


def _value(book: xlrd.Book, cell: Any, line: int, column: int) -> CellValue:
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return error_value(cell_name(line, column), xlrd.error_text_from_code.get(cell.value, "?"))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            if cell.value < 1:
                return xlrd.xldate_as_datetime(cell.value, book.datemode).time()  # type: ignore[no-any-return]
            return xlrd.xldate_as_datetime(cell.value, book.datemode)  # type: ignore[no-any-return]
        except (xlrd.xldate.XLDateError, ValueError, OverflowError):
            return Refusal(
                N_("{cell} holds no date that exists. Write it as 25/11/2026."), cell=cell_name(line, column)
            )
    return None if cell.value == "" else cell.value

"""Sheets of OpenDocument (.ods), binary (.xlsb) and strict (.xlsx) workbooks: the home of calamine.

It gives an empty text for an error and for a formula without a value, so these come of a pass over the sheet itself.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import python_calamine

from runtime.refusal import N_, Refusal
from runtime.sandbox import too_costly
from transfer import binary_sheets, open_document
from transfer.excel_sheets import cell_notes, sheet_parts, unescaped
from transfer.file_kinds import FileKind, no_table
from transfer.sheets import CellNotes, CellValue, Sheet, cell_name
from transfer.texts import Encoding
from transfer.workbooks import Workbook

_DAY = timedelta(days=1)
_MIDNIGHT = datetime(1900, 1, 1)  # noqa: DTZ001 - of a wall clock


class CalamineWorkbook(Workbook):
    """kind: ODS, XLSB, or XLSX for one of the strict standard."""

    def __init__(self, path: Path, kind: FileKind) -> None:
        self._path, self._kind = path, kind
        try:
            self._book = python_calamine.load_workbook(str(path))
        except python_calamine.PasswordError:
            raise no_table(FileKind.LOCKED, path.name) from None
        except python_calamine.CalamineError as error:
            raise _too_costly_or(error) from error
        visible = python_calamine.SheetVisibleEnum.Visible
        is_table = python_calamine.SheetTypeEnum.WorkSheet
        shown = [m.name for m in self._book.sheets_metadata if m.typ == is_table and m.visible == visible]
        self.names = shown or list(self._book.sheet_names)

    def read(self, number: int) -> Sheet:
        name, sheet = self.names[number], Sheet([], Encoding.UTF_8)
        notes = self._notes(name)
        try:
            source = self._book.get_sheet_by_name(name)
        except python_calamine.CalamineError as error:
            raise _too_costly_or(error) from error
        for line, cells in enumerate(source.iter_rows(), start=1):
            sheet.keep(
                line, [notes.refused.get((line, k)) or _value(cell, line, k) for k, cell in enumerate(cells, start=1)]
            )
            if sheet.has_ended(line):
                break
        sheet.spread(notes.merged)
        return sheet

    def close(self) -> None:
        self._book.close()

    def _notes(self, name: str) -> CellNotes:
        if self._kind is FileKind.XLSX:
            return cell_notes(self._path, sheet_parts(self._path)[name])
        readers = {FileKind.ODS: open_document.cell_notes, FileKind.XLSB: binary_sheets.cell_notes}
        return readers[self._kind](self._path, name)


def _too_costly_or(error: Exception) -> Exception:
    return too_costly() if "limit exceeded" in str(error) else error


def _value(cell: Any, line: int, column: int) -> CellValue:
    if isinstance(cell, str):
        return unescaped(cell)
    if isinstance(cell, timedelta):
        if timedelta(0) <= cell < _DAY:
            return (_MIDNIGHT + cell).time()
        return Refusal(N_("{cell} holds no time of day. Write it as 05:30."), cell=cell_name(line, column))
    return cell  # type: ignore[no-any-return]

"""Workbooks: a file with one or more sheets, of which one is read."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from types import TracebackType

from runtime.refusal import Refusal
from transfer.sheets import Sheet

#: Sheets that are tried for one with rows.
_MOST_TRIED = 5


class Workbook(ABC):
    """A file that is open. names: of the sheets that its program shows."""

    names: Sequence[str]

    @abstractmethod
    def read(self, number: int) -> Sheet:
        """The sheet at an index of `names`. Raises Refusal."""

    @abstractmethod
    def close(self) -> None:
        """Give up what is open."""

    def __enter__(self) -> "Workbook":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def chosen_sheet(workbook: Workbook, number: int | None) -> Sheet:
    """The sheet that was chosen; without a choice the first that has rows below its headings. Raises Refusal."""
    sheet = _tried(workbook) if number is None or number >= len(workbook.names) else _numbered(workbook, number)
    sheet.names = list(workbook.names)
    return sheet


def _tried(workbook: Workbook) -> Sheet:
    first: Sheet | Refusal | None = None
    for number in range(min(len(workbook.names), _MOST_TRIED)):
        try:
            sheet = _numbered(workbook, number)
        except Refusal as refusal:
            first = first or refusal
            continue
        if len(sheet.rows) > 1:
            return sheet
        first = first or sheet
    if isinstance(first, Sheet):
        return first
    raise first or IndexError("a workbook without sheets")


def _numbered(workbook: Workbook, number: int) -> Sheet:
    sheet = workbook.read(number)
    sheet.number = number
    return sheet

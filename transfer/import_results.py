"""What an import shows: the file as it was read, and what became of its rows."""

from collections import Counter
from dataclasses import dataclass, field

from transfer.rows import RowChange, RowOutcome
from transfer.sheets import Sheet, texts
from wire.credentials import Credentials


@dataclass(frozen=True)
class Preview:
    """A file as it was read. header: index of the row with the headings. columns: the chosen or guessed meaning."""

    sheet: Sheet
    header: int
    headings: list[str]
    columns: list[str]
    was_remembered: bool

    @property
    def examples(self) -> list[list[str]]:
        """The first rows below the headings, as text, one list a column."""
        rows = [list(texts(row.cells)) for row in self.sheet.rows[self.header + 1 : self.header + 4]]
        return [[row[k] for row in rows if k < len(row) and row[k]] for k in range(len(self.headings))]

    @property
    def count(self) -> int:
        return max(0, len(self.sheet.rows) - self.header - 1)


@dataclass(frozen=True)
class Result:
    """What became of the rows, or would. credentials, passwords: of new receivers and people, only when it is done."""

    outcomes: list[RowOutcome]
    credentials: list[Credentials] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    touched: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[RowChange, int]:
        counts = Counter(outcome.change for outcome in self.outcomes)
        return {change: counts.get(change, 0) for change in RowChange}

    @property
    def wrong(self) -> list[RowOutcome]:
        """Those that cannot be taken."""
        return [outcome for outcome in self.outcomes if outcome.change is RowChange.WRONG]

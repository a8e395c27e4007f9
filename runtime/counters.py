"""Numbers that only grow, counted in the database: never taken from a clock, which may be set back."""

import threading

from sqlalchemy import BigInteger
from sqlmodel import Field, Session, SQLModel

from runtime.database import Database

#: A number is reserved in the table before it is used; after a crash the rest of the block is left out.
BLOCK = 10_000
#: Earlier versions took command revisions from the clock, in µs since 1970. This is the year 2100, above all of them.
FIRST = 4_102_444_800_000_000


class Counter(SQLModel, table=True):
    """value: the last number that is reserved."""

    name: str = Field(primary_key=True)
    value: int = Field(sa_type=BigInteger)


class Counting:
    """One counter. Callable from any thread; a process that starts later counts above those before it."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name
        self._lock = threading.Lock()
        self._last = self._reserved = 0

    def __call__(self) -> int:
        with self._lock:
            if self._last >= self._reserved:
                with self._database.writing() as session:
                    self._last, self._reserved = self._reserve(session)
            self._last += 1
            return self._last

    def _reserve(self, session: Session) -> tuple[int, int]:
        row = session.get(Counter, self._name, with_for_update=True) or Counter(name=self._name, value=FIRST)
        before = row.value
        row.value += BLOCK
        session.add(row)
        return before, row.value

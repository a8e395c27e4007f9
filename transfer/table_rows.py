"""Rows of tables as lines of JSON, the same from SQLite and PostgreSQL, read and written as the tables themselves say.

A table's file: the first line names its columns, each further line is a row. Bytes stand as base64, instants as UTC.
"""

import base64
import gzip
import json
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, BinaryIO

import sqlalchemy
from sqlalchemy import Connection, MetaData, Select, Table

from transfer.age_file import DamagedFile
from transfer.archive import Readable

#: Rows that go to or from the database at once.
_AT_ONCE = 2000
_LONGEST_LINE = 64_000_000


def tables_of(connection: Connection) -> list[Table]:
    """Every table but Alembic's own, as the database describes them; what is referred to stands first."""
    described = MetaData()
    described.reflect(connection)
    return [table for table in described.sorted_tables if table.name != "alembic_version"]


def write_rows(connection: Connection, table: Table, rows: Select[Any], target: BinaryIO) -> int:
    """Write a table's file into `target`, packed. rows: which ones. Gives how many."""
    out = [_OUT.get(_kind(column), _plain) for column in table.columns]
    count = 0
    # mtime=0: the same rows make the same bytes.
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=3, mtime=0) as packed:
        packed.write(json.dumps([column.name for column in table.columns]).encode() + b"\n")
        for row in connection.execution_options(yield_per=_AT_ONCE).execute(rows):
            cells = [convert(cell) if cell is not None else None for convert, cell in zip(out, row, strict=True)]
            packed.write(json.dumps(cells, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
            count += 1
    return count


def read_rows(connection: Connection, table: Table, source: Readable) -> int:
    """Put a table's file into an empty table. Gives the number of rows. Raises DamagedFile for what is no such file."""
    lines = _lines(source)
    names = next(lines, None)
    columns = {column.name: column for column in table.columns}
    if not isinstance(names, list) or set(names) != set(columns):
        raise DamagedFile(cut_short=False)
    into = [(name, _IN.get(_kind(columns[name]), _plain)) for name in names]
    waiting: list[dict[str, Any]] = []
    count = 0
    for line in lines:
        if not isinstance(line, list) or len(line) != len(into):
            raise DamagedFile(cut_short=False)
        waiting.append(_row(into, line))
        count += 1
        if len(waiting) == _AT_ONCE:
            connection.execute(table.insert(), waiting)
            waiting = []
    if waiting:
        connection.execute(table.insert(), waiting)
    return count


def count_on(connection: Connection, tables: Sequence[Table]) -> None:
    """Let PostgreSQL number new rows after those that were put in; SQLite does so by itself."""
    if connection.dialect.name == "sqlite":
        return
    for table in tables:
        for column in table.primary_key.columns:
            if isinstance(column.type, sqlalchemy.Integer) and len(table.primary_key.columns) == 1:
                most = sqlalchemy.func.coalesce(sqlalchemy.func.max(column), 0) + 1
                sequence = sqlalchemy.func.pg_get_serial_sequence(f'"{table.name}"', column.name)
                connection.execute(sqlalchemy.select(sqlalchemy.func.setval(sequence, most, False)))


def _lines(source: Readable) -> Iterator[Any]:
    try:
        with gzip.GzipFile(fileobj=source, mode="rb") as unpacked:  # type: ignore[call-overload]
            while line := unpacked.readline(_LONGEST_LINE):
                yield json.loads(line)
    except (OSError, EOFError, ValueError, RecursionError) as error:
        raise DamagedFile(cut_short=isinstance(error, EOFError)) from error


def _row(into: Sequence[tuple[str, Callable[[Any], Any]]], line: Sequence[Any]) -> dict[str, Any]:
    try:
        return {
            name: convert(cell) if cell is not None else None for (name, convert), cell in zip(into, line, strict=True)
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise DamagedFile(cut_short=False) from error


def _kind(column: sqlalchemy.Column[Any]) -> type:
    for kind in _IN:
        if isinstance(column.type, kind):
            return kind
    return object


def _plain(cell: Any) -> Any:
    return cell


def _instant_out(cell: datetime) -> str:
    return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def _float_out(cell: float) -> float | str:
    return cell if math.isfinite(cell) else str(cell)


_OUT: dict[type, Callable[[Any], Any]] = {
    sqlalchemy.DateTime: _instant_out,
    sqlalchemy.LargeBinary: lambda cell: base64.b64encode(cell).decode(),
    sqlalchemy.Float: _float_out,
    sqlalchemy.Date: date.isoformat,
    sqlalchemy.Time: time.isoformat,
}
_IN: dict[type, Callable[[Any], Any]] = {
    # SQLite keeps instants as UTC without a zone, and SQLAlchemy writes the digits alone there.
    sqlalchemy.DateTime: datetime.fromisoformat,
    sqlalchemy.LargeBinary: base64.b64decode,
    sqlalchemy.Float: float,
    sqlalchemy.Date: date.fromisoformat,
    sqlalchemy.Time: time.fromisoformat,
}

"""Ledger: row changes as data, computed first, written at once, and stored so that they can be reverted.

A rehearsal computes the same ledger as the merger and discards it.
"""

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from runtime.database import UtcDateTime

Key = tuple[Any, ...]


class LedgerEntry(msgspec.Struct, frozen=True):
    """The change of one row. key: its primary key. before, after: values by column; None: the row does not exist."""

    table: str
    key: list[Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Ledger:
    """Changes to be written. `get` reads a value as it will be."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, Key], SQLModel] = {}
        self._changed: dict[tuple[str, Key], dict[str, Any]] = {}
        self._new: dict[tuple[str, Key], SQLModel] = {}
        self._gone: dict[tuple[str, Key], SQLModel] = {}

    def set(self, row: SQLModel, **values: Any) -> None:
        """Change values of a row; equal values are no change."""
        name = _name(row)
        if name in self._new:
            for column, value in values.items():
                setattr(row, column, value)
            return
        changed = self._changed.setdefault(name, {})
        self._rows[name] = row
        for column, value in values.items():
            if getattr(row, column) == value:
                changed.pop(column, None)
            else:
                changed[column] = value

    def get(self, row: SQLModel, column: str) -> Any:
        """A row's value after the change."""
        return self._changed.get(_name(row), {}).get(column, getattr(row, column))

    def changed(self, row: SQLModel) -> Mapping[str, Any]:
        return self._changed.get(_name(row), {})

    def add(self, row: SQLModel) -> None:
        """Add a row whose key is known. A row of this key that was to be removed stays, with the new values."""
        stays = self._gone.pop(_name(row), None)
        if stays is not None:
            self.set(stays, **row.model_dump())
        else:
            self._new[_name(row)] = row

    def remove(self, row: SQLModel) -> None:
        if self._new.pop(_name(row), None) is None:
            self._gone[_name(row)] = row

    def new(self, kind: type[SQLModel]) -> list[Any]:
        return [row for row in self._new.values() if isinstance(row, kind)]

    def gone(self, row: SQLModel) -> bool:
        return _name(row) in self._gone

    def write(self, session: Session) -> list[LedgerEntry]:
        """Write the changes and return them. Rows in the session keep their old values until expired."""
        entries = []
        for rows, before in ((self._new, False), (self._gone, True)):
            for (name_of, key), row in rows.items():
                values = {str(c.name): _plain(getattr(row, _attribute(row, c))) for c in _table(row).columns}
                entries.append(LedgerEntry(name_of, list(key), values if before else None, None if before else values))
        # Inserts first, since other rows will refer to them; deletes last, referring tables before the referred.
        tables = list(SQLModel.metadata.sorted_tables)
        for table in tables:
            new = [row for (name, _), row in self._new.items() if name == table.name]
            if new:
                values_of = [{str(c.name): getattr(row, _attribute(row, c)) for c in table.columns} for row in new]
                session.connection().execute(sa.insert(table), values_of)
        groups: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
        for name, values in self._changed.items():
            row = self._rows[name]
            columns = {_column(row, attribute): value for attribute, value in values.items()}
            if columns:
                before_values = {_column(row, a): _plain(getattr(row, a)) for a in values}
                after_values = {column: _plain(value) for column, value in columns.items()}
                entries.append(LedgerEntry(name[0], list(name[1]), before_values, after_values))
                groups[name[0], tuple(sorted(columns))].append(
                    {
                        **{f"key_{n}": part for n, part in enumerate(name[1])},
                        **{f"new_{c}": v for c, v in columns.items()},
                    }
                )
        for (name_of, columns_of), rows_of in groups.items():
            update_many(session, name_of, columns_of, rows_of)
        for table in reversed(tables):
            gone = [key for name, key in self._gone if name == table.name]
            if gone:
                where = [k == sa.bindparam(f"key_{n}") for n, k in enumerate(table.primary_key.columns)]
                rows_gone = [{f"key_{n}": part for n, part in enumerate(key)} for key in gone]
                session.connection().execute(sa.delete(table).where(*where), rows_gone)
        return entries


def update_many(session: Session, table: str, columns: Iterable[str], rows: list[dict[str, Any]]) -> None:
    """Update rows of a table by primary key. rows: key_0, …, and new_COLUMN for each column."""
    target = SQLModel.metadata.tables[table]
    keys = list(target.primary_key.columns)
    statement = sa.update(target).where(*(k == sa.bindparam(f"key_{n}") for n, k in enumerate(keys)))
    session.connection().execute(statement.values({c: sa.bindparam(f"new_{c}") for c in columns}), rows)


def value_of(table: str, column: str, plain: Any) -> Any:
    """A journal value as the type that the column takes."""
    kind = SQLModel.metadata.tables[table].columns[column].type
    if plain is None:
        return None
    if isinstance(kind, sa.LargeBinary):
        return base64.b64decode(plain)
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return kind.enum_class(plain)
    return datetime.fromisoformat(plain) if isinstance(kind, UtcDateTime) else plain


def row_table(row: SQLModel) -> str:
    return _name(row)[0]


def row_key(row: SQLModel) -> Key:
    return _name(row)[1]


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if hasattr(value, "value") else value


def _table(row: SQLModel) -> sa.Table:
    table: sa.Table = type(row).__table__  # type: ignore[attr-defined]
    return table


def _name(row: SQLModel) -> tuple[str, Key]:
    mapper = sa.inspect(type(row))
    return str(_table(row).name), tuple(getattr(row, mapper.get_property_by_column(c).key) for c in mapper.primary_key)


def _attribute(row: SQLModel, column: sa.Column[Any]) -> str:
    return str(sa.inspect(type(row)).get_property_by_column(column).key)


def _column(row: SQLModel, attribute: str) -> str:
    return str(sa.inspect(type(row)).columns[attribute].name)

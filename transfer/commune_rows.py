"""Which rows belong to one commune: followed along the references between tables."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select, Table

#: Columns that refer without a foreign key, since history stays when what it is about goes. The first counts.
_BY_NAME = (("commune_id", "commune"), ("broadcast_id", "broadcast"), ("receiver_id", "receiver"))


def rows_of(tables: Sequence[Table], commune_id: str | None) -> dict[str, Select[Any]]:
    """For each table the query of what belongs to a commune; of everything for None.

    A row belongs when everything that it refers to by foreign keys belongs; a table without any is followed by the
    names of its columns. A table that leads to no commune, however far, belongs to none.

    tables: what is referred to stands first.
    """
    if commune_id is None:
        return {table.name: sqlalchemy.select(table) for table in tables}
    known = {table.name: table for table in tables}
    chosen: dict[str, Select[Any]] = {}
    # Without foreign keys a table may stand before what its columns name: it comes last.
    for table in sorted(tables, key=lambda t: not t.foreign_keys and t.name != "commune"):
        if table.name == "commune":
            test: ColumnElement[bool] = table.c.id == commune_id
        elif table.foreign_keys:
            test = _by_keys(table, known, chosen)
        else:
            test = _by_name(table, known, chosen)
        chosen[table.name] = sqlalchemy.select(table).where(test)
    return chosen


def _by_keys(table: Table, known: dict[str, Table], chosen: dict[str, Select[Any]]) -> ColumnElement[bool]:
    inside, tests = [], []
    for key in table.foreign_keys:
        column, to = key.parent, key.column
        if to.table.name == table.name or to.table.name not in chosen:
            continue
        belongs = column.in_(chosen[to.table.name].with_only_columns(known[to.table.name].c[to.name]))
        inside.append(belongs)
        # What names no commune is of all of them: an administrator, say.
        empty_is_fine = column.nullable and column.name != "commune_id"
        tests.append(sqlalchemy.or_(column.is_(None), belongs) if empty_is_fine else belongs)
    return sqlalchemy.and_(sqlalchemy.or_(sqlalchemy.false(), *inside), *tests)


def _by_name(table: Table, known: dict[str, Table], chosen: dict[str, Select[Any]]) -> ColumnElement[bool]:
    for name, to in _BY_NAME:
        if name in table.columns and to in chosen:
            return table.c[name].in_(chosen[to].with_only_columns(known[to].c.id))
    return sqlalchemy.false()

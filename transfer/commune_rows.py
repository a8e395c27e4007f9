"""Which rows belong to one commune: followed along the references between tables."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select, Table

#: Columns that refer without a foreign key, since history stays when what it is about goes. The first counts.
_BY_NAME = (("commune_id", "commune"), ("broadcast_id", "broadcast"), ("receiver_id", "receiver"))
#: What leads to no commune, but is of one when one refers to it: table → by which column of which table.
_REFERRED = {"province": ("commune", "id", "province_id"), "operator": ("operatorcommune", "commune_id", "operator_id")}


def rows_of(tables: Sequence[Table], commune_id: str | None) -> dict[str, Select[Any]]:
    """For each table the query of what belongs to a commune; of everything for None.

    A row belongs when everything that it refers to by foreign keys belongs; a table without any is followed by the
    names of its columns. A table that leads to no commune, however far, belongs to none. With a commune come those that
    became a part of it, for their history.

    tables: what is referred to stands first.
    """
    if commune_id is None:
        return {table.name: sqlalchemy.select(table) for table in tables}
    table_named = {table.name: table for table in tables}
    chosen: dict[str, Select[Any]] = {}
    # Without foreign keys a table may stand before what its columns name: it comes last.
    for table in sorted(tables, key=lambda t: not t.foreign_keys and t.name not in ("commune", *_REFERRED)):
        if table.name == "commune":
            test = _itself_and_its_parts(table_named, commune_id)
        elif table.name in _REFERRED:
            test = _referred(table, table_named, chosen, commune_id)
        elif table.foreign_keys:
            test = _by_keys(table, table_named, chosen)
        else:
            test = _by_name(table, table_named, chosen)
        chosen[table.name] = sqlalchemy.select(table).where(test)
    return chosen


def _itself_and_its_parts(table_named: dict[str, Table], commune_id: str) -> ColumnElement[bool]:
    commune, succession = table_named["commune"].c, table_named.get("communesuccession")
    if succession is None or "retired_at" not in commune:
        return commune.id == commune_id
    formers = sqlalchemy.select(succession.c.former_id).where(succession.c.successor_id == commune_id)
    return sqlalchemy.or_(
        commune.id == commune_id, sqlalchemy.and_(commune.retired_at.is_not(None), commune.id.in_(formers))
    )


def _referred(
    table: Table, table_named: dict[str, Table], chosen: dict[str, Select[Any]], commune_id: str
) -> ColumnElement[bool]:
    by, of, column = _REFERRED[table.name]
    if by not in table_named or column not in table_named[by].c:  # tables of an older version
        return _by_keys(table, table_named, chosen)
    mine = table_named[by].c
    inside = table.c.id.in_(sqlalchemy.select(mine[column]).where(mine[of] == commune_id))
    return sqlalchemy.and_(inside, *_all_inside(table, table_named, chosen)[1])


def _by_keys(table: Table, table_named: dict[str, Table], chosen: dict[str, Select[Any]]) -> ColumnElement[bool]:
    some, every = _all_inside(table, table_named, chosen)
    return sqlalchemy.and_(sqlalchemy.or_(sqlalchemy.false(), *some), *every)


def _all_inside(
    table: Table, table_named: dict[str, Table], chosen: dict[str, Select[Any]]
) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """For each foreign key whether it leads inside, and whether it leads nowhere else."""
    some: list[ColumnElement[bool]] = []
    every: list[ColumnElement[bool]] = []
    for key in table.foreign_keys:
        column, to = key.parent, key.column
        if to.table.name == table.name or to.table.name not in chosen:
            continue
        belongs = column.in_(chosen[to.table.name].with_only_columns(table_named[to.table.name].c[to.name]))
        some.append(belongs)
        # What names no commune is of all of them: an administrator, say.
        empty_is_fine = column.nullable and column.name != "commune_id"
        every.append(sqlalchemy.or_(column.is_(None), belongs) if empty_is_fine else belongs)
    return some, every


def _by_name(table: Table, table_named: dict[str, Table], chosen: dict[str, Select[Any]]) -> ColumnElement[bool]:
    for name, to in _BY_NAME:
        if name in table.columns and to in chosen:
            return table.c[name].in_(chosen[to].with_only_columns(table_named[to].c.id))
    return sqlalchemy.false()

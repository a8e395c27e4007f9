"""A copy in memory of what an import reads and changes: a rehearsal on it takes no lock that other writers wait for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import Select
from sqlmodel import SQLModel

from runtime.database import Database

#: Copied whole: ids and names in them are unique over all communes, or are referred to by such.
_WHOLE = ("province", "commune", "operator", "operatorcommune", "station", "zone", "receiver", "zonemember")
_OF_THE_COMMUNE = ("external_id", "clip", "programme", "noiserules", "schedule")
#: Tables of which only the rows are copied that refer to a copied one: by which column, to which table.
_BELOW = {"cliprendition": ("clip_id", "clip"), "programmeitem": ("programme_id", "programme")}
_ROWS_AT_ONCE = 2000


@contextmanager
def rehearsal_copy(database: Database, commune_id: str) -> Iterator[Database]:
    """All tables, with the rows of a commune that an import needs. Gone at the end."""
    copy = Database("sqlite:///:memory:")
    tables = SQLModel.metadata.tables
    try:
        with copy.engine.connect() as target, database.session() as session:
            target.exec_driver_sql("PRAGMA foreign_keys=OFF")  # not all that is referred to is copied
            target.rollback()
            SQLModel.metadata.create_all(target)
            for name in (*_WHOLE, *_OF_THE_COMMUNE, *_BELOW):
                found = session.connection().execute(_rows(name, commune_id)).mappings()
                for rows in found.partitions(_ROWS_AT_ONCE):
                    target.execute(tables[name].insert(), [dict(row) for row in rows])
            target.commit()
        yield copy
    finally:
        copy.close()


def _rows(name: str, commune_id: str) -> Select[Any]:
    tables = SQLModel.metadata.tables
    query = sqlalchemy.select(tables[name])
    if name in _OF_THE_COMMUNE:
        query = query.where(tables[name].c.commune_id == commune_id)
    if name in _BELOW:
        column, above = _BELOW[name]
        mine = sqlalchemy.select(tables[above].c.id).where(tables[above].c.commune_id == commune_id)
        query = query.where(tables[name].c[column].in_(mine))
    return query

"""Sums of hashes of rows by commune: equal ones mean that nothing which the queries read has changed.

They are compared every few seconds for all communes, so columns are read in a fixed number of queries, and no row in
any order. They differ from process to process: keep them in memory only.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy
from sqlalchemy import Select
from sqlmodel import Session

_MASK = 2**64 - 1


def row_sums(session: Session, queries: Iterable[Select[Any]]) -> dict[str, int]:
    """By commune id: the first column of each query. Communes without any row are missing."""
    sums: dict[str, int] = defaultdict(int)
    for number, query in enumerate(queries):
        for row in session.connection().execute(query):  # half the time of rows through the session
            # A sum: the order of the rows does not matter.
            sums[row[0]] = (sums[row[0]] + hash((number, *row))) & _MASK
    return sums


def columns_of(table: type, *names: str, owner: type | None = None) -> Select[Any]:
    """owner: the table whose commune_id comes first, where the rows themselves have none."""
    listed = [getattr(table, name) for name in names]
    if owner is None:
        return sqlalchemy.select(*listed)
    return sqlalchemy.select(getattr(owner, "commune_id"), *listed).select_from(table)  # noqa: B009 - any type

"""A table's rows come back as they were, whatever stands in their cells."""

import io
import math
from datetime import date, datetime, time

import pytest
import sqlalchemy as sa

from transfer.age_file import DamagedFile
from transfer.table_rows import count_on, read_rows, tables_of, write_rows


def described() -> sa.MetaData:
    made = sa.MetaData()
    sa.Table(
        "sample",
        made,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("words", sa.String),
        sa.Column("bytes", sa.LargeBinary),
        sa.Column("at", sa.DateTime),
        sa.Column("day", sa.Date),
        sa.Column("clock", sa.Time),
        sa.Column("level", sa.Float),
        sa.Column("many", sa.BigInteger),
        sa.Column("ok", sa.Boolean),
        sa.Column("about", sa.JSON),
    )
    return made


ROWS = [
    (
        1,
        "Cộng hòa\n\"'\\ \u2028",
        bytes(range(256)),
        datetime(2026, 11, 25, 3, 4, 5, 678901),  # noqa: DTZ001 - a naive one, as a table may hold
        date(2026, 2, 28),
        time(5, 30),
        -math.inf,
        2**60,
        True,
        {"vi": ["ố", None]},
    ),
    (2, "", b"", None, None, None, 0.1 + 0.2, -1, False, None),
    (3, None, None, datetime(1970, 1, 1), None, None, None, None, None, []),  # noqa: DTZ001
]


def test_every_kind_of_cell_comes_back() -> None:
    one, other = sa.create_engine("sqlite://"), sa.create_engine("sqlite://")
    for engine in (one, other):
        described().create_all(engine)
    with one.connect() as source, other.connect() as target:
        table = described().tables["sample"]
        source.execute(table.insert(), [dict(zip(table.c.keys(), row, strict=True)) for row in ROWS])
        (reflected,) = tables_of(source)
        written = io.BytesIO()
        assert write_rows(source, reflected, sa.select(reflected), written) == 3
        written.seek(0)
        assert read_rows(target, tables_of(target)[0], written) == 3
        count_on(target, tables_of(target))
        assert [tuple(row) for row in target.execute(sa.select(table).order_by(table.c.id))] == ROWS


@pytest.mark.parametrize("content", [b"", b"no gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\3"])
def test_what_is_no_table_is_broken(content: bytes) -> None:
    engine = sa.create_engine("sqlite://")
    described().create_all(engine)
    with engine.connect() as connection, pytest.raises(DamagedFile):
        read_rows(connection, tables_of(connection)[0], io.BytesIO(content))

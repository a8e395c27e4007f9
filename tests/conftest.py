"""What many tests stand on: a clock turned by hand, an empty database, a broker."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlmodel import SQLModel

from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import MORNING
from tests.fakes.broker import FakeBroker
from tests.postgres import running_postgres


@pytest.fixture
def clock() -> ManualClock:
    """Tuesday 24 November 2026, 05:00 in Vietnam."""
    return ManualClock(MORNING)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite with all tables of the modules that the test imported."""
    opened = Database(f"sqlite:///{tmp_path / 'test.db'}")
    SQLModel.metadata.create_all(opened.engine)
    yield opened
    opened.close()


@pytest.fixture
def broker() -> FakeBroker:
    """A broker in memory."""
    return FakeBroker()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL of our own on a free port; gives its URL."""
    # Not below pytest's own folder: another run of pytest shuts that to all but its user.
    with TemporaryDirectory(prefix="loa-postgres-") as folder, running_postgres(Path(folder).resolve()) as url:
        yield url


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[Database]:
    """An empty database in that PostgreSQL, with all tables."""
    opened = Database(postgres_server)
    with opened.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    SQLModel.metadata.create_all(opened.engine)
    yield opened
    opened.close()

"""What many tests stand on: a clock turned by hand, an empty database, a broker."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import expect
from sqlmodel import SQLModel

from people import passwords
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import MORNING
from tests.empty_database import empty_database
from tests.fakes.broker import FakeBroker
from tests.postgres import running_postgres

#: As the controller hashes; what the tests hash with takes a hundredth of the time and is no weaker to test.
PASSWORD_HASHER = passwords._hasher

# A page is waited for as long as the processors are busy with other tests: what a test expects comes, or never.
expect.set_options(timeout=20_000)


@pytest.fixture(autouse=True, scope="session")
def quick_password_hashes() -> Iterator[None]:
    """Hashes of least cost: one of the controller's takes 100 ms and 64 MiB, and most tests sign in."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_hasher", "_quick_hasher"):
            patch.setattr(passwords, name, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def clock() -> ManualClock:
    """Tuesday 24 November 2026, 05:00 in Vietnam."""
    return ManualClock(MORNING)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An empty SQLite with all tables of the modules that the test imported."""
    opened = empty_database(tmp_path / "test.db")
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

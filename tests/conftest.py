"""What many tests stand on: a clock turned by hand, an empty database, a broker."""

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import MORNING
from tests.fakes.broker import FakeBroker


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


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real PostgreSQL of our own on a free port; gives its URL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert found, "PostgreSQL is not installed: run scripts/setup --tests"
    binaries = found[-1]
    folder = Path(tmp_path_factory.mktemp("postgres")).resolve()
    user = []
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        account = pwd.getpwnam("postgres")
        for parent in [folder, *folder.parents][:4]:
            if parent.stat().st_uid == 0 and parent != Path("/tmp"):  # noqa: S108
                parent.chmod(0o755)
        os.chown(folder, account.pw_uid, account.pw_gid)
        user = [shutil.which("setpriv") or "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    data, port = folder / "data", free_port()
    subprocess.run(
        [*user, str(binaries / "initdb"), "-D", str(data), "-U", "loa", "-A", "trust", "--no-sync", "-E", "UTF8"],
        check=True, capture_output=True, cwd=folder,
    )  # fmt: skip
    control = [*user, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
    subprocess.run(
        [*control, "-l", str(folder / "log"), "-o", options, "start"], check=True, capture_output=True, cwd=folder
    )
    yield f"postgresql://loa@127.0.0.1:{port}/postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, cwd=folder)


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

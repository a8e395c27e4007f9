"""Set-ups that the demo does not have: PostgreSQL, a receiver added on the command line, a port in use."""

import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.child_processes import ChildProcess
from demo.operator_tasks import wait_for
from devices.communes import add_commune
from devices.presence_states import PresenceState
from loa.schema import open_database
from runtime.database import Database
from runtime.mosquitto import free_port, hash_password
from runtime.settings import load_settings


class Alone:
    """A controller in a folder, without a demo's commune."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        self.http_port, self.broker_port = free_port(), free_port()
        arguments = ["serve", "--data", str(folder / "data"), "--http-port", str(self.http_port)]
        self.child = ChildProcess(
            "controller", [*arguments, "--broker-port", str(self.broker_port), *more], folder / "controller.log"
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.child.start()
        wait_for("the controller", self.answers, 30)

    def answers(self) -> bool:
        assert self.child.running, self.child.ending()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/health", timeout=2) as answer:
                return b'"broker":true' in answer.read()
        except OSError:
            return False


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Alone]:
    made = Alone(tmp_path)
    yield made
    made.child.stop()


def loa(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loa", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_administrators_password_is_renewed_on_the_command_line(tmp_path: Path) -> None:
    said = [loa("operator", "--data", str(tmp_path)).stdout for _ in range(2)]
    assert all(re.search(r"admin: \w{4}-\w{4}-\w{4}-\w{4}   \(one time only\)", line) for line in said)
    assert said[0] != said[1]


def test_a_receiver_added_from_the_command_line_is_heard_within_seconds(alone: Alone) -> None:
    alone.start()
    data, credentials = alone.folder / "data", alone.folder / "thon-9.json"
    database = open_database(load_settings(data_dir=data))
    with database.writing() as session:
        add_commune(session, "tt", "Thiệu Trung")
    adding = [sys.executable, "-m", "loa", "receiver", "add", "thon-9", "--commune", "tt"]
    settings = {"LOA_BROKER_PORT": str(alone.broker_port), "PATH": "/usr/bin:/bin"}
    added = subprocess.run(
        [*adding, "--data", str(data), "--out", str(credentials)],
        capture_output=True,
        text=True,
        check=False,
        env=settings,
    )
    assert added.returncode == 0, added.stderr
    assert credentials.stat().st_mode & 0o077 == 0
    again = loa("receiver", "add", "thon-9", "--commune", "tt", "--data", str(data), "--out", str(credentials))
    assert "is there already" in again.stderr
    running = ["receiver", "run", "--credentials", str(credentials), "--data", str(alone.folder / "r")]
    receiver = ChildProcess("thon-9", [*running, "--speaker", f"virtual:{alone.folder}/v"], alone.folder / "r.log")
    receiver.start()
    try:
        wait_for("the receiver online", lambda: state_of(database, "thon-9") == PresenceState.ONLINE, 40)
    finally:
        receiver.stop()
        database.close()


def test_the_controller_runs_on_postgresql(tmp_path: Path, postgres_server: str) -> None:
    empty = Database(postgres_server)
    with empty.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    empty.close()
    alone = Alone(tmp_path, "--database-url", postgres_server)
    try:
        alone.start()
        assert "one-time password" in alone.child.log.read_text()
        assert not (tmp_path / "data" / "loa.db").exists()
    finally:
        alone.child.stop()


def test_an_external_broker_by_its_url_is_used_instead_of_our_own(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "accounts").write_text(f"loa:{hash_password('geheim')}\n")
    configuration = f"listener {port} 127.0.0.1\npassword_file {tmp_path / 'accounts'}\nallow_anonymous false\n"
    configuration += f"user {getpass.getuser()}\n"
    (tmp_path / "outside.conf").write_text(configuration)
    program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") or ""
    outside = subprocess.Popen([program, "-c", str(tmp_path / "outside.conf")])
    alone = Alone(tmp_path, "--broker-url", f"mqtt://loa:geheim@127.0.0.1:{port}")
    try:
        alone.start()
        assert not (tmp_path / "data" / "broker").exists()
        assert "geheim" not in alone.child.log.read_text()
    finally:
        alone.child.stop()
        outside.terminate()
        outside.wait(10)


def test_a_port_that_is_taken_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = loa("serve", "--data", str(tmp_path), "--http-port", str(free_port()), "--broker-port", port)
    assert ended.returncode == 1
    assert f"port {port}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_broker_open_to_the_world_without_encryption_is_refused(tmp_path: Path) -> None:
    everywhere = "0.0.0.0"  # noqa: S104 - it is refused
    ended = loa("serve", "--data", str(tmp_path), "--broker-host", everywhere, "--broker-port", str(free_port()))
    assert ended.returncode == 1
    assert "LOA_BROKER_TLS_CERTIFICATE" in ended.stderr


def state_of(database: Database, receiver: str) -> str:
    """The last state that was written down."""
    with database.session() as session:
        row = session.connection().exec_driver_sql(
            "SELECT state FROM presencechange WHERE receiver_id = ? ORDER BY id DESC", (receiver,)
        )
        found = row.first()
    return found[0] if found else ""

"""A controller whose machine's clock is set while it runs (libfaketime below the real process)."""

import sqlite3
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import time as TimeOfDay
from datetime import timedelta
from pathlib import Path

import pytest

from demo.child_processes import ChildProcess
from loa.installation import installation_secrets
from loa.schema import open_database
from runtime.clock import ControllerClock, ManualClock
from runtime.mosquitto import free_port
from runtime.settings import load_settings
from schedules.recurrence import Repeat, Rule
from schedules.timetable import add_schedule
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE
from wire.broadcasts import BroadcastClass

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
#: A step is believed after 10 s; a busy machine starts slowly.
WITHIN_S = 90.0


class Machine:
    """A controller with one schedule a day, on a machine whose clock is a file."""

    def __init__(self, folder: Path) -> None:
        self.settings = load_settings(data_dir=folder / "data", http_port=free_port(), broker_port=free_port())
        self._clock_file = folder / "clock"
        database = open_database(self.settings)
        installation_secrets(self.settings, database)  # before there are receivers: later a missing key is refused
        self.studio = Studio(ManualClock(ControllerClock().now()), database)
        self.add_schedule(TimeOfDay(5))
        database.close()
        arguments = ["serve", "--data", str(self.settings.data_dir), "--http-port", str(self.settings.http_port)]
        arguments += ["--broker-port", str(self.settings.broker_port)]
        self.child = ChildProcess("controller", arguments, folder / "controller.log")

    def add_schedule(self, at: TimeOfDay) -> None:
        """As another process would: no controller is told."""
        with self.studio.database.writing() as session:
            add_schedule(
                session,
                COMMUNE,
                programme_id=self.studio.programme,
                rule=Rule(repeat=Repeat.DAILY, times=[at], from_day=self.studio.now().date() - timedelta(days=2)),
                targets=ALL,
                class_=BroadcastClass.NORMAL,
                now=self.studio.now(),
                by="lan",
            )

    def start(self, clock: str) -> None:
        """clock: as libfaketime reads it."""
        self.set(clock)
        self.child.start(
            {
                "LD_PRELOAD": str(LIBRARY),
                "FAKETIME_TIMESTAMP_FILE": str(self._clock_file),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        )
        self.wait_for("an answer", self.answers)

    def set(self, clock: str) -> None:
        self._clock_file.write_text(clock + "\n")

    def answers(self) -> bool:
        assert self.child.running, self.child.ending()
        try:
            with urllib.request.urlopen(f"{self.settings.base_url}/health", timeout=2) as answer:  # noqa: S310
                return b'"broker":true' in answer.read()
        except OSError:
            return False

    def wait_for(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + WITHIN_S
        while not is_so():
            assert time.monotonic() < deadline_s, "\n".join([f"no {what}", *self.child.errors()])
            time.sleep(0.2)

    def count(self, query: str) -> int:
        with sqlite3.connect(self.settings.data_dir / "loa.db") as connection:
            return int(connection.execute(query).fetchone()[0])

    def is_step(self, state: str) -> bool:
        return self.count(f"SELECT count(*) FROM clock_step WHERE state = '{state}'") > 0  # noqa: S608

    @property
    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1000


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.child.stop()


def test_a_clock_set_on_by_years_after_the_start_fills_no_memory_and_the_plan_begins(machine: Machine) -> None:
    machine.start("@2020-01-01 00:00:10")
    assert machine.is_step("doubted")
    assert machine.count("SELECT count(*) FROM broadcast") == 0, "nothing is planned by a wrong clock"
    before_mb = machine.memory_mb
    machine.set("+0")
    machine.wait_for("plan by the right time", lambda: machine.count("SELECT count(*) FROM broadcast") >= 2)
    machine.wait_for("message on the first page", lambda: machine.is_step("taken"))
    assert machine.memory_mb < before_mb + 60


def test_a_clock_set_back_keeps_alarms_running_and_the_plan_follows(machine: Machine) -> None:
    machine.start("+25200")
    machine.wait_for("plan", lambda: machine.count("SELECT count(*) FROM broadcast") >= 2)
    machine.set("+0")
    machine.wait_for("message on the first page", lambda: machine.is_step("taken"))
    planned = machine.count("SELECT count(*) FROM broadcast")
    machine.add_schedule(TimeOfDay(11))
    machine.wait_for("plan of the new schedule", lambda: machine.count("SELECT count(*) FROM broadcast") > planned)

"""Restarts of the controller and copies of a receiver, with real processes and a real broker."""

import shutil
import time
from collections.abc import Iterator

import pytest
from sqlmodel import select

from demo.browser import Browser
from demo.child_processes import ChildProcess
from demo.demo import Demo
from demo.operator_tasks import online_count, sign_in, wait_for
from demo.sites import SITES
from devices import faults
from devices.faults import Fault
from runtime.database import Database
from runtime.mosquitto import free_port


class Stage:
    """A demo whose three receivers are online."""

    def __init__(self, demo: Demo) -> None:
        self.demo = demo
        self.browser = Browser(demo.url)
        sign_in(self.browser, demo.operator, demo.password)
        self.wait_until_all_online()

    def wait_until_all_online(self) -> None:
        wait_for("three receivers online", self._all_online, 70)

    def _all_online(self) -> bool:
        try:
            return online_count(self.browser) == len(SITES)
        except OSError:
            return False

    def link_faults(self) -> list[str]:
        """Receivers with a lost connection, present or latched."""
        database = Database(self.demo.settings.database)
        with database.session() as session:
            rows = session.exec(select(Fault.receiver_id).where(Fault.fault == faults.LINK)).all()
        database.close()
        return list(rows)

    def shared(self) -> set[str]:
        database = Database(self.demo.settings.database)
        with database.session() as session:
            rows = faults.receivers_with(session, faults.SHARED_CREDENTIALS)
        database.close()
        return rows


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Demo(http_port=free_port()) as demo:
        yield Stage(demo)


def test_a_restart_of_the_controller_leaves_no_fault_on_any_receiver(stage: Stage) -> None:
    for end in (stage.demo.controller.stop, stage.demo.controller.kill):
        end()
        stage.demo.controller.start()
        stage.wait_until_all_online()
        assert stage.link_faults() == []


def test_a_copy_of_a_receiver_is_said_and_the_true_one_is_online_when_it_stops(stage: Stage) -> None:
    site = SITES[0]
    home = stage.demo.folder / "receivers" / site.receiver_id
    copied = home.with_name("copy")
    shutil.copytree(home / "data", copied / "data")
    arguments = ["receiver", "run", "--credentials", str(home / "credentials.json"), "--data", str(copied / "data")]
    copy = ChildProcess("copy", [*arguments, "--speaker", f"virtual:{copied / 'recording'}"], copied / "copy.log")
    copy.start()
    try:
        wait_for("the fault", lambda: stage.shared() == {site.receiver_id}, 40)
        time.sleep(5)
        assert copy.log.read_text().count("connected, session") < 8
    finally:
        copy.stop()
    stage.wait_until_all_online()

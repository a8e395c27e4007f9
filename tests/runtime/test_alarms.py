"""The alarms run their calls at intervals, continue after a failure, and report it."""

import logging
import threading
from collections.abc import Iterator

import pytest

from runtime.alarms import Alarms
from runtime.clock import ManualClock
from runtime.database import Database

SOON_S = 10.0


@pytest.fixture
def alarms(clock: ManualClock, database: Database) -> Iterator[Alarms]:
    alarms = Alarms(clock, database)
    yield alarms
    alarms.close()


def test_a_call_that_fails_is_counted_and_logged_and_runs_again(
    alarms: Alarms, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    runs, ran_twice = [], threading.Event()

    def fail() -> None:
        runs.append(1)
        if len(runs) == 2:
            ran_twice.set()
        raise RuntimeError("the disk is gone")

    with caplog.at_level(logging.ERROR, logger="runtime.alarms"):
        alarms.start()
        alarms.every(0.05, "failing", fail)
        assert ran_twice.wait(SOON_S)
    alarms.close()
    assert alarms.failures >= 1
    assert "alarm failing failed: the disk is gone" in caplog.text
    assert alarms.failing_since == clock.now()


def test_a_call_that_succeeds_again_is_no_longer_failing(alarms: Alarms) -> None:
    runs, ran_three_times = [], threading.Event()

    def fail_once() -> None:
        runs.append(alarms.failing_since)
        if len(runs) == 1:
            raise RuntimeError("the database is locked")
        if len(runs) == 3:
            ran_three_times.set()

    alarms.every(0.05, "failing once", fail_once)
    alarms.start()
    assert ran_three_times.wait(SOON_S)
    alarms.close()
    assert runs[1] is not None, "failing between the failure and the next run"
    assert runs[2] is None


def test_alarms_can_be_closed_before_they_are_started_and_twice(alarms: Alarms) -> None:
    alarms.close()
    alarms.start()
    alarms.close()
    alarms.close()


def test_a_poll_of_the_tables_runs_when_something_was_committed_and_when_it_is_asked_for(
    alarms: Alarms, database: Database
) -> None:
    """And not at each interval: a controller at rest would otherwise read its tables without end."""
    polled, ticks, ten_ticks = threading.Semaphore(0), [], threading.Event()

    def tick() -> None:
        ticks.append(1)
        if len(ticks) % 10 == 0:
            ten_ticks.set()

    def poll() -> None:
        polled.release()

    alarms.every_if_due(0.02, "poll", poll)
    alarms.every(0.02, "tick", tick)
    alarms.start()
    assert polled.acquire(timeout=SOON_S), "the first poll knows nothing"
    ten_ticks.clear()
    assert ten_ticks.wait(SOON_S)
    assert not polled.acquire(blocking=False)
    with database.writing() as session:
        session.connection().exec_driver_sql("CREATE TABLE written (number INTEGER)")
    assert polled.acquire(timeout=SOON_S)
    alarms.run_soon("poll")
    assert polled.acquire(timeout=SOON_S)


def test_a_call_of_which_it_cannot_be_found_out_whether_it_is_due_runs_and_the_others_go_on(alarms: Alarms) -> None:
    ran, other_ran = threading.Event(), threading.Event()

    def unknown() -> bool:
        raise OSError("the disk is gone")

    alarms.every(0.05, "unknown", ran.set, is_due=unknown)
    alarms.start()
    assert ran.wait(SOON_S)
    alarms.every(0.05, "other", other_ran.set)
    assert other_ran.wait(SOON_S)

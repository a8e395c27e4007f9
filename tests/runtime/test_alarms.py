"""The alarms run their calls at intervals, continue after a failure, and report it."""

import logging
import threading
from collections.abc import Iterator

import pytest

from runtime.alarms import Alarms
from runtime.clock import ManualClock

SOON_S = 10.0


@pytest.fixture
def alarms(clock: ManualClock) -> Iterator[Alarms]:
    alarms = Alarms(clock)
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

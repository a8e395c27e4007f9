"""The alarm clock: it plans at once when told, keeps on after a failure, and says loudly that there was one."""

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest

from devices.presence import PresenceWatch
from runtime import alarms
from runtime.alarms import Alarms
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.slots import Planned
from tests.broadcast.studio import Studio

SOON_S = 10.0


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


@pytest.fixture
def clockwork(studio: Studio) -> Iterator[Alarms]:
    watch = PresenceWatch(studio.database, now=studio.now())
    made = Alarms(studio.database, studio.clock, studio.transmitter, watch, plan_ahead=timedelta(hours=48))
    yield made
    made.close()


def test_the_transmitter_is_nudged_only_when_there_is_something_to_say(studio: Studio, clockwork: Alarms) -> None:
    with patch.object(studio.transmitter, "nudge") as nudge:
        with patch.object(alarms, "plan", return_value=Planned()):
            clockwork.plan_now()
        nudge.assert_not_called()
        with patch.object(alarms, "plan", return_value=Planned(withdrawn=["a"])):
            clockwork.plan_now()
        nudge.assert_called_once()


def test_what_was_missed_is_said_loudly(clockwork: Alarms, caplog: pytest.LogCaptureFixture) -> None:
    with patch.object(alarms, "plan", return_value=Planned(missed=["a", "b"])), caplog.at_level(logging.ERROR):
        clockwork.plan_now()
    assert "2 broadcasts were missed" in caplog.text


def test_a_job_that_fails_is_counted_and_told_and_runs_again(
    clockwork: Alarms, caplog: pytest.LogCaptureFixture
) -> None:
    runs, again = [], threading.Event()

    def breaks() -> None:
        runs.append(1)
        if len(runs) == 2:
            again.set()
        raise RuntimeError("the disk is gone")

    with caplog.at_level(logging.ERROR, logger="runtime.alarms"):
        clockwork.start()
        clockwork.every(0.05, "breaking", breaks)
        assert again.wait(SOON_S)
    clockwork.close()
    assert clockwork.failures >= 1
    assert "the alarm 'breaking' failed: the disk is gone" in caplog.text
    assert clockwork.failing_since is not None


def test_one_that_runs_again_is_no_trouble_any_more(clockwork: Alarms) -> None:
    runs, well = [], threading.Event()

    def breaks_once() -> None:
        runs.append(clockwork.failing_since)
        if len(runs) == 1:
            raise RuntimeError("the database is locked")
        if len(runs) == 3:
            well.set()

    clockwork.every(0.05, "breaking", breaks_once)
    clockwork.start()
    assert well.wait(SOON_S)
    clockwork.close()
    assert runs[1] is not None, "between the failure and the next run there is trouble"
    assert runs[2] is None


def test_a_plan_that_fails_at_the_start_is_not_swallowed(clockwork: Alarms) -> None:
    with patch.object(alarms, "plan", side_effect=RuntimeError("broken")), pytest.raises(RuntimeError):
        clockwork.start()


def test_to_close_what_never_began_is_no_error_nor_to_close_twice(clockwork: Alarms) -> None:
    clockwork.close()
    clockwork.start()
    clockwork.close()
    clockwork.close()

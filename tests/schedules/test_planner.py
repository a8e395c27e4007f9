"""The planner plans at once when it is told to, and wakes the transmitter only for changes."""

import logging
from datetime import timedelta
from unittest.mock import patch

import pytest

from runtime.clock import ManualClock
from runtime.database import Database
from schedules import planner
from schedules.planner import Planner
from schedules.slot_planning import PlanChanges
from tests.broadcast.studio import Studio


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


@pytest.fixture
def plans(studio: Studio) -> Planner:
    return Planner(studio.database, studio.clock, studio.transmitter, plan_ahead=timedelta(hours=48))


def test_the_transmitter_is_woken_only_when_something_changed(studio: Studio, plans: Planner) -> None:
    with patch.object(studio.transmitter, "nudge") as nudge:
        with patch.object(planner, "plan", return_value=PlanChanges()):
            plans.plan_now()
        nudge.assert_not_called()
        with patch.object(planner, "plan", return_value=PlanChanges(withdrawn=["a"])):
            plans.plan_now()
        nudge.assert_called_once()


def test_missed_broadcasts_are_logged_as_an_error(plans: Planner, caplog: pytest.LogCaptureFixture) -> None:
    with patch.object(planner, "plan", return_value=PlanChanges(missed=["a", "b"])), caplog.at_level(logging.ERROR):
        plans.plan_now()
    assert "2 broadcasts were missed" in caplog.text


def test_a_plan_that_fails_raises(plans: Planner) -> None:
    with patch.object(planner, "plan", side_effect=RuntimeError("broken")), pytest.raises(RuntimeError):
        plans.plan_now()

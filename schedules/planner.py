"""Planner: brings the broadcasts of the next days in line with the timetable, and wakes the transmitter.

Call `plan_now` after the commit of an edit, and at an interval for what changes without one (time passes, another
process edits).
"""

import logging
import threading
from datetime import timedelta

from broadcast.transmitter import Transmitter
from runtime.clock import Clock
from runtime.database import Database
from schedules.slot_planning import plan

log = logging.getLogger(__name__)


class Planner:
    """Plans one at a time within this process; other controllers may plan at the same time."""

    def __init__(self, database: Database, clock: Clock, transmitter: Transmitter, *, plan_ahead: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._transmitter = transmitter
        self._plan_ahead = plan_ahead
        self._lock = threading.Lock()

    def plan_now(self) -> None:
        """Plan at once, in this thread; nothing while the time is plainly wrong.

        Raises what made the plan of a schedule fail, after all others are planned.
        """
        if not self._clock.trusted:
            return
        with self._lock:
            changes = plan(self._database, self._clock.now(), self._plan_ahead)
        if changes.missed:
            log.error("%d broadcasts were missed while the controller was away", len(changes.missed))
        if changes.anything:
            self._transmitter.nudge()

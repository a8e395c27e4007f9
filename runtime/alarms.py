"""The alarm clock: wakes for the timetable. The only home of APScheduler; the table stays the truth."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from broadcast.transmitter import Transmitter
from devices import telemetry
from devices.heartbeats import forget_old_samples
from devices.presence import PresenceWatch
from runtime.clock import Clock
from runtime.database import Database
from schedules.slots import plan

log = logging.getLogger(__name__)
# It tells of every job that ran, each second; what fails is told below.
logging.getLogger("apscheduler").setLevel(logging.WARNING)

#: A plan without changes reads some rows and writes nothing. It is nudged at each edit besides.
PLAN_EVERY_S = 15
SWEEP_EVERY_S = 1
TIDY_EVERY_S = 3600


class Alarms:
    """Wakes the plan, the presence sweep and the tidying. Nothing is kept inside: after a restart all is worked out."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        transmitter: Transmitter,
        presence: PresenceWatch,
        *,
        plan_ahead: timedelta,
    ) -> None:
        self._database = database
        self._clock = clock
        self._transmitter = transmitter
        self._presence = presence
        self._plan_ahead = plan_ahead
        self._planning = threading.Lock()
        self._failing: dict[str, datetime] = {}
        self.failures = 0
        # Times are intervals on the scheduler's own clock; which instants are due is decided by ours.
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(3)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR | EVENT_JOB_MISSED)

    def start(self) -> None:
        """Plan now, and begin to wake."""
        self.plan_now()
        self.every(PLAN_EVERY_S, "plan", self.plan_now)
        self.every(SWEEP_EVERY_S, "presence", self._sweep)
        self.every(TIDY_EVERY_S, "tidy", self._tidy)
        self._scheduler.start()

    def every(self, seconds: float, name: str, call: Callable[[], None]) -> None:
        """Wake for something of the joining place's too."""
        self._scheduler.add_job(lambda: self._ring(name, call), "interval", seconds=seconds, id=name)

    @property
    def failing_since(self) -> datetime | None:
        """Since when something that should run does not; None when all that ran last went well."""
        return min(list(self._failing.values()), default=None)

    def close(self) -> None:
        """Stop waking; a plan under way ends first."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def plan_now(self) -> None:
        """Bring the plan in line with the timetable at once. Call it after the commit of an edit."""
        with self._planning:
            done = plan(self._database, self._clock.now(), self._plan_ahead)
        if done.missed:
            log.error("%d broadcasts were missed while the controller was away", len(done.missed))
        if done.anything:
            self._transmitter.nudge()

    def _ring(self, name: str, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:
            self._failing.setdefault(name, self._clock.now())
            raise  # for the listener, which says it in the log
        self._failing.pop(name, None)

    def _sweep(self) -> None:
        self._presence.sweep(self._clock.now())

    def _tidy(self) -> None:
        with self._database.writing() as session:
            forget_old_samples(session, self._clock.now())
            telemetry.forget_old(session, self._clock.now())

    def _failed(self, event: JobExecutionEvent) -> None:
        # APScheduler would leave it at a line in its own log.
        self.failures += 1
        log.error(
            "the alarm %r failed: %s", event.job_id, event.exception or "it came too late", exc_info=event.exception
        )

"""Calls that run every N seconds, and since when one of them fails. The only home of APScheduler.

Nothing is kept here: each call works out from the tables what is due, so a restart loses nothing.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from runtime.clock import Clock

log = logging.getLogger(__name__)
# APScheduler logs every run, each second. Failures are logged by `Alarms._report_failure`.
logging.getLogger("apscheduler").setLevel(logging.WARNING)

_THREADS = 3


class Alarms:
    """Runs each call at its interval, never twice at once. `every` may be called before and after `start`."""

    def __init__(self, clock: Clock) -> None:
        """clock: dates the failures. The intervals run on APScheduler's own clock."""
        self._clock = clock
        self._failing: dict[str, datetime] = {}
        self.failures = 0
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(_THREADS)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._report_failure, EVENT_JOB_ERROR | EVENT_JOB_MISSED)

    def start(self) -> None:
        self._scheduler.start()

    def close(self) -> None:
        """Stop. Waits for the calls that are running."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def every(self, seconds: float, name: str, call: Callable[[], object]) -> None:
        """Run a call at this interval, for the first time one interval after `start`. name: unique."""
        self._scheduler.add_job(lambda: self.run(name, call), "interval", seconds=seconds, id=name)

    @property
    def failing_since(self) -> datetime | None:
        """When the first of the calls that fail now began to fail; None when the last run of each succeeded."""
        return min(list(self._failing.values()), default=None)

    def run(self, name: str, call: Callable[[], object]) -> None:
        """Run a call in this thread and record whether it failed. Raises what the call raises."""
        try:
            call()
        except Exception:
            self._failing.setdefault(name, self._clock.now())
            raise  # for the listener, which logs it
        self._failing.pop(name, None)

    def _report_failure(self, event: JobExecutionEvent) -> None:
        # APScheduler itself only writes a line to its own log.
        self.failures += 1
        log.error(
            "alarm %s failed: %s", event.job_id, event.exception or "its time had passed", exc_info=event.exception
        )

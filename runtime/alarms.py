"""Calls that run every N seconds, and since when one of them fails. The only home of APScheduler.

Nothing is kept here: each call works out from the tables what is due, so a restart loses nothing.

The intervals run on the monotonic clock. APScheduler waits by the wall clock: set back, it sleeps until the old time
comes again; set on by years, it lists every run it missed (docs/decisions/0010, 0042). It is therefore given only
calls that are due, and runs them: once at a time, in its threads.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from runtime.clock import Clock
from runtime.database import Database
from runtime.table_poll import TablePoll

log = logging.getLogger(__name__)
# APScheduler logs every run, each second. Failures are logged by `Alarms._report_failure`.
logging.getLogger("apscheduler").setLevel(logging.WARNING)

#: Two calls may take long in a large installation (the first plan, all configs) without delaying the others.
_THREADS = 4
#: Due whatever the wall clock says.
_ALWAYS_DUE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class _Alarm:
    """due_s: on the monotonic clock. running: until a run has ended no other begins.

    is_due: asked at each interval; where it says no, no run begins. reset: makes it say yes the next time.
    """

    name: str
    seconds: float
    call: Callable[[], object]
    due_s: float
    is_due: Callable[[], bool] = lambda: True
    reset: Callable[[], None] = lambda: None
    running: bool = False


class Alarms:
    """Runs each call at its interval, never twice at once. `every` may be called before and after `start`."""

    def __init__(self, clock: Clock, database: Database) -> None:
        """clock: dates failures and polls; the intervals run on the machine's monotonic clock. database: of polls."""
        self._clock, self._database = clock, database
        self._failing: dict[str, datetime] = {}
        self.failures = 0
        self._alarms: dict[str, _Alarm] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._timer = threading.Thread(target=self._wait_and_run, name="alarms", daemon=True)
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(_THREADS)},
            # Two, since a run ends for `_Alarm.running` a moment before it ends for APScheduler.
            job_defaults={"coalesce": True, "max_instances": 2, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._report_failure, EVENT_JOB_ERROR)

    def start(self) -> None:
        with self._changed:
            now_s = time.monotonic()
            for alarm in self._alarms.values():
                alarm.due_s = _next_due_s(now_s, alarm.seconds)
        self._scheduler.start()
        self._timer.start()

    def close(self) -> None:
        """Stop. Waits for the calls that are running."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._timer.is_alive():
            self._timer.join()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def every(
        self, seconds: float, name: str, call: Callable[[], object], *, is_due: Callable[[], bool] = lambda: True
    ) -> None:
        """Run a call at whole multiples of this interval, so the first time within one after `start`. name: unique.

        is_due: whether a run would find anything to do; must not wait.
        """
        self._add(_Alarm(name, seconds, call, _next_due_s(time.monotonic(), seconds), is_due))

    def every_if_due(self, seconds: float, name: str, call: Callable[[], datetime | None]) -> None:
        """As `every`, for a poll of the tables (`runtime.table_poll`): a run begins only when the poll is due."""
        poll = TablePoll(self._database, self._clock, call)
        due_s = _next_due_s(time.monotonic(), seconds)
        self._add(_Alarm(name, seconds, poll.run, due_s, poll.is_due, poll.reset))

    def _add(self, alarm: _Alarm) -> None:
        with self._changed:
            self._alarms[alarm.name] = alarm
            self._changed.notify()

    def run_soon(self, *names: str) -> None:
        """Run these calls at once, in the alarms' own threads, and then again at their intervals. Does not wait.

        A call that is running now runs once more afterwards: it may have read the time before.
        """
        with self._changed:
            for name in names:
                if name in self._alarms:
                    alarm = self._alarms[name]
                    alarm.due_s = time.monotonic()
                    alarm.reset()
            self._changed.notify()

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

    def _wait_and_run(self) -> None:
        with self._changed:
            while not self._closing:
                now_s = time.monotonic()
                for alarm in self._alarms.values():
                    if alarm.due_s <= now_s and not alarm.running:
                        # Late by several intervals, it runs once.
                        alarm.due_s = _next_due_s(now_s, alarm.seconds)
                        if not _is_due(alarm):
                            continue
                        alarm.running = True
                        self._scheduler.add_job(
                            self._run_alarm, "date", [alarm], run_date=_ALWAYS_DUE, id=alarm.name, replace_existing=True
                        )
                waiting_s = [alarm.due_s - now_s for alarm in self._alarms.values() if not alarm.running]
                self._changed.wait(max(0.0, min(waiting_s)) if waiting_s else None)

    def _run_alarm(self, alarm: _Alarm) -> None:
        try:
            self.run(alarm.name, alarm.call)
        finally:
            with self._changed:
                alarm.running = False
                self._changed.notify()

    def _report_failure(self, event: JobExecutionEvent) -> None:
        # APScheduler itself only writes a line to its own log.
        self.failures += 1
        log.error("alarm %s failed: %s", event.job_id, event.exception, exc_info=event.exception)


def _is_due(alarm: _Alarm) -> bool:
    """Also when that cannot be found out: then the call fails too, and is reported. This thread must not end."""
    try:
        return alarm.is_due()
    except Exception as error:
        log.debug("alarm %s: not known whether it is due: %s", alarm.name, error)
        return True


def _next_due_s(now_s: float, seconds: float) -> float:
    """At whole multiples of the interval, so that calls of 1, 2 and 5 s are run in one waking of the processor."""
    return (now_s // seconds + 1) * seconds

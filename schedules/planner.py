"""Planner: brings the broadcasts of the next days in line with the timetable, and wakes the transmitter.

Call `plan_now` with the commune after the commit of an edit, and `plan_changed` at an interval for what changes without
one (time passes, another process edits).

What it remembers of a commune only saves work. A start knows nothing and compares every commune with its timetable; of
several controllers each compares for itself, and `schedules.slot_planning` claims each instant once.
"""

import logging
import math
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session, col, select

from broadcast.transmitter import Transmitter
from devices.communes import commune
from runtime.clock import Clock
from runtime.database import Database
from schedules.plan_inputs import fingerprints
from schedules.schedules import Schedule, due
from schedules.slot_planning import PlanChanges, plan_commune

log = logging.getLogger(__name__)

#: A commune is compared with its timetable at least so often, in case it changed in a way that no fingerprint shows.
COMPARED_EVERY = timedelta(minutes=30)
#: In that case at most one commune in so many at a time, and at least one.
_COMPARED_PART = 100
#: How far beyond the horizon the next instant is looked for; where there is none, the commune is compared then.
_LOOK_AHEAD = timedelta(hours=24)
#: Between two communes: others get the write lock, and pages the processor.
_PAUSE_S = 0.005


class PlannedState(NamedTuple):
    """A commune that was brought in line. fingerprint: of what its plan depended on.

    until: when its next instant comes within the horizon.
    """

    fingerprint: int
    at: datetime
    until: datetime

    def holds(self, fingerprint: int, now: datetime) -> bool:
        """Whether nothing is to do. After the clock was set back something may be."""
        return self.fingerprint == fingerprint and self.at <= now < self.until


class Planner:
    """Callable from any thread. Other controllers may plan at the same time."""

    def __init__(self, database: Database, clock: Clock, transmitter: Transmitter, *, plan_ahead: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._transmitter = transmitter
        self._plan_ahead = plan_ahead
        self._planned: dict[str, PlannedState] = {}
        self._fingerprint_of: dict[str, int] = {}
        #: Version of the database from which they were read.
        self._read_at: object = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    def close(self) -> None:
        """End `plan_changed` after the commune that is being planned. The next start plans the others."""
        self._stopping.set()

    def plan_now(self, commune_id: str | None = None) -> None:
        """Plan a commune at once, in this thread; without one, every commune that changed.

        Nothing while the time is plainly wrong. Raises what made the plan of a schedule fail, after all others are
        planned.
        """
        if commune_id is None:
            self.plan_changed()
        elif self._clock.trusted:
            self._raise_first(self._plan(commune_id))

    def plan_changed(self) -> None:
        """Plan the communes that changed or have another instant within the horizon; compare a few others.

        Nothing while the time is plainly wrong. Raises as `plan_now`.
        """
        if not self._clock.trusted:
            return
        failed = list[Exception]()
        with self._lock:
            fingerprint_of = self._fingerprints()
            for commune_id in self._to_plan(fingerprint_of, self._clock.now()):
                now = self._clock.now()
                errors = self._plan(commune_id)
                failed += errors
                if not errors:
                    self._planned[commune_id] = PlannedState(
                        fingerprint_of[commune_id], now, self._holds_until(commune_id, now)
                    )
                if self._stopping.wait(_PAUSE_S):
                    break
        self._raise_first(failed)

    def _fingerprints(self) -> dict[str, int]:
        version = self._database.data_version()
        if version != self._read_at:
            with self._database.session() as session:
                self._fingerprint_of = fingerprints(session)
            self._read_at = version
        return self._fingerprint_of

    def _to_plan(self, fingerprint_of: dict[str, int], now: datetime) -> list[str]:
        """Those that need it, then the few whose last comparison is the longest ago."""
        self._planned = {
            commune_id: state for commune_id, state in self._planned.items() if commune_id in fingerprint_of
        }
        changed = [
            commune_id
            for commune_id, fingerprint in fingerprint_of.items()
            if commune_id not in self._planned or not self._planned[commune_id].holds(fingerprint, now)
        ]
        others = self._planned.keys() - set(changed)
        old = [commune_id for commune_id in others if now - self._planned[commune_id].at >= COMPARED_EVERY]
        old.sort(key=lambda commune_id: self._planned[commune_id].at)
        return changed + old[: math.ceil(len(fingerprint_of) / _COMPARED_PART)]

    def _plan(self, commune_id: str) -> list[Exception]:
        changes, errors = plan_commune(self._database, commune_id, self._clock.now(), self._plan_ahead)
        self._report(changes)
        return errors

    def _report(self, changes: PlanChanges) -> None:
        if changes.missed:
            log.error("%d broadcasts were missed while the controller was away", len(changes.missed))
        if changes.anything:
            self._transmitter.wake()

    def _holds_until(self, commune_id: str, now: datetime) -> datetime:
        horizon = now + self._plan_ahead
        with self._database.session() as session:
            next_at = _first_due(session, commune_id, horizon, horizon + _LOOK_AHEAD)
        # The horizon is not part of what is planned: an instant is due once it lies before it.
        return next_at - self._plan_ahead + timedelta(microseconds=1)

    @staticmethod
    def _raise_first(errors: Iterable[Exception]) -> None:
        for error in errors:
            raise error


def _first_due(session: Session, commune_id: str, after: datetime, before: datetime) -> datetime:
    """The first instant of a commune's schedules in [after, before), `before` when there is none."""
    zone = commune(session, commune_id).zone
    query = select(Schedule).where(Schedule.commune_id == commune_id, col(Schedule.retired_at).is_(None))
    instants = [due(schedule, zone, after, before) for schedule in session.exec(query)]
    return min((dues[0] for dues in instants if dues), default=before)

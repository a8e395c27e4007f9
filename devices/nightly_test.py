"""The nightly test: every receiver fetches, verifies and decodes a new silent recording; failing it is a fault.

The tables hold which tests were begun and which receivers were asked, so a restart or a second controller changes
nothing.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

from devices import self_tests
from devices.communes import communes
from devices.downlink import Downlink
from devices.presence import PresenceWatch
from devices.receivers import receivers
from devices.self_tests import SelfTestRun
from runtime.clock import Clock
from runtime.database import Database

log = logging.getLogger(__name__)

#: A controller that was away at the hour begins the test up to this much later.
CATCH_UP = timedelta(hours=6)
#: A test started by hand has an operator waiting; a receiver that tries twice needs almost five minutes.
MANUAL_VERDICT_AFTER = timedelta(minutes=6)
_MOST_SPREAD_MS = 600_000


class SilentRecording(NamedTuple):
    """A recording that receivers can fetch. frames: at 48 kHz."""

    sha256: str
    bytes: int
    frames: int
    level_dbfs: float


class Recordings(Protocol):
    """Where the test gets its recordings from."""

    def make(self, nonce: str) -> SilentRecording:
        """A recording whose hash differs for each nonce."""

    def remove(self, sha256: str) -> None:
        """Delete the recording when no test needs it."""


def due_night(at: time, zone: ZoneInfo, now: datetime) -> date | None:
    """The local day whose test is due now, None when none is."""
    today = now.astimezone(zone).date()
    # A test late in the evening may still be due after midnight.
    for night in (today, today - timedelta(days=1)):
        if timedelta(0) <= now - datetime.combine(night, at, zone) < CATCH_UP:
            return night
    return None


def next_night(at: time, zone: ZoneInfo, now: datetime) -> datetime:
    """When the next night's test becomes due."""
    today = now.astimezone(zone).date()
    nights = (datetime.combine(today + timedelta(days=day), at, zone) for day in range(3))
    return next(night for night in nights if night > now)


class NightlyTest:
    """Begins tests, asks receivers and gives verdicts. Call `step` every few seconds."""

    def __init__(
        self,
        database: Database,
        recordings: Recordings,
        downlink: Downlink,
        watch: PresenceWatch,
        clock: Clock,
        *,
        at: time,
        verdict_after: timedelta,
    ) -> None:
        """at: by the clock of each commune. verdict_after: from the beginning of the test."""
        self._database, self._recordings, self._downlink, self._watch = database, recordings, downlink, watch
        self._clock, self._at, self._verdict_after = clock, at, verdict_after

    def step(self) -> datetime | None:
        """Begin, ask and judge what is due now. Returns when something will be due although nothing is committed."""
        now = self._clock.now()
        if not self._clock.trusted:
            return now
        for commune_id, night in self._due(now):
            self._begin(commune_id, night, now)
        self_tests.ask_due(self._database, self._downlink, self._watch, now)
        for test_id in self_tests.judge_due(self._database, self._watch, now):
            log.info("self-test %s: verdict given", test_id)
        self._forget_old(now)
        return self._next_due(now)

    def test_now(self, commune_id: str, receiver_ids: Sequence[str]) -> str:
        """Test these receivers at once, started by an operator. Returns the id of the test."""
        now, test_id = self._clock.now(), self_tests.new_id()
        recording = self._recordings.make(f"{test_id} {now.isoformat()}")
        run = SelfTestRun(
            id=test_id,
            commune_id=commune_id,
            begun_at=now,
            verdict_at=now + MANUAL_VERDICT_AFTER,
            **recording._asdict(),
        )
        with self._database.writing() as session:
            self_tests.begin(session, run, receiver_ids)
        self_tests.ask_due(self._database, self._downlink, self._watch, now)
        return test_id

    def _due(self, now: datetime) -> list[tuple[str, date]]:
        with self._database.session() as session:
            due = [(c.id, night) for c in communes(session) if (night := due_night(self._at, c.zone, now))]
            begun = self_tests.begun(session, {night.isoformat() for _, night in due})
        return [(commune_id, night) for commune_id, night in due if (commune_id, night.isoformat()) not in begun]

    def _next_due(self, now: datetime) -> datetime | None:
        with self._database.session() as session:
            zones = {c.zone for c in communes(session)}
            next_at = self_tests.next_due(session)
        return min([*(next_night(self._at, zone, now) for zone in zones), *filter(None, [next_at])], default=None)

    def _begin(self, commune_id: str, night: date, now: datetime) -> None:
        test_id = self_tests.new_id()
        # Before the row: a row without a recording would be a night without a test.
        recording = self._recordings.make(f"{test_id} {night.isoformat()}")
        run = SelfTestRun(
            id=test_id,
            commune_id=commune_id,
            night=night.isoformat(),
            begun_at=now,
            verdict_at=now + self._verdict_after,
            spread_ms=min(_MOST_SPREAD_MS, round(self._verdict_after.total_seconds() * 250)),
            **recording._asdict(),
        )
        with self._database.writing() as session:
            claimed = self_tests.begin(session, run, [r.id for r in receivers(session, commune_id)])
        if claimed:
            log.info("self-test %s of commune %s: begun", test_id, commune_id)
        else:  # another controller began it
            self._recordings.remove(recording.sha256)

    def _forget_old(self, now: datetime) -> None:
        with self._database.session() as session:
            if not self_tests.has_old(session, now):
                return
        with self._database.writing() as session:
            hashes = self_tests.forget_old(session, now)
        for sha256 in hashes:
            self._recordings.remove(sha256)

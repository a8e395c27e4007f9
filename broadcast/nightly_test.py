"""The nightly test: every receiver fetches, verifies and decodes a fresh silent recording; who did not is a fault.

Nothing is kept inside: what was begun and asked stands in the tables, so a restart or a second controller changes
nothing.
"""

import logging
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from broadcast.audio_silent import make_silent_sound
from broadcast.media import Media
from devices import self_tests
from devices.communes import communes
from devices.downlink import Downlink
from devices.presence import PresenceWatch
from devices.receivers import receivers
from devices.self_tests import SelfTestRun
from runtime.clock import Clock
from runtime.database import Database

log = logging.getLogger(__name__)

#: A controller that was away at the hour begins the test late rather than not at all, up to this.
CATCH_UP = timedelta(hours=6)
#: By hand somebody is waiting; a receiver that tries twice needs almost five minutes.
BY_HAND_VERDICT = timedelta(minutes=6)
_MOST_SPREAD_MS = 600_000


def due_night(at: time, zone: ZoneInfo, now: datetime) -> date | None:
    """The local day whose test is due now, None when none is."""
    day = now.astimezone(zone).date()
    # Only the hour of late evening reaches into the next day.
    for night in (day, day - timedelta(days=1)):
        if timedelta(0) <= now - datetime.combine(night, at, zone) < CATCH_UP:
            return night
    return None


class NightlyTest:
    """Begins, asks and judges. `step` is to be called every few seconds."""

    def __init__(
        self,
        database: Database,
        media: Media,
        downlink: Downlink,
        watch: PresenceWatch,
        clock: Clock,
        *,
        at: time,
        verdict_after: timedelta,
    ) -> None:
        """at: by the clock of each commune. verdict_after: how long receivers have, from then on."""
        self._database, self._media, self._downlink, self._watch = database, media, downlink, watch
        self._clock, self._at, self._verdict_after = clock, at, verdict_after

    def step(self) -> None:
        """Do what is due."""
        now = self._clock.now()
        for commune_id, night in self._due(now):
            self._begin(commune_id, night, now)
        self_tests.ask_due(self._database, self._downlink, self._watch, now)
        for test in self_tests.judge_due(self._database, self._watch, now):
            log.info("self-test %s is judged", test)
        self._forget_old(now)

    def test_now(self, commune_id: str, receiver_ids: Sequence[str]) -> str:
        """Test these at once, by hand. Gives the test's id."""
        now, test = self._clock.now(), self_tests.new_id()
        sound = make_silent_sound(self._media, f"{test} {now.isoformat()}")
        run = SelfTestRun(
            id=test,
            commune_id=commune_id,
            begun_at=now,
            verdict_at=now + BY_HAND_VERDICT,
            sha256=sound.stored.sha256,
            bytes=sound.stored.bytes,
            frames=sound.frames,
            level_dbfs=sound.level_dbfs,
        )
        with self._database.writing() as session:
            self_tests.begin(session, run, receiver_ids)
        self_tests.ask_due(self._database, self._downlink, self._watch, now)
        return test

    def _due(self, now: datetime) -> list[tuple[str, date]]:
        with self._database.session() as session:
            due = [(c.id, night) for c in communes(session) if (night := due_night(self._at, c.zone, now))]
            return [(c, night) for c, night in due if not self_tests.begun(session, c, night.isoformat())]

    def _begin(self, commune_id: str, night: date, now: datetime) -> None:
        test = self_tests.new_id()
        # The recording first: a row without it would be a night without a test.
        sound = make_silent_sound(self._media, f"{test} {night.isoformat()}")
        run = SelfTestRun(
            id=test,
            commune_id=commune_id,
            night=night.isoformat(),
            begun_at=now,
            verdict_at=now + self._verdict_after,
            sha256=sound.stored.sha256,
            bytes=sound.stored.bytes,
            frames=sound.frames,
            level_dbfs=sound.level_dbfs,
            spread_ms=min(_MOST_SPREAD_MS, round(self._verdict_after.total_seconds() * 250)),
        )
        with self._database.writing() as session:
            ours = self_tests.begin(session, run, [r.id for r in receivers(session, commune_id)])
        if ours:
            log.info("self-test %s of %s begins", test, commune_id)
        else:
            self._media.remove(sound.stored.sha256, "opus")

    def _forget_old(self, now: datetime) -> None:
        with self._database.session() as session:
            if not self_tests.has_old(session, now):
                return
        with self._database.writing() as session:
            hashes = self_tests.forget_old(session, now)
        for sha256 in hashes:
            self._media.remove(sha256, "opus")

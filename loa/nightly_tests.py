"""The nightly self-test, as the settings ask for it."""

from datetime import timedelta

from broadcast.audio_silent import SilentRecordings
from broadcast.media import Media
from devices.downlink import Downlink
from devices.nightly_test import NightlyTest
from devices.presence import PresenceWatch
from runtime.clock import Clock
from runtime.database import Database
from runtime.settings import Settings


def nightly_test_of(
    settings: Settings, database: Database, media: Media, downlink: Downlink, presence: PresenceWatch, clock: Clock
) -> NightlyTest:
    return NightlyTest(
        database,
        SilentRecordings(media),
        downlink,
        presence,
        clock,
        at=settings.self_test_at,
        verdict_after=timedelta(minutes=settings.self_test_verdict_after_min),
    )

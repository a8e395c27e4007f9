"""What the pages stand on: the parts of a running controller, made at the joining place and handed in."""

from collections.abc import Callable
from dataclasses import dataclass

from broadcast.ingest import Ingest
from broadcast.media import Media
from broadcast.transmitter import Transmitter
from devices.downlink import Downlink
from devices.enrolment import Issuer
from devices.merger_hooks import MergerHooks
from devices.nightly_test import NightlyTest
from devices.presence import PresenceWatch
from province.exchange import ProvinceExchange
from runtime.alarms import Alarms
from runtime.clock import Clock
from runtime.database import Database
from runtime.settings import Settings
from schedules.planner import Planner
from usecases.services import Services


@dataclass(frozen=True)
class Deps:
    """The running parts. accounts_changed: to be called after receivers came, went or got new credentials."""

    settings: Settings
    session_key: bytes
    database: Database
    clock: Clock
    ingest: Ingest
    media: Media
    originals: Media
    downlink: Downlink
    transmitter: Transmitter
    presence: PresenceWatch
    alarms: Alarms
    planner: Planner
    nightly_test: NightlyTest
    issuer: Issuer
    accounts_changed: Callable[[], None]
    exchange: ProvinceExchange
    merger_hooks: MergerHooks

    @property
    def services(self) -> Services:
        """What use cases write to and notify."""
        return Services(self.database, self.clock, announce=self.transmitter.nudge, plan=self.planner.plan_now)

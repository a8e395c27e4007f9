"""The parts that relay outside stations, wired together."""

from contextlib import ExitStack

from broadcast.media import Media
from devices.connect_events import on_session_start
from devices.downlink import Downlink
from relay.station_test import StationTests
from relay.supervisor import RelaySupervisor
from runtime.broker import Broker
from runtime.clock import Clock
from runtime.database import Database
from runtime.settings import Settings


def relays_of(
    settings: Settings,
    database: Database,
    downlink: Downlink,
    media: Media,
    clock: Clock,
    broker: Broker,
    closing: ExitStack,
) -> tuple[RelaySupervisor, StationTests]:
    """closing: ends both before the parts that were started earlier."""
    trusted = frozenset(settings.relay_hosts.lower().split())
    relays = RelaySupervisor(database, downlink, media, clock, trusted)
    closing.callback(relays.close)
    on_session_start(broker, relays.repeat_start)
    tests = StationTests(trusted, clock.monotonic_us)
    closing.callback(tests.close)
    return relays, tests

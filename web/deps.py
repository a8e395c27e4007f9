"""The parts of a running controller that pages use; `loa.controller` makes them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.alert_books import AlertBooks
from alerts.desk import EmergencyDesk
from broadcast.ingest import Ingest
from broadcast.media import Media
from broadcast.speech_ingest import SpeechIngest
from broadcast.transmitter import Transmitter
from cap.writing import alerts_host
from devices.downlink import Downlink
from devices.enrolment import Issuer
from devices.merger_hooks import MergerHooks
from devices.nightly_test import NightlyTest
from devices.presence import PresenceWatch
from devices.presence_states import PresenceState
from devices.receivers import receiver
from notifications.notifier import Notifier
from province.exchange import ProvinceExchange
from relay.station_test import StationTests
from relay.supervisor import RelaySupervisor
from runtime.alarms import Alarms
from runtime.clock import Clock
from runtime.database import Database
from runtime.https import Https
from runtime.settings import Settings
from schedules.planner import Planner
from studio.live_sessions import LiveSessions
from usecases.cap_emergencies import CapEmergencies
from usecases.services import Services
from web.access import close_sessions
from wire.broadcasts import Item


@dataclass(frozen=True)
class Deps:
    """The running parts. accounts_changed: to be called after receivers came, went or got new credentials.

    programme_sound: what a receiver would play of these items, from a sample on; 32-bit floats, mono, 48 kHz.
    """

    settings: Settings
    session_key: bytes
    database: Database
    clock: Clock
    ingest: Ingest
    speech: SpeechIngest
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
    notifier: Notifier
    relays: RelaySupervisor
    station_tests: StationTests
    programme_sound: Callable[[Sequence[Item], int], Iterator[bytes]]
    live_sessions: LiveSessions
    emergencies: CapEmergencies
    desk: EmergencyDesk
    alert_books: AlertBooks
    https: Https | None = None

    @property
    def own_host(self) -> str:
        """Of the alerts that Loa publishes."""
        return alerts_host(self.settings.public_url, self.issuer.controller.kid)

    @property
    def services(self) -> Services:
        """What use cases write to and notify."""
        return Services(
            self.database,
            self.clock,
            announce=self.transmitter.wake,
            plan=self.planner.plan_now,
            configure=self._configure,
            command=self.downlink.send_command,
            self_test=lambda commune_id, receiver_ids: self.nightly_test.test_now(commune_id, list(receiver_ids)),
            accounts_changed=self.accounts_changed,
            reachable=self._reachable,
            statuses=self.presence.snapshot,
            sign_out=close_sessions,
            send_test=self.notifier.send_test,
            desk=self.desk,
        )

    def _configure(self, receiver_ids: Collection[str]) -> None:
        with self.database.session() as session:
            self.downlink.configure_all(session, [receiver(session, receiver_id) for receiver_id in receiver_ids])

    def _reachable(self, receiver_id: str, now: datetime) -> bool:
        state = self.presence.receiver_status(receiver_id, now).state
        return state not in (PresenceState.OFFLINE, PresenceState.NEW)

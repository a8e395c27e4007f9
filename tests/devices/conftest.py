"""A commune with two zones, and a controller that hears it."""

from dataclasses import dataclass, field

import msgspec
import pytest
from sqlmodel import Session

from devices.communes import add_commune
from devices.downlink import Downlink
from devices.enrolment import Issuer, acl_rows, enrol
from devices.presence import PresenceWatch
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from devices.uplink import Uplink
from devices.zones import add_zone
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE, COMMUNE_NAME
from tests.fakes.broker import FakeBroker, FakeClient
from wire.credentials import Credentials
from wire.messages import CONTROLLER, Message, encode
from wire.reports import ClockState, FaultReport, Heartbeat, Report
from wire.sealing import PublicKey, SealingKey, open_sealed
from wire.topics import Kind, of_receiver

KEY = SealingKey(bytes(range(32)))
ISSUER = Issuer(broker_url="mqtt://127.0.0.1:1883", controller=PublicKey(KEY.public))


@dataclass
class Site:
    """The controller's side of a commune, and the receivers' side as far as messages go."""

    clock: ManualClock
    database: Database
    broker: FakeBroker
    station: int
    downlink: Downlink
    watch: PresenceWatch
    uplink: Uplink
    credentials: dict[str, Credentials] = field(default_factory=dict)

    def enrol(self, receiver_id: str, *, zones: list[str] | None = None, commune: str = COMMUNE) -> Credentials:
        """A receiver more."""
        with self.database.writing() as session:
            _, made = enrol(
                session,
                ISSUER,
                receiver_id=receiver_id,
                commune_id=commune,
                station_id=self.station,
                name=receiver_id,
                now=self.clock.now(),
                zones=zones,
            )
        self.credentials[receiver_id] = made
        return made

    def client(self, receiver_id: str) -> FakeClient:
        """Its connection, with what the access list gives it."""
        return self.broker.client(receiver_id)

    def say(self, receiver_id: str, kind: Kind, message: Message | bytes, *, retain: bool = False) -> None:
        """A receiver publishes on its own topic."""
        payload = message if isinstance(message, bytes) else encode(message)
        self.client(receiver_id).publish(of_receiver(receiver_id, kind), payload, qos=1, retain=retain)

    def beat(self, receiver_id: str, session: int = 1, sequence: int = 0, **more: object) -> None:
        """A heartbeat."""
        clock = ClockState(locked=True, error_us=200)
        beat = Heartbeat(session=session, sequence=sequence, clock=clock)
        self.say(receiver_id, Kind.HEARTBEAT, msgspec.structs.replace(beat, **more))

    def fault(self, receiver_id: str, report: str = "r1", **more: object) -> FaultReport:
        """A report, not sealed yet."""
        now_us = self.clock.now_us()
        made = FaultReport(
            to=CONTROLLER,
            revision=now_us,
            issued_at_us=now_us,
            expires_at_us=now_us + 60 * 86_400_000_000,
            report=report,
            receiver=receiver_id,
            fault="card",
            present=True,
            at_us=now_us,
        )
        return msgspec.structs.replace(made, **more)

    def sealed(self, report: Report, by: str | None = None) -> bytes:
        """A report sealed by a receiver's key, by default its own."""
        return SealingKey(bytes.fromhex(self.credentials[by or report.receiver].receiver_seed)).seal(report)

    def sent(self, receiver_id: str, kind: Kind, type_: object) -> list:  # type: ignore[type-arg]
        """What was sent to a receiver on a topic, opened."""
        keys = {KEY.kid: PublicKey(KEY.public)}
        topic = of_receiver(receiver_id, kind)
        return [
            open_sealed(payload, type_, keys, to=f"r/{receiver_id}", now_us=self.clock.now_us())
            for at, payload, _, _ in self.broker.log
            if at == topic
        ]

    def receiver(self, session: Session, receiver_id: str) -> Receiver:
        """Its row."""
        found = session.get(Receiver, receiver_id)
        assert found is not None
        return found


def site_on(clock: ManualClock, database: Database, broker: FakeBroker) -> Site:
    """An empty commune with the zones zone-1 and zone-2; its uplink is not started."""
    broker.acl = acl_rows()
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME, province="Thanh Hóa")
        station = add_station(session, COMMUNE, StationKind.IP, "IP Thiệu Trung").number
        for zone in ("zone-1", "zone-2"):
            add_zone(session, COMMUNE, zone, zone)
    downlink = Downlink(broker, KEY, clock, media_base="http://media/")
    watch = PresenceWatch(database, now=clock.now())
    return Site(clock, database, broker, station, downlink, watch, Uplink(broker, database, clock, downlink, watch))


@pytest.fixture
def site(clock: ManualClock, database: Database, broker: FakeBroker) -> Site:
    """On SQLite."""
    return site_on(clock, database, broker)


@pytest.fixture
def listening(site: Site) -> Site:
    """The same, with its ears open; reports are taken by the test itself (`take_reports`) or by the uplink's thread."""
    site.uplink.start()
    yield site  # type: ignore[misc]
    site.uplink.close()

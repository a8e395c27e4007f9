"""A commune with a border, two receivers and a source of alerts, and a part that records which emergencies it began."""

from datetime import datetime, timedelta

import msgspec
from sqlmodel import Session, select

from cap.alerts import CapAlert, CapAlertState
from cap.emergencies import CapEmergency, SpokenText
from cap.messages import CapMessage
from cap.reading import read_message
from cap.sources import CapSource, SourceSettings, add_cap_source, cap_source
from cap.targets import Aim
from devices.communes import add_commune, commune
from devices.enrolment import Issuer, enrol
from devices.outlines import set_outline
from devices.positions import Position, place_receiver
from devices.stations import StationKind, add_station
from devices.zones import add_zone
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from tests.cap.cap_files import PLACES, SENDER, SQUARE
from tests.cast import COMMUNE, COMMUNE_NAME
from usecases.cap_alerts import work_alerts
from usecases.cap_intake import Met, take_in
from usecases.services import Services
from wire.broadcasts import Targets
from wire.sealing import PublicKey, SealingKey

OWN_HOST = "loa.xa.example"
GRAVE = {"least_severity": "Severe", "least_urgency": "Expected", "least_certainty": "Likely"}


class RecordedEmergencies:
    """`cap.emergencies.EmergencyStarter` that sounds nothing. refuses: as when nobody would hear it."""

    def __init__(self) -> None:
        self.started: dict[str, CapEmergency] = {}
        self.stopped: list[str] = []
        self.refuses = False
        self.notified = 0

    def start_in(self, session: Session, order: CapEmergency, now: datetime) -> str:
        if self.refuses:
            raise Refusal("There are no receivers in the places that you chose.")
        self.started.setdefault(order.reference, order)
        return order.reference

    def stop_in(self, session: Session, emergency_id: str, now: datetime, *, by: str) -> None:
        self.stopped.append(emergency_id)

    def notify(self) -> None:
        self.notified += 1

    @property
    def on(self) -> list[str]:
        """Titles of those that were started and not stopped."""
        return [order.title for reference, order in self.started.items() if reference not in self.stopped]


def settle(session: Session) -> None:
    """Give the commune its border, and its receivers their places."""
    set_outline(session, COMMUNE, SQUARE)
    for receiver in PLACES.receivers:
        place_receiver(session, receiver.id, Position(receiver.latitude_deg, receiver.longitude_deg))


class AlertCommune:
    """Alerts are read here and not in a child process: what that adds is tested elsewhere."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        self.services = Services(database, clock)
        self.emergencies = RecordedEmergencies()
        issuer = Issuer(broker_url="mqtt://b:1883", controller=PublicKey(SealingKey(bytes(range(32))).public))
        with database.writing() as session:
            add_commune(session, COMMUNE, COMMUNE_NAME)
            station = add_station(session, COMMUNE, StationKind.FM, "FM Hậu Hiền").number
            add_zone(session, COMMUNE, "thon-1", "Thôn 1")
            for n in range(2):
                place = {"station_id": station, "name": f"Thôn {n}", "zones": ["thon-1"]}
                enrol(session, issuer, receiver_id=f"loa-{n}", commune_id=COMMUNE, now=clock.now(), **place)
            settle(session)
        self.source = self.add_source("Đài KTTV", **GRAVE)

    def add_source(self, name: str, **settings: object) -> int:
        chosen = msgspec.convert({"name": name, "kind": "post", **settings}, SourceSettings)
        with self.database.writing() as session:
            return add_cap_source(session, COMMUNE, chosen, ["thon-1"]).number

    def send(self, file: bytes, source: int | None = None) -> Met:
        """As `usecases.cap_intake.receive`."""
        with self.database.session() as session:
            message = self.read(file, cap_source(session, source or self.source))
        with self.database.writing() as session:
            own = cap_source(session, source or self.source)
            met = take_in(session, self.emergencies, own, message, self.clock.now(), own_host=OWN_HOST)
        self.work()
        return met

    def read(self, file: bytes, source: CapSource) -> CapMessage:
        with self.database.session() as session:
            outline = commune(session, COMMUNE).outline
        places = msgspec.structs.replace(PLACES, outline=outline)
        return read_message(file, places, source.certificate, self.clock.now())

    def work(self) -> None:
        work_alerts(self.services, self.emergencies)

    def row(self, identifier: str = "VN-1", sender: str = SENDER) -> CapAlert:
        with self.database.session() as session:
            rows = [r for r in self.rows(session) if (r.identifier, r.sender) == (identifier, sender)]
        assert len(rows) == 1
        return rows[0]

    def state(self, identifier: str = "VN-1") -> str:
        return self.row(identifier).state

    @staticmethod
    def rows(session: Session) -> list[CapAlert]:
        return list(session.exec(select(CapAlert)))


def keep_alert(session: Session, commune_id: str, source_id: int, now: datetime, **columns: object) -> CapAlert:
    """A row of an alert as it came. columns: what is otherwise than in an alert that waits."""
    row = CapAlert(
        **{
            "commune_id": commune_id,
            "source_id": source_id,
            "sender": SENDER,
            "identifier": "VN-1",
            "sent": now,
            "status": "Actual",
            "type": "Alert",
            "digest": "0" * 64,
            "event": "Bão số 9",
            "severity": "Extreme",
            "urgency": "Immediate",
            "certainty": "Observed",
            "sender_name": "Đài Khí tượng Thủy văn tỉnh Thanh Hóa",
            "area": "Thiệu Hóa, Thiệu Trung",
            "texts": msgspec.json.encode([SpokenText("vi-VN", "Bão số 9 đổ bộ. Gió cấp 12. Ở yên trong nhà.")]),
            "targets": msgspec.json.encode(Targets(all=True)),
            "aim": Aim.HERE.value,
            "expires_at": now + timedelta(hours=4),
            "state": CapAlertState.WAITING.value,
            "received_at": now,
            **columns,
        }
    )
    session.add(row)
    session.flush()
    return row

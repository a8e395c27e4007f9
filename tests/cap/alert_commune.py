"""A commune with a border, two receivers and a source of alerts, and the desk on which they become emergencies."""

from datetime import datetime, timedelta

import msgspec
from sqlmodel import Session, col, select

from alerts.desk import EmergencyDesk
from alerts.emergency_alerts import AlertState, EmergencyAlert
from alerts.journal import AlertJournal
from cap.alerts import CapAlert, CapAlertState
from cap.messages import CapMessage, SpokenText
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
from tests.alerts.watch_room import KEY, make_book_ready
from tests.cap.cap_files import PLACES, SENDER, SQUARE
from tests.cast import COMMUNE, COMMUNE_NAME
from tests.fakes.broker import FakeBroker
from usecases.cap_alerts import work_alerts
from usecases.cap_emergencies import CapEmergencies
from usecases.cap_intake import Met, take_message
from usecases.services import Services
from wire.broadcasts import Targets
from wire.sealing import PublicKey

OWN_HOST = "loa.xa.example"
GRAVE = {"least_severity": "Severe", "least_urgency": "Expected", "least_certainty": "Likely"}


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
        self.broker = FakeBroker()
        self.journal = AlertJournal(database)
        desk = EmergencyDesk(database, self.broker, KEY, clock, self.journal)
        self.desk, self.emergencies = desk, CapEmergencies(desk)
        issuer = Issuer(broker_url="mqtt://b:1883", controller=PublicKey(KEY.public))
        with database.writing() as session:
            add_commune(session, COMMUNE, COMMUNE_NAME)
            station = add_station(session, COMMUNE, StationKind.FM, "FM Hậu Hiền").number
            add_zone(session, COMMUNE, "thon-1", "Thôn 1")
            for n in range(2):
                place = {"station_id": station, "name": f"Thôn {n}", "zones": ["thon-1"]}
                enrol(session, issuer, receiver_id=f"loa-{n}", commune_id=COMMUNE, now=clock.now(), **place)
            settle(session)
        make_book_ready(database)
        self.journal.start()
        self.source = self.add_source("Đài KTTV", **GRAVE)

    def add_source(self, name: str, **settings: object) -> int:
        chosen = msgspec.convert({"name": name, "kind": "post", **settings}, SourceSettings)
        with self.database.writing() as session:
            return add_cap_source(session, COMMUNE, chosen, ["thon-1"]).number

    def send(self, file: bytes, source: int | None = None) -> Met:
        """As `usecases.cap_intake.receive`."""
        with self.database.session() as session:
            message = self.read(file, cap_source(session, source or self.source))
        return take_message(self.services, self.emergencies, source or self.source, message, own_host=OWN_HOST)

    def read(self, file: bytes, source: CapSource) -> CapMessage:
        with self.database.session() as session:
            outline = commune(session, COMMUNE).outline
        places = msgspec.structs.replace(PLACES, outline=outline)
        return read_message(file, places, source.certificate, self.clock.now())

    def work(self) -> None:
        work_alerts(self.services, self.emergencies)

    @property
    def started(self) -> list[EmergencyAlert]:
        """The first one first."""
        with self.database.session() as session:
            rows = session.exec(select(EmergencyAlert).where(col(EmergencyAlert.issued_at).is_not(None)))
            return sorted(rows, key=lambda row: row.issued_at or row.requested_at)

    @property
    def on(self) -> list[str]:
        """Events of the alerts whose emergency is in force."""
        now = self.clock.now()
        ids = [row.id for row in self.started if row.state(now) is AlertState.SENT]
        with self.database.session() as session:
            return [row.event for row in self.rows(session) if row.emergency_id in ids]

    def row(self, identifier: str = "VN-1", sender: str = SENDER) -> CapAlert:
        with self.database.session() as session:
            rows = [r for r in self.rows(session) if (r.identifier, r.sender) == (identifier, sender)]
        assert len(rows) == 1
        return rows[0]

    def state(self, identifier: str = "VN-1") -> str:
        return self.row(identifier).state

    def close(self) -> None:
        self.journal.close()

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

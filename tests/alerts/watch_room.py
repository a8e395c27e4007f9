"""An emergency desk over a small commune whose alert book is ready, with two people who may confirm each other."""

from alerts.alert_books import book_of
from alerts.alert_sounds import keep_files, wanted_sounds
from alerts.desk import EmergencyDesk
from alerts.hazards import Hazard
from alerts.journal import AlertJournal
from alerts.templates import AlertMessage
from devices.communes import add_commune
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from devices.zones import add_zone, set_zones
from people.operators import Operator, appoint, standing_of
from people.passwords import hash_password
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE, COMMUNE_NAME
from tests.fakes.broker import FakeBroker
from usecases.actors import Actor
from usecases.emergencies import EmergencyOrder
from wire.alerts import Alert, open_alert
from wire.broadcasts import Rendition, Targets
from wire.sealing import PublicKey, SealingKey

KEY = SealingKey(bytes(range(32)))
PASSWORD = "con-mua-mua-he-14"
STORM = EmergencyOrder(message=AlertMessage(Hazard.STORM, 4), targets=Targets(all=True))


def make_book_ready(database: Database, commune_id: str = COMMUNE) -> None:
    """As if every sound had been made: 2 s each."""
    with database.writing() as session:
        for sound in wanted_sounds(session, commune_id):
            name = f"{sound.number:04x}{sound.language or 'xx'}".encode().hex()
            file = Rendition(sha256=name.ljust(64, "0"), bytes=1000, codec="opus", path=f"{name}.opus")
            keep_files(session, commune_id, sound, 2_000_000, [file])
        assert book_of(session, commune_id).sounds


class WatchRoom:
    """chair, deputy: may trigger and confirm. officer: may not."""

    def __init__(self, database: Database, clock: ManualClock, broker: FakeBroker) -> None:
        self.database, self.clock, self.broker = database, clock, broker
        with database.writing() as session:
            add_commune(session, COMMUNE, COMMUNE_NAME)
            station = add_station(session, COMMUNE, StationKind.IP, "IP").number
            for zone in ("thon-1", "thon-2"):
                add_zone(session, COMMUNE, zone, zone.replace("thon-", "Thôn "))
            for number in range(3):
                session.add(
                    Receiver(
                        id=f"loa-{number}",
                        commune_id=COMMUNE,
                        station_id=station,
                        name=f"Cụm {number}",
                        public_key="",
                        broker_hash="",
                        created_at=clock.now(),
                    )
                )
            session.flush()
            set_zones(session, "loa-2", COMMUNE, ["thon-2"])
        self.chair, self.deputy = self._person("chu-tich", "chair"), self._person("pho-chu-tich", "chair")
        self.officer = self._person("van-hoa", "operator")
        make_book_ready(database)
        self.journal = AlertJournal(database)
        self.desk = EmergencyDesk(database, broker, KEY, clock, self.journal)
        self.journal.start()

    def close(self) -> None:
        self.journal.close()

    def sent(self, *, is_drill: bool = False) -> list[Alert]:
        """What receivers would read, oldest first; each is opened as a receiver does."""
        kind = "drill" if is_drill else "alert"
        keys = {KEY.kid: PublicKey(KEY.public)}
        return [
            open_alert(payload, keys, COMMUNE, self.clock.now_us())
            for topic, payload, _, _ in self.broker.log
            if topic.startswith(f"loa/1/c/{COMMUNE}/{kind}/") and payload
        ]

    def _person(self, name: str, role: str) -> Actor:
        with self.database.writing() as session:
            person = Operator(
                name=name,
                password_hash=hash_password(PASSWORD),
                must_change_password=False,
                created_at=self.clock.now(),
            )
            session.add(person)
            session.flush()
            appoint(session, person.number, COMMUNE, Role(role))
            session.flush()
            return Actor(name, standing_of(session, person)[0])

"""A controller's parts for asking the pages, with a broker in memory and as many receivers as one likes."""

import functools
from datetime import time, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from alerts.alert_books import AlertBooks
from alerts.desk import EmergencyDesk
from alerts.journal import AlertJournal
from alerts.sound_making import SoundMaker
from broadcast.audio_silent import SilentRecordings
from broadcast.config_parts import config_parts
from broadcast.ingest import Ingest
from broadcast.media import Media
from broadcast.speech_ingest import SpeechIngest
from broadcast.transmitter import Transmitter
from devices.communes import add_commune
from devices.downlink import Downlink
from devices.enrolment import Issuer, enrol
from devices.nightly_test import NightlyTest
from devices.presence import PresenceWatch
from devices.stations import StationKind, add_station
from devices.zones import add_zone
from loa.merger_hooks import MERGER_HOOKS
from loa.notifications import notifier_of
from loa.programme_sound import programme_sound_of
from people.operators import Operator
from people.passwords import hash_password
from province.exchange import ProvinceExchange
from relay.station_test import StationTests
from relay.supervisor import RelaySupervisor
from runtime.alarms import Alarms
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.https import Https
from runtime.settings import Settings
from schedules.planner import Planner
from speech.engines import Engines
from studio.live_sessions import LiveSessions
from tests.cast import COMMUNE, COMMUNE_NAME, OPERATOR
from tests.fakes.broker import FakeBroker
from usecases.cap_emergencies import CapEmergencies
from usecases.services import Services
from web.access import form_token, open_session
from web.app import Deps, create_app
from web.language import translators
from wire.reports import ClockState, Heartbeat, PlayoutState
from wire.sealing import PublicKey, SealingKey

KEY = b"k" * 32
PASSWORD = "loa-phuong-2026"


@functools.cache
def _password_hash() -> str:
    """One for all tests: a hash takes 100 ms and more."""
    return hash_password(PASSWORD)


def _https(settings: Settings, secrets: Path, clock: ManualClock) -> Https | None:
    if settings.https_port is None:
        return None
    secrets.mkdir(mode=0o700)
    return Https(settings, secrets, clock)


class Office:
    """The pages over a small commune; `browser` is signed in."""

    def __init__(
        self, database: Database, clock: ManualClock, folder: Path, *, must_change: bool = False, **settings_of: Any
    ) -> None:
        self.database, self.clock, self.broker = database, clock, FakeBroker()
        seal = SealingKey(bytes(range(32)))
        downlink = Downlink(self.broker, seal, clock, media_base="http://loa.example/media/", config_parts=config_parts)
        self.presence = PresenceWatch(database, now=clock.now())
        transmitter = Transmitter(database, downlink, clock)
        ingest = Ingest(database, Media(folder / "m"), Media(folder / "o"), clock, most_bytes=10**7, most_hours=1)
        planner = Planner(database, clock, transmitter, plan_ahead=timedelta(hours=48))
        settings = Settings(data_dir=folder, **settings_of)
        hosts = frozenset(settings.relay_hosts.split())
        speech = SpeechIngest(database, ingest, Engines(settings.speech_models))
        self.journal = AlertJournal(database)
        self.journal.start()
        desk = EmergencyDesk(Database(database.url), self.broker, seal, clock, self.journal)
        live_services = Services(database, clock, announce=transmitter.wake, statuses=self.presence.snapshot)
        self.deps = Deps(
            settings=settings,
            session_key=KEY,
            database=database,
            clock=clock,
            ingest=ingest,
            speech=speech,
            media=Media(folder / "m"),
            originals=Media(folder / "o"),
            downlink=downlink,
            transmitter=transmitter,
            presence=self.presence,
            alarms=Alarms(clock, database),
            planner=planner,
            nightly_test=NightlyTest(
                database,
                SilentRecordings(Media(folder / "m")),
                downlink,
                self.presence,
                clock,
                at=time(2, 30),
                verdict_after=timedelta(hours=1),
            ),
            issuer=Issuer(broker_url="mqtt://b:1883", controller=PublicKey(seal.public)),
            accounts_changed=lambda: None,
            exchange=ProvinceExchange(
                database,
                clock,
                folder,
                downlink=downlink,
                presence=self.presence,
                ingest=ingest,
                transmitter=transmitter,
                planner=planner,
                say=translators()["vi"].refusal,
            ),
            merger_hooks=MERGER_HOOKS,
            notifier=notifier_of(settings, database, clock, KEY),
            programme_sound=programme_sound_of(Media(folder / "m")),
            https=_https(settings, folder / "secrets", clock),
            relays=RelaySupervisor(database, downlink, Media(folder / "m"), clock, hosts),
            station_tests=StationTests(hosts, clock.monotonic_us),
            desk=desk,
            alert_books=AlertBooks(
                database, self.broker, seal, clock, Media(folder / "m"), SoundMaker(Media(folder / "m"), Engines())
            ),
            live_sessions=LiveSessions(
                live_services, downlink, self.broker, ingest, Media(folder / "m"), Media(folder / "o")
            ),
            emergencies=CapEmergencies(desk),
        )
        with database.writing() as session:
            add_commune(session, COMMUNE, COMMUNE_NAME)
            self.station = add_station(session, COMMUNE, StationKind.FM, "FM Hậu Hiền").number
            add_zone(session, COMMUNE, "thon-1", "Thôn 1")
            lan = Operator(
                name=OPERATOR,
                password_hash=_password_hash(),
                must_change_password=must_change,
                admin=True,
                created_at=clock.now(),
            )
            session.add(lan)
            session.flush()
            token = open_session(session, lan.id or 0, clock.now())
        self.app = create_app(self.deps)
        self.browser = TestClient(self.app, follow_redirects=False)
        self.browser.cookies.set("loa_session", token)
        self.form_token = form_token(KEY, token)
        self.stranger = TestClient(self.app, follow_redirects=False)

    def add_receivers(self, count: int, first: int = 0) -> None:
        """So many receivers, all of them online."""
        with self.database.writing() as session:
            for k in range(first, first + count):
                enrol(
                    session,
                    self.deps.issuer,
                    receiver_id=f"loa-{k}",
                    commune_id=COMMUNE,
                    station_id=self.station,
                    name=f"Thôn {k}",
                    zones=["thon-1"],
                    now=self.clock.now(),
                )
        for k in range(first, first + count):
            beat = Heartbeat(
                session=1, sequence=1, clock=ClockState(locked=True, error_us=300), playout=PlayoutState(error_p99_us=9)
            )
            self.presence.heard(f"loa-{k}", beat, self.clock.now())

    def post(self, path: str, **fields: str) -> int:
        """Send a form of ours. Gives the status."""
        return self.browser.post(path, data={**fields, "form_token": self.form_token}).status_code

"""The controller: where all parts are joined. What opens last closes first, also after a start that failed."""

import gc
import hashlib
import logging
import signal
import socket
import threading
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import uvicorn

from broadcast import play_reports
from broadcast.backup_clip import backup_item
from broadcast.chimes import ensure_chimes
from broadcast.ingest import Ingest
from broadcast.media import Media
from broadcast.nightly_test import NightlyTest
from broadcast.transmitter import Transmitter
from devices import self_tests
from devices.communes import communes
from devices.downlink import Downlink
from devices.enrolment import CONTROLLER_USER, Issuer, accounts, acl_rows
from devices.presence import PresenceWatch
from devices.receivers import receivers
from devices.time_server import TimeServer
from devices.uplink import Uplink
from mergers.handover import Handover
from people.operators import create_first_operator
from province import reports_up
from province.exchange import Exchange
from runtime.alarms import Alarms
from runtime.broker import MqttBroker
from runtime.clock import ControllerClock
from runtime.database import Database, upgrade
from runtime.mosquitto import Mosquitto, Tls, hash_password
from runtime.refusal import N_, Refusal
from runtime.secret_files import Secrets
from runtime.settings import Settings
from web.app import Deps, create_app
from web.language import DEFAULT, translators
from wire.sealing import PublicKey, SealingKey

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
#: The broker is given this long at the start; after it we serve the page all the same and go on trying.
_BROKER_PATIENCE_S = 5.0
#: How often receivers added by another process are looked for.
#: Receivers take it only when it is new: of a new month (`devices.downlink`).
_CONFIGS_EVERY_S = 86_400
_ACCOUNTS_EVERY_S = 3.0
#: How often it is looked whether a self-test is due, or somebody is to be asked.
_TESTS_EVERY_S = 5.0
#: How often it is looked whether receivers are still to be told of a merger, one done by another process too.
_MERGERS_EVERY_S = 2.0
_PROVINCE_TIDY_EVERY_S = 86_400


def open_database(settings: Settings) -> Database:
    """The database, with its tables at the newest version. Raises Refusal."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database)
    upgrade(database, MIGRATIONS)
    return database


def issuer(settings: Settings, key: SealingKey, broker_url: str) -> Issuer:
    """What goes into every receiver's credentials. broker_url: where receivers find the broker."""
    ca = settings.broker_tls_ca.read_text() if settings.broker_tls_ca else None
    return Issuer(broker_url=broker_url, controller=PublicKey(key.public), tls_ca_pem=ca)


def public_broker_url(settings: Settings, port: int | None = None) -> str:
    """Where receivers find the broker, without any password. port: of the embedded one, when it is known already."""
    if settings.broker_url:
        scheme, _, rest = settings.broker_url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"
    scheme = "mqtts" if settings.broker_tls_certificate else "mqtt"
    return f"{scheme}://{settings.broker_public_host or settings.broker_host}:{port or settings.broker_port}"


class Controller:
    """Everything that runs while a controller runs. A context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.first_password: str | None = None
        self.first_operator = ""
        self._accounts: dict[str, str] = {}
        self._open = ExitStack()

    def __enter__(self) -> "Controller":
        try:
            self._join()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        log.info("stopped")

    def _join(self) -> None:
        settings, closing = self.settings, self._open
        # 1. What is kept: secrets, tables, audio.
        self.database = open_database(settings)
        closing.callback(self.database.close)
        self.secrets = Secrets.load_or_create(settings.data_dir / "secrets")
        self.key = SealingKey(self.secrets.controller_seed)
        self.clock = ControllerClock()
        media, originals = Media(settings.data_dir / "media"), Media(settings.data_dir / "originals")
        with self.database.writing() as session:
            first = create_first_operator(session, self.clock.now())
            if first is not None:
                self.first_operator, self.first_password = first
        # 2. The broker, and our connection to it.
        self.mosquitto = self._start_broker()
        self.broker = self._connect()
        closing.callback(self.broker.close)
        # 3. Who hears.
        self.downlink = Downlink(
            self.broker,
            self.key,
            self.clock,
            media_base=f"{settings.base_url}/media/",
            heartbeat_s=settings.heartbeat_s,
            fetch_between=(settings.fetch_from, settings.fetch_until),
        )
        self.downlink.backup_from(backup_item)
        self._start_time_server()
        self.presence = PresenceWatch(self.database, period_s=settings.heartbeat_s, now=self.clock.now())
        self.uplink = Uplink(self.broker, self.database, self.clock, self.downlink, self.presence)
        play_reports.register(self.uplink)
        self_tests.register(self.uplink)
        reports_up.register(self.uplink, self.clock)
        self.uplink.start()
        closing.callback(self.uplink.close)
        # 4. What goes out.
        self.ingest = Ingest(
            self.database,
            media,
            originals,
            self.clock,
            most_bytes=settings.max_upload_bytes,
            most_hours=settings.max_clip_hours,
        )
        self.ingest.start()
        closing.callback(self.ingest.close)
        self.transmitter = Transmitter(self.database, self.downlink, self.clock)
        self.handover = Handover(self.database, self.downlink, self.transmitter, self.clock)
        self.transmitter.start()
        closing.callback(self.transmitter.close)
        with self.database.session() as session:
            known = communes(session)
        for commune in known:
            ensure_chimes(self.database, media, commune.id, self.clock.now())
        # 5. When.
        self.alarms = Alarms(
            self.database,
            self.clock,
            self.transmitter,
            self.presence,
            plan_ahead=timedelta(hours=settings.plan_ahead_hours),
        )
        self.alarms.every(_ACCOUNTS_EVERY_S, "accounts", self._notice_accounts)
        self.alarms.every(_CONFIGS_EVERY_S, "configs", self._configure_all)
        self.nightly_test = NightlyTest(
            self.database,
            media,
            self.downlink,
            self.presence,
            self.clock,
            at=settings.self_test_at,
            verdict_after=timedelta(minutes=settings.self_test_verdict_after_min),
        )
        self.alarms.every(_TESTS_EVERY_S, "self-tests", self.nightly_test.step)
        self.alarms.every(_MERGERS_EVERY_S, "mergers", self.handover.step)
        self.alarms.start()
        closing.callback(self.alarms.close)
        # 6. The province. Made last of what works, so that what it is told of is there.
        self.exchange = Exchange(
            self.database,
            self.clock,
            settings.data_dir,
            downlink=self.downlink,
            presence=self.presence,
            ingest=self.ingest,
            transmitter=self.transmitter,
            alarms=self.alarms,
            say=translators()[DEFAULT].refusal,
        )
        self.alarms.every(_PROVINCE_TIDY_EVERY_S, "province", self.exchange.tidy)
        self.exchange.start()
        closing.callback(self.exchange.close)
        # A broker that came back without its store has lost what was retained.
        self.broker.on_connected(self._configure_all)
        if self.broker.connected:
            self._configure_all()
        # 7. What people see.
        self.app = create_app(
            Deps(
                settings=settings,
                session_key=self.secrets.session_key,
                database=self.database,
                clock=self.clock,
                ingest=self.ingest,
                media=media,
                originals=originals,
                downlink=self.downlink,
                transmitter=self.transmitter,
                presence=self.presence,
                alarms=self.alarms,
                nightly_test=self.nightly_test,
                issuer=issuer(settings, self.key, public_broker_url(settings, self._broker_port)),
                accounts_changed=self._accounts_changed,
                exchange=self.exchange,
            )
        )

    @property
    def _broker_port(self) -> int | None:
        return self.mosquitto.port if self.mosquitto else None

    def run_web(self) -> None:
        """Serve the page until SIGTERM or SIGINT."""
        config = uvicorn.Config(
            self.app,
            host=self.settings.http_host,
            port=self.settings.http_port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=3,
            proxy_headers=True,
            server_header=False,
        )
        # What was loaded stays; looking through it again and again would make one request in some hundred slow.
        gc.collect()
        gc.freeze()
        # uvicorn stops at a signal and then raises it again; without a handler of ours that would end the process
        # before anything is closed.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        uvicorn.Server(config).run()

    def _start_broker(self) -> Mosquitto | None:
        settings = self.settings
        if settings.broker_url:
            return None
        tls = None
        if settings.broker_tls_certificate and settings.broker_tls_key:
            tls = Tls(settings.broker_tls_certificate, settings.broker_tls_key)
        elif settings.broker_host not in ("127.0.0.1", "localhost", "::1") and not settings.broker_allow_plain:
            raise Refusal(
                N_(
                    "The broker would be heard beyond this machine without encryption. Set LOA_BROKER_TLS_CERTIFICATE "
                    "and LOA_BROKER_TLS_KEY, or LOA_BROKER_ALLOW_PLAIN=true inside a VPN."
                )
            )
        child = Mosquitto(
            settings.data_dir.absolute() / "broker",
            host=settings.broker_host,
            port=settings.broker_port,
            controller_user=CONTROLLER_USER,
            acl=acl_rows(),
            tls=tls,
        )
        self.mosquitto = child
        self._accounts_changed()
        child.start()
        self._open.callback(child.stop)
        return child

    def _start_time_server(self) -> None:
        """Answer for the time by datagram, when there is a port for it."""
        settings = self.settings
        port = self._broker_port if settings.time_port is None else settings.time_port
        if not port:
            return
        # Beside the broker where it is ours, else beside the page.
        listens = settings.broker_host if self.mosquitto else settings.http_host
        known = settings.broker_host if self.mosquitto else urlsplit(settings.base_url).hostname or listens
        server = TimeServer(self.downlink, self.clock, host=listens, port=port)
        self._open.callback(server.close)
        server.start()
        host = settings.broker_public_host or known
        self.downlink.time_address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _connect(self) -> MqttBroker:
        settings = self.settings
        if settings.broker_url:
            broker = MqttBroker(settings.broker_url, ca_file=settings.broker_tls_ca, client_id=_client_id(settings))
        else:
            if self.mosquitto is None:
                raise RuntimeError("the embedded broker was not started")
            broker = MqttBroker(
                self.mosquitto.url,
                user=CONTROLLER_USER,
                password=self.secrets.broker_password,
                ca_file=settings.broker_tls_ca,
            )
        connected = threading.Event()
        broker.on_connected(connected.set)
        if not broker.connected and not connected.wait(_BROKER_PATIENCE_S):
            log.error("the broker does not answer yet; receivers hear nothing new until it does")
        return broker

    def _accounts_changed(self) -> None:
        """The receivers changed: the embedded broker learns their accounts."""
        if self.mosquitto is None:
            with self.database.session() as session:
                self._accounts = accounts(session)
            return
        with self.database.session() as session:
            known = self._accounts = accounts(session)
        self.mosquitto.set_accounts({**known, CONTROLLER_USER: hash_password(self.secrets.broker_password)})

    def _notice_accounts(self) -> None:
        """Another process (`loa receiver add`, a second controller) may have added a receiver."""
        with self.database.session() as session:
            known = accounts(session)
        if known != self._accounts:
            self._accounts_changed()
            self._configure_all()

    def _configure_all(self) -> None:
        with self.database.session() as session:
            self.downlink.configure_all(session, receivers(session))


def _client_id(settings: Settings) -> str:
    """Our name at a broker of others: the same after a restart, another one for another controller."""
    place = f"{socket.gethostname()}:{settings.data_dir.absolute()}"
    return f"loa-controller-{hashlib.sha256(place.encode()).hexdigest()[:12]}"


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

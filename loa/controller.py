"""The controller: starts its parts in order and closes them in the reverse order, also after a failed start."""

import logging
import threading
from collections.abc import Collection
from contextlib import ExitStack
from datetime import datetime, timedelta

from broadcast import play_reports
from broadcast.chimes import ensure_all_chimes
from broadcast.config_parts import config_parts
from broadcast.media import Media
from broadcast.transmitter import Transmitter
from devices import self_tests
from devices.config_sender import ConfigSender
from devices.downlink import Downlink
from devices.presence import PresenceWatch
from devices.uplink import Uplink
from loa import periods
from loa.broker_access import broker_port, connect, embedded_broker, issuer, public_broker_url
from loa.broker_accounts import BrokerAccounts
from loa.cap import start_alerts
from loa.clock_watch import ClockWatch
from loa.connection_limits import raise_open_files
from loa.emergencies import Emergencies
from loa.ingest import ingest_of
from loa.installation import installation_secrets, secrets_folder
from loa.live_watch import LiveWatch
from loa.merger_hooks import MERGER_HOOKS
from loa.nightly_tests import nightly_test_of
from loa.notifications import notifier_of
from loa.programme_sound import programme_sound_of
from loa.relays import relays_of
from loa.schema import open_database
from loa.tidying import forget_old_samples
from loa.time_service import start_time_server
from loa.web_server import run_web_server
from mergers.handover import Handover
from people.operators import create_first_operator
from province import reports_up
from province.exchange import ProvinceExchange
from runtime.alarms import Alarms
from runtime.clock import ControllerClock
from runtime.counters import Counting
from runtime.https import Https
from runtime.settings import Settings
from schedules.freezing import freeze_in
from schedules.planner import Planner
from studio.live_sessions import LiveSessions
from usecases.services import Services
from web.app import Deps, create_app
from web.language import DEFAULT, translators
from web.rendering import Renderer
from wire.sealing import SealingKey

log = logging.getLogger(__name__)


class Controller:
    """Everything that runs while a controller runs. A context manager."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.first_operator = ""
        #: One-time password of the first operator; None when operators exist already.
        self.first_password: str | None = None
        self._closing = ExitStack()

    def __enter__(self) -> "Controller":
        try:
            self.open_files = raise_open_files()  # before the broker and ffmpeg are started, which inherit it
            self._open_storage()
            self._prepare_https()
            self._connect_broker()
            self._start_receiver_links()
            self._start_broadcasts()
            self._start_alarms()
            self._start_province()
            self._start_notifications()  # after everything that finds faults
            self._create_app()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()
        log.info("stopped")

    def run_web(self) -> None:
        """Serve the page until SIGTERM or SIGINT."""
        run_web_server(self.app, self.settings, self.https, self.open_files, self._begin_long_work)

    def _begin_long_work(self) -> None:
        """What takes long in a large installation. It begins once the page answers, which would else wait for it."""
        renderer: Renderer = self.app.state.renderer
        threading.Thread(target=renderer.compile_all, name="templates", daemon=True).start()
        self.alarms.run_soon("plan", "chimes")
        # A broker that restarted without its store has lost the retained configurations.
        self.broker.on_connected(lambda: self.alarms.run_soon("configs"))
        if self.broker.connected:
            self.alarms.run_soon("configs")

    def _open_storage(self) -> None:
        """Tables, secrets and audio folders; the first operator when there is none."""
        self.database = open_database(self.settings)
        self._closing.callback(self.database.close)
        self.secrets = installation_secrets(self.settings, self.database)
        self.key = SealingKey(self.secrets.controller_seed)
        self.clock = ControllerClock()
        self.clock_watch = ClockWatch(self.database, self.clock)
        self.clock_watch.begin()
        self.media = Media(self.settings.data_dir / "media")
        self.originals = Media(self.settings.data_dir / "originals")
        with self.database.writing() as session:
            first = create_first_operator(session, self.clock.now())
            if first is not None:
                self.first_operator, self.first_password = first

    def _prepare_https(self) -> None:
        self.https: Https | None = None
        if self.settings.https_port is not None:
            self.https = Https(self.settings, secrets_folder(self.settings), self.clock)

    def _connect_broker(self) -> None:
        """Start the embedded broker where the settings name no other, and connect."""
        self.mosquitto = embedded_broker(self.settings)
        self._accounts = BrokerAccounts(self.database, self.mosquitto, self.secrets.broker_password)
        self._accounts.publish()
        if self.mosquitto is not None:
            self.mosquitto.start()
            self._closing.callback(self.mosquitto.stop)
            self._accounts.end_sessions()
        self.broker = connect(self.settings, self.mosquitto, self.secrets.broker_password)
        self._closing.callback(self.broker.close)

    def _start_receiver_links(self) -> None:
        """Messages to and from receivers, the time server, and who is online."""
        settings = self.settings
        self.downlink = Downlink(
            self.broker,
            self.key,
            self.clock,
            media_base=f"{settings.base_url}/media/",
            heartbeat_s=settings.heartbeat_s,
            fetch_between=(settings.fetch_from, settings.fetch_until),
            count_command=Counting(self.database, "command"),
            config_parts=config_parts,
        )
        port = broker_port(self.mosquitto) if settings.time_port is None else settings.time_port
        if port:
            self._closing.callback(start_time_server(settings, self.downlink, self.clock, port).close)
        self.presence = PresenceWatch(self.database, period_s=settings.heartbeat_s, now=self.clock.now())
        self.broker.on_connected(lambda: self.presence.listening_again(self.clock.now()))
        self.broker.on_disconnected(lambda: self.presence.listening_ended(self.clock.now()))
        self._accounts.on_ended(self._credentials_ended)
        self.uplink = Uplink(self.broker, self.database, self.clock, self.downlink, self.presence)
        play_reports.register(self.uplink)
        self_tests.register(self.uplink)
        reports_up.register(self.uplink, self.clock)
        self.emergencies = Emergencies(settings, self.database, self.secrets, self.clock, self.media, self.presence)
        self.emergencies.start(self.uplink, self._closing)
        self.uplink.start()
        self._closing.callback(self.uplink.close)

    def _start_broadcasts(self) -> None:
        """Ingest of uploads, the transmitter, and the handover after mergers."""
        folders = self.media, self.originals
        self.ingest, self.speech = ingest_of(self.settings, self.database, *folders, self.clock, self._closing)
        self.transmitter = Transmitter(self.database, self.downlink, self.clock)
        wake, statuses, desk = self.transmitter.wake, self.presence.snapshot, self.emergencies.desk
        self._services = Services(self.database, self.clock, wake, statuses=statuses, desk=desk)
        self.live_sessions = LiveSessions(self._services, self.downlink, self.broker, self.ingest, *folders)
        self.live_sessions.recover()
        self.relays, self.station_tests = relays_of(
            self.settings, self.database, self.downlink, self.media, self.clock, self.broker, self._closing
        )
        self.handover = Handover(self.database, self.downlink, self.transmitter, self.clock)
        self.transmitter.start()
        self._closing.callback(self.transmitter.close)
        self.live_sessions.start()
        self._closing.callback(self.live_sessions.close)

    def _start_alarms(self) -> None:
        """What runs at intervals: planning, presence, accounts, configurations, self-tests, mergers."""
        self.planner = Planner(
            self.database, self.clock, self.transmitter, plan_ahead=timedelta(hours=self.settings.plan_ahead_hours)
        )
        self.config_sender = ConfigSender(self.database, self.downlink, self.clock)
        self.ingest.after_replacing(self._recording_replaced)
        self.alarms = Alarms(self.clock, self.database)
        self.alarms.every(periods.PLAN_EVERY_S, "plan", self.planner.plan_changed)
        self.alarms.every_if_due(
            periods.FREEZE_EVERY_S, "audiences", lambda: freeze_in(self.database, self.clock.now())
        )
        self.alarms.every(
            periods.PRESENCE_EVERY_S,
            "presence",
            lambda: self.presence.sweep(self.clock.now()),
            is_due=self.presence.may_change,
        )
        self.alarms.every_if_due(periods.LIVE_WATCH_EVERY_S, "live watch", LiveWatch(self._services, self.broker).step)
        self.alarms.every_if_due(periods.RELAYS_EVERY_S, "relays", self.relays.step)
        self.alarms.every(periods.TIDY_EVERY_S, "tidy", lambda: forget_old_samples(self.database, self.clock))
        self.alarms.every_if_due(periods.ACCOUNTS_EVERY_S, "accounts", self._notice_accounts)
        self.alarms.every(periods.CONFIGURE_EVERY_S, "configs", self.config_sender.send_all)
        self.alarms.every(
            periods.CHIMES_EVERY_S, "chimes", lambda: ensure_all_chimes(self.database, self.media, self.clock.now())
        )
        self.emergencies.add_alarms(self.alarms, self._services, self.speech)
        self.nightly_test = nightly_test_of(
            self.settings, self.database, self.media, self.downlink, self.presence, self.clock
        )
        self.alarms.every_if_due(periods.SELF_TESTS_EVERY_S, "self-tests", self.nightly_test.step)
        self.alarms.every_if_due(periods.MERGERS_EVERY_S, "mergers", self.handover.step)
        self.alarms.every(periods.CLOCK_EVERY_S, "clock", self.clock_watch.step, is_due=self.clock_watch.is_due)
        if self.https is not None:
            self.alarms.every(periods.HTTPS_EVERY_S, "https", self.https.renew)
        self.clock.on_step(self._clock_stepped)
        self.alarms.start()
        self._closing.callback(self.alarms.close)  # waits for what runs, so that ends first
        self._closing.callback(self.planner.close)
        self._closing.callback(self.config_sender.close)

    def _start_province(self) -> None:
        """The exchange with the province's system. Its messages act on all the parts started before it."""
        self.exchange = ProvinceExchange(
            self.database,
            self.clock,
            self.settings.data_dir,
            downlink=self.downlink,
            presence=self.presence,
            ingest=self.ingest,
            transmitter=self.transmitter,
            planner=self.planner,
            say=translators()[DEFAULT].refusal,
        )
        self.alarms.every(periods.PROVINCE_TIDY_EVERY_S, "province", self.exchange.tidy)
        self.exchange.start()
        self._closing.callback(self.exchange.close)

    def _start_notifications(self) -> None:
        self.outside_emergencies = start_alerts(self.settings, self.key.kid, self._services, self.alarms, self._closing)
        self.notifier = notifier_of(self.settings, self.database, self.clock, self.secrets.session_key)
        self.notifier.start()
        self._closing.callback(self.notifier.close)

    def _create_app(self) -> None:
        self.app = create_app(
            Deps(
                settings=self.settings,
                session_key=self.secrets.session_key,
                database=self.database,
                clock=self.clock,
                ingest=self.ingest,
                speech=self.speech,
                media=self.media,
                originals=self.originals,
                downlink=self.downlink,
                transmitter=self.transmitter,
                presence=self.presence,
                alarms=self.alarms,
                planner=self.planner,
                nightly_test=self.nightly_test,
                issuer=issuer(self.settings, self.key, public_broker_url(self.settings, broker_port(self.mosquitto))),
                accounts_changed=self._accounts.publish,
                exchange=self.exchange,
                merger_hooks=MERGER_HOOKS,
                notifier=self.notifier,
                relays=self.relays,
                station_tests=self.station_tests,
                programme_sound=programme_sound_of(self.media),
                https=self.https,
                live_sessions=self.live_sessions,
                emergencies=self.outside_emergencies,
                desk=self.emergencies.desk,
                alert_books=self.emergencies.books,
            )
        )

    def _clock_stepped(self, step_us: int) -> None:
        """Plan, announce and configure by the new time at once. Called from any thread, so it waits for nothing."""
        self.presence.clock_stepped(timedelta(microseconds=step_us))
        self.alarms.run_soon("clock", "plan", "configs", "self-tests", "mergers")
        self.transmitter.wake()

    def _credentials_ended(self, receiver_ids: Collection[str]) -> None:
        self.presence.credentials_ended(receiver_ids, self.clock.now())
        for receiver_id in receiver_ids:
            self.downlink.clear_retained(receiver_id)

    def _notice_accounts(self) -> datetime | None:
        if self._accounts.publish_if_changed():
            self.alarms.run_soon("configs")
        return self.clock.now() if self._accounts.is_ending_sessions else None

    def _recording_replaced(self) -> None:
        self.planner.plan_now()
        self.config_sender.send_all()

"""`loa live`: a file, standard input or a sound card on air, from a process of its own beside the controller."""

import logging
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import click

from broadcast.audio_live import LiveInput
from broadcast.live import LiveSender
from broadcast.live_encoder import LiveEncoder
from broadcast.live_pacing import send_followed, send_paced
from broadcast.manifests import manifest_of
from broadcast.on_air import (
    LIVE_LEAD,
    Broadcast,
    BroadcastState,
    broadcast,
    note_announced,
    plan_broadcast,
    state,
    stop,
)
from devices.communes import communes
from devices.connect_events import hear_births
from devices.downlink import Downlink
from devices.enrolment import CONTROLLER_USER
from devices.receivers import reached_by
from loa.controller import open_database
from loa.signals import stop_on_signals
from noise.noise_rules import check_allowed
from runtime.broker import MqttBroker
from runtime.clock import ControllerClock, to_us
from runtime.database import Database
from runtime.refusal import N_, Refusal
from runtime.secret_files import Secrets
from runtime.settings import Settings, load_settings
from wire import topics
from wire.broadcasts import BroadcastClass, LiveItem, Targets
from wire.live import RATE
from wire.sealing import SealingKey

log = logging.getLogger(__name__)

#: No live broadcast lasts longer: a microphone that was forgotten falls silent.
MOST_HOURS = 4.0
#: What is asked of the allowed hours before it begins.
_AT_LEAST = timedelta(seconds=1)
#: How long the broker may take to let us in, and to acknowledge the manifest.
BROKER_PATIENCE_S = 10.0
#: How often we look whether somebody stopped the broadcast on the page.
LOOK_EVERY_S = 0.5


class LiveOnAir:
    """One live broadcast, from its announcement to its stop. A context manager."""

    def __init__(
        self,
        database: Database,
        broker: MqttBroker,
        key: SealingKey,
        *,
        commune_id: str,
        targets: Targets,
        class_: BroadcastClass,
        title: str,
        buffer_ms: int,
        packets_per_message: int,
        bit_rate: int,
        hours: float = MOST_HOURS,
    ) -> None:
        """Nothing is planned before it is entered. broker: its owner closes it, after us."""
        self._database, self._broker, self._clock = database, broker, ControllerClock()
        # A manifest says nothing of where audio is fetched, nor how often hearts beat.
        self._downlink = Downlink(broker, key, self._clock, media_base="")
        self._commune, self._targets, self._class, self._title = commune_id, targets, class_, title
        self._buffer_us, self._length_us = buffer_ms * 1000, int(hours * 3_600_000_000)
        self._packets_per_message, self._bit_rate = packets_per_message, bit_rate
        self._planned: Broadcast | None = None
        self._sender: LiveSender | None = None
        #: Set it, and sending ends.
        self.ending = threading.Event()
        self._watch: threading.Thread | None = None

    def __enter__(self) -> "LiveOnAir":
        now = self._clock.now()
        with self._database.writing() as session:
            if not reached_by(session, self._commune, self._targets):
                raise Refusal(N_("No receiver would sound: there is none in what you chose."))
            starts_at = now + LIVE_LEAD
            # How long somebody will speak is not known; receivers fall silent where the allowed hours end.
            check_allowed(session, self._commune, self._targets, self._class, starts_at, starts_at + _AT_LEAST)
            item = LiveItem(offset_us=0, duration_us=self._length_us, buffer_us=self._buffer_us)
            self._planned = plan_broadcast(
                session,
                commune_id=self._commune,
                title=self._title,
                class_=self._class,
                targets=self._targets,
                starts_at=starts_at,
                length_us=self._length_us,
                items=[item],
                now=now,
                by="loa live",
                cause="put_on_air",
            )
        self._announce()
        hear_births(self._broker, self._joined)
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        if self._watch is not None:
            self._watch.join()
        if self._planned is not None:
            with self._database.writing() as session:
                stop(session, self._planned.id, self._clock.now(), by="loa live", cause="live_ended")
            self._announce()

    @property
    def id(self) -> str:
        """The broadcast's."""
        return self._of().id

    def send(self, source: LiveInput, *, skip_early: bool = False) -> None:
        """Send until the source ends, `ending` is set, or somebody stopped the broadcast on the page.

        skip_early: what comes before the broadcast's start is not worth waiting for (a microphone). Raises Refusal
        when nothing could be read.
        """
        starts_at_us = to_us(self._of().starts_at)
        self._watch = threading.Thread(target=self._end_with, args=(source.stop,), name="live watch", daemon=True)
        self._watch.start()
        try:
            if source.paced:
                pieces: Iterable[bytes] = source.pieces()
                if skip_early:
                    pieces = self._from(pieces, starts_at_us - self._buffer_us)
                send_followed(pieces, self._new_sender, self._clock, self.ending.is_set, self._buffer_us, starts_at_us)
            else:
                send_paced(
                    source.pieces(), self._new_sender(starts_at_us), self._clock, self.ending.wait, self._buffer_us
                )
            # What was sent last has not sounded yet.
            if (last := self._sender) is not None:
                ends_at_us = last.starts_at_us + last.samples * 1_000_000 // RATE
                self.ending.wait(max(0.0, (ends_at_us - self._clock.now_us()) / 1e6))
        except Refusal:
            if not self.ending.is_set():
                raise

    def _of(self) -> Broadcast:
        if self._planned is None:
            raise RuntimeError("the broadcast is not planned yet")
        return self._planned

    def _new_sender(self, starts_at_us: int) -> LiveSender:
        topic = topics.live(self._commune, self.id)
        self._sender = LiveSender(
            lambda payload: self._downlink.send_frame(topic, payload),
            topic,
            self._downlink.key,
            LiveEncoder(self._bit_rate),
            starts_at_us=starts_at_us,
            packets_per_message=self._packets_per_message,
            buffer_us=self._buffer_us,
        )
        return self._sender

    def _joined(self, _receiver: str) -> None:
        if (sender := self._sender) is not None:
            sender.again()

    def _from(self, pieces: Iterable[bytes], since_us: int) -> Iterator[bytes]:
        for piece in pieces:
            if self._clock.now_us() >= since_us:
                yield piece

    def _announce(self) -> None:
        """The controller's transmitter would find it within a second as well; a live start is too short for that."""
        with self._database.session() as session:
            self._planned = broadcast(session, self.id)
            manifest = manifest_of(self._planned, self._clock.now())
        if self._downlink.send_manifest(self._commune, manifest).wait(BROKER_PATIENCE_S):
            with self._database.writing() as session:
                note_announced(session, self.id, manifest.revision, self._clock.now())

    def _end_with(self, end: Callable[[], None]) -> None:
        """End the reading when sending shall end: it would wait for sound for ever."""
        while not self.ending.wait(LOOK_EVERY_S):
            try:
                with self._database.session() as session:
                    now = state(broadcast(session, self.id), self._clock.now())
            except Exception:
                log.exception("it could not be seen whether the broadcast was stopped")
                continue
            if now not in (BroadcastState.PLANNED, BroadcastState.ANNOUNCED, BroadcastState.ON_AIR):
                self.ending.set()
        end()


def connect(settings: Settings, kept: Secrets) -> MqttBroker:
    """A connection of its own, with a client id of its own. Raises Refusal when the broker does not answer."""
    url = settings.broker_url
    if not url:
        scheme = "mqtts" if settings.broker_tls_certificate else "mqtt"
        host = "127.0.0.1" if settings.broker_host in ("0.0.0.0", "::", "") else settings.broker_host  # noqa: S104
        url = f"{scheme}://{host}:{settings.broker_port}"
    connection = MqttBroker(
        url,
        user=CONTROLLER_USER,
        password=kept.broker_password,
        client_id=f"loa-live-{secrets.token_hex(4)}",
        ca_file=settings.broker_tls_ca,
        clean=True,
    )
    until_s = time.monotonic() + BROKER_PATIENCE_S
    while not connection.connected:
        if time.monotonic() > until_s:
            connection.close()
            raise Refusal(N_("The broker does not answer. Is the controller running, with the same data folder?"))
        time.sleep(0.02)
    return connection


@click.command(help="Put a recording, standard input (-) or a sound card (--device) on air, live.")
@click.argument("source", metavar="FILE|-", required=False)
@click.option("--device", help="A sound card instead of FILE, by its ALSA name: default, hw:1.")
@click.option("--raw", is_flag=True, help="Standard input is S16_LE, 48 kHz, two channels.")
@click.option("--commune", help="Its short name; may be left out when there is one only.")
@click.option("--zone", "zones", multiple=True, help="A zone that shall sound; by default the whole commune.")
@click.option("--receiver", "receivers", multiple=True, help="A receiver that shall sound.")
@click.option(
    "--class", "class_", type=click.Choice([c.value for c in BroadcastClass]), default="normal", show_default=True
)
@click.option("--title", default="Phát trực tiếp", show_default=True, help="As people see it on the page.")
@click.option(
    "--buffer-ms",
    type=click.IntRange(100, 10_000),
    default=1000,
    show_default=True,
    help="How long before its sounding a frame is sent: LAN 300, 4G 1000.",
)
@click.option("--packets-per-message", type=click.IntRange(1, 50), default=2, show_default=True, help="Of 20 ms each.")
@click.option("--bit-rate", type=click.IntRange(6_000, 256_000), default=32_000, show_default=True, help="bit/s.")
@click.option(
    "--hours", type=click.FloatRange(0.01, MOST_HOURS), default=MOST_HOURS, show_default=True, help="At most."
)
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The controller's data folder.")
@click.option("--broker-host", help="As for loa serve.")
@click.option("--broker-port", type=int, help="As for loa serve.")
@click.option("--broker-url", help="As for loa serve.")
def live(
    source: str | None,
    device: str | None,
    raw: bool,
    commune: str | None,
    zones: tuple[str, ...],
    receivers: tuple[str, ...],
    class_: str,
    title: str,
    buffer_ms: int,
    packets_per_message: int,
    bit_rate: int,
    hours: float,
    data: Path | None,
    **options: str | int | None,
) -> None:
    """Runs on the controller's machine; ends with the input, at a signal, or when stopped on the page."""
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    if (source is None) == (device is None):
        raise click.UsageError("Name one source: a FILE, - for standard input, or --device NAME.")
    try:
        given = {name: value for name, value in options.items() if value is not None}
        settings = load_settings(**given, **({"data_dir": data} if data is not None else {}))
        if not settings.broker_url and not (settings.data_dir / "secrets" / "broker.password").exists():
            raise Refusal(N_("There is no controller in {folder}. Name its folder with --data."), folder=str(data))
        sound = _input(source, device, raw)
        kept = Secrets.load_or_create(settings.data_dir / "secrets")
        database = open_database(settings)
        try:
            where = commune or _only_commune(database)
            targets = Targets(all=not zones and not receivers, zones=list(zones), receivers=list(receivers))
            connection = connect(settings, kept)
            try:
                on_air = LiveOnAir(
                    database,
                    connection,
                    SealingKey(kept.controller_seed),
                    commune_id=where,
                    targets=targets,
                    class_=BroadcastClass(class_),
                    title=title,
                    buffer_ms=buffer_ms,
                    packets_per_message=packets_per_message,
                    bit_rate=bit_rate,
                    hours=hours,
                )
                stop_on_signals(on_air.ending)
                with on_air, sound:
                    click.echo(f"On air: {on_air.id}")
                    on_air.send(sound, skip_early=device is not None)
            finally:
                connection.close()
        finally:
            database.close()
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from refusal


def _input(source: str | None, device: str | None, raw: bool) -> LiveInput:
    if device is not None:
        return LiveInput.device(device)
    if source == "-" or source is None:
        return LiveInput.pipe(sys.stdin.buffer, raw=raw)
    return LiveInput.file(Path(source))


def _only_commune(database: Database) -> str:
    with database.session() as session:
        known = communes(session)
    if len(known) != 1:
        raise Refusal(N_("There are {count} communes. Name one with --commune."), count=len(known))
    return known[0].id

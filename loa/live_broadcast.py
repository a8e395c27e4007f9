"""One live broadcast: planned, announced, sent, stopped, beside a running controller."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from broadcast.announcements import note_announced
from broadcast.audio_live import LiveSource
from broadcast.broadcasts import Broadcast, BroadcastState, broadcast, state
from broadcast.live import LiveSender
from broadcast.live_encoder import LiveEncoder
from broadcast.live_pacing import send_followed, send_paced
from broadcast.manifests import manifest_of
from devices.connect_events import on_session_start
from devices.downlink import Downlink
from runtime.broker import MqttBroker
from runtime.clock import ControllerClock, to_us
from runtime.database import Database
from runtime.refusal import Refusal
from studio.live_recordings import LiveRecording
from usecases.actors import LIVE
from usecases.broadcasts import stop
from usecases.live_broadcasts import put_live_on_air
from usecases.services import Services
from wire import topics
from wire.broadcasts import BroadcastClass, Targets
from wire.live import RATE
from wire.sealing import SealingKey

log = logging.getLogger(__name__)

#: The longest live broadcast: a microphone that was left open falls silent after it.
MOST_HOURS = 4.0
#: How long the broker may take to accept the connection, and to acknowledge the manifest.
BROKER_TIMEOUT_S = 10.0
#: How often the table is asked whether the broadcast was stopped on the page.
STOP_CHECK_EVERY_S = 0.5


class LiveBroadcast:
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
        recording_folder: Path,
        hours: float = MOST_HOURS,
        over: bool = False,
    ) -> None:
        """The broadcast is planned on entering the context. broker: closed by the caller, after the context.

        recording_folder: where its recording grows, which the controller makes a clip of.
        over: whether it may interrupt a person who is speaking live.
        """
        self._database, self._broker, self._clock = database, broker, ControllerClock()
        # They notify nobody: `_announce` sends the manifest itself, and waits for the broker.
        self._services = Services(database, self._clock)
        # A live manifest has no audio to fetch and sets no heartbeat period.
        self._downlink = Downlink(broker, key, self._clock, media_base="")
        self._commune, self._targets, self._class, self._title = commune_id, targets, class_, title
        self._buffer_us, self._longest = buffer_ms * 1000, timedelta(hours=hours)
        self._over = over
        self._packets_per_message, self._bit_rate = packets_per_message, bit_rate
        self._recording_folder = recording_folder
        self._recording: LiveRecording | None = None
        self._planned: Broadcast | None = None
        self._sender: LiveSender | None = None
        #: Setting it ends the sending.
        self.ending = threading.Event()
        self._stop_watch: threading.Thread | None = None

    def __enter__(self) -> "LiveBroadcast":
        self._planned = put_live_on_air(
            self._services,
            LIVE,
            self._commune,
            targets=self._targets,
            class_=self._class,
            title=self._title,
            longest=self._longest,
            buffer_us=self._buffer_us,
            over=None if self._over else (),
        )
        self._recording = LiveRecording(self._recording_folder, self.id)
        self._announce()
        on_session_start(self._broker, self._repeat_start)
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        if self._stop_watch is not None:
            self._stop_watch.join()
        if self._recording is not None:
            self._recording.close()
        if self._planned is not None:
            stop(self._services, LIVE, self._commune, self._planned.id, cause="live_ended")
            self._announce()

    @property
    def is_recorded(self) -> bool:
        return self._recording is not None and not self._recording.failed

    @property
    def id(self) -> str:
        return self._broadcast().id

    def send(self, source: LiveSource, *, skip_early: bool = False) -> None:
        """Send until the source ends, `ending` is set, or the broadcast is stopped on the page.

        skip_early: drop what arrives before the broadcast starts, as from a microphone. Raises Refusal when nothing
        could be read.
        """
        starts_at_us = to_us(self._broadcast().starts_at)
        self._stop_watch = threading.Thread(
            target=self._stop_source_when_ending, args=(source.stop,), name="live stop watch", daemon=True
        )
        self._stop_watch.start()
        try:
            if source.paced:
                pieces: Iterable[bytes] = source.pieces()
                if skip_early:
                    pieces = self._since(pieces, starts_at_us - self._buffer_us)
                pieces = self._recorded(pieces)
                send_followed(pieces, self._new_sender, self._clock, self.ending.is_set, self._buffer_us, starts_at_us)
            else:
                send_paced(
                    self._recorded(source.pieces()),
                    self._new_sender(starts_at_us),
                    self._clock,
                    self.ending.wait,
                    self._buffer_us,
                )
            # What was sent last is still in the receivers' buffers.
            if (sender := self._sender) is not None:
                ends_at_us = sender.starts_at_us + sender.samples * 1_000_000 // RATE
                self.ending.wait(max(0.0, (ends_at_us - self._clock.now_us()) / 1e6))
        except Refusal:
            if not self.ending.is_set():
                raise

    def _broadcast(self) -> Broadcast:
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

    def _repeat_start(self, _receiver: str) -> None:
        if (sender := self._sender) is not None:
            sender.again()

    def _since(self, pieces: Iterable[bytes], since_us: int) -> Iterator[bytes]:
        for piece in pieces:
            if self._clock.now_us() >= since_us:
                yield piece

    def _recorded(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self._recording is not None:
                self._recording.write(piece)
            yield piece

    def _announce(self) -> None:
        """Publish the manifest now; the controller's transmitter would take up to a second."""
        with self._database.session() as session:
            self._planned = broadcast(session, self.id)
            manifest = manifest_of(self._planned, self._clock.now())
        if self._downlink.send_manifest(self._commune, manifest).wait(BROKER_TIMEOUT_S):
            with self._database.writing() as session:
                note_announced(session, {self.id: manifest.revision}, self._clock.now())

    def _stop_source_when_ending(self, stop_source: Callable[[], None]) -> None:
        """A source without sound blocks its reader; stopping the source is the only way to end the sending then."""
        while not self.ending.wait(STOP_CHECK_EVERY_S):
            try:
                with self._database.session() as session:
                    state_now = state(broadcast(session, self.id), self._clock.now())
            except Exception:
                log.exception("broadcast %s: its state could not be read", self.id)
                continue
            if state_now not in (BroadcastState.PLANNED, BroadcastState.ANNOUNCED, BroadcastState.ON_AIR):
                self.ending.set()
        stop_source()

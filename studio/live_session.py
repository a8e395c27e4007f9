"""Live session: one live broadcast from a browser, from its announcement to its stop.

A thread sends 20 ms at a time, each `lead` before it sounds: the chime, then the microphone, then silence where the
microphone gives nothing. So receivers never miss frames because of the browser's link, and everything that ends the
broadcast ends it in one place.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from broadcast.live import LiveSender
from broadcast.live_decoder import BadPacket, LiveDecoder
from broadcast.live_encoder import LiveEncoder
from broadcast.live_rules import LiveRules
from broadcast.programmes import ItemKind
from devices.downlink import Downlink
from runtime.clock import to_us
from studio.live_limits import LiveEnd, LiveLimit, LiveLimits
from studio.live_recordings import LiveRecording
from studio.live_status import LivePhase, LiveRequest, LiveStatus, for_monitor, level_dbfs
from studio.microphone_buffer import MicrophoneBuffer
from studio.microphone_frames import FRAME_BYTES, MicrophoneCodec, MicrophoneFrame, not_a_frame
from usecases.actors import Actor
from usecases.broadcasts import stop
from usecases.live_broadcasts import put_live_on_air
from usecases.services import Services
from wire import topics
from wire.live import RATE

log = logging.getLogger(__name__)

#: Above this level (of full scale) a voice is heard; below it a microphone is silent.
VOICE_DBFS = -50.0
#: Without a frame for so long the browser is away.
AWAY_US = 1_000_000
#: In a window of this length at least so many frames must come: less is no sound that anybody understands.
PACE_WINDOW_US, LEAST_FRAMES = 10_000_000, 250
#: Above this lead a message holds more packets: fewer messages, and 4G sends them no later.
LAN_LEAD_MS = 600
BIT_RATE = 32_000


class LiveSession:
    """`start`, then `take` frames of the microphone from any thread; `end` it, or it ends by itself."""

    def __init__(
        self,
        services: Services,
        downlink: Downlink,
        folder: Path,
        actor: Actor,
        request: LiveRequest,
        rules: LiveRules,
        chimes: Mapping[ItemKind, bytes],
        on_ended: Callable[["LiveSession"], None],
    ) -> None:
        """folder: where its recording grows. chimes: of the commune. Puts it on air; raises NotAllowed, Refusal."""
        self._services, self._downlink, self._clock = services, downlink, services.clock
        self._actor, self._rules, self._on_ended = actor, rules, on_ended
        self.request, self.speaker = request, actor.name
        self._chimes = {kind: chimes[kind] if request.with_chime else b"" for kind in chimes}
        self.broadcast = put_live_on_air(
            services,
            actor,
            request.commune_id,
            targets=request.targets,
            class_=request.class_,
            title=request.title,
            longest=timedelta(minutes=rules.longest_min, seconds=self._chimes_s) + _AROUND,
            buffer_us=rules.lead_ms * 1000,
            over=request.over,
        )
        self._starts_at_us, self._lead_us = to_us(self.broadcast.starts_at), rules.lead_ms * 1000
        self._lock = threading.Lock()
        self._buffer, self._decoder = MicrophoneBuffer(), LiveDecoder()
        self._limits = LiveLimits(
            silence_us=rules.silence_s * 1_000_000,
            length_us=rules.longest_min * 60_000_000,
            begins_us=self._starts_at_us,
        )
        self._recording = LiveRecording(folder, self.broadcast.id)
        self._sender: LiveSender | None = None
        self._phase, self._limit = LivePhase.OPENING, LiveLimit()
        self._end: LiveEnd | None = None
        self._chime_at = 0  # bytes of the chime that were sent
        self._level_dbfs = -100.0
        self._frame_us = self._pace_us = self._starts_at_us
        self._frames = 0
        self._connection = 0
        #: Receives what goes out, 20 ms at 16 kHz at a time, in the session's thread.
        self.monitor: Callable[[bytes], None] | None = None
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"live {self.broadcast.id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def connect(self) -> int:
        """A browser takes over the microphone. Returns the number of the connection, for `take`."""
        with self._lock:
            self._connection += 1
            if self._connection > 1:
                self._buffer.reconnected()
                self._decoder = LiveDecoder()
            return self._connection

    def take(self, connection: int, frame: MicrophoneFrame) -> bool:
        """A frame of the microphone; False when another connection has taken over. Raises Refusal: no sound."""
        now_us = self._clock.now_us()
        with self._lock:
            if connection != self._connection:
                return False
            try:
                pcm = self._decoder.decode(frame.sound) if frame.codec is MicrophoneCodec.OPUS else frame.sound
            except BadPacket:
                raise not_a_frame() from None
            self._frame_us, self._frames = now_us, self._frames + 1
            self._limits.connected()
            self._buffer.put(frame.number, frame.captured_us, pcm, now_us)
        return True

    def end(self, reason: LiveEnd) -> None:
        """May be called again: the first reason is kept."""
        with self._lock:
            self._end = self._end or reason

    def repeat_start(self) -> None:
        """A receiver has joined: it gets the frames that are still to sound."""
        if (sender := self._sender) is not None:
            sender.again()

    @property
    def lead_ms(self) -> int:
        return self._rules.lead_ms

    @property
    def opens_in_ms(self) -> int:
        """How long until the microphone is heard; 0 when it is."""
        chime_us = len(self._chimes[ItemKind.OPENING_CHIME]) // 2 * 1_000_000 // RATE
        return max(0, self._starts_at_us - self._lead_us + chime_us - self._clock.now_us()) // 1000

    @property
    def _chimes_s(self) -> int:
        return sum(map(len, self._chimes.values())) // (2 * RATE)

    @property
    def status(self) -> LiveStatus:
        now_us = self._clock.now_us()
        with self._lock:
            return LiveStatus(
                self._phase,
                self._end,
                self._limit,
                max(0, now_us - self._starts_at_us),
                self._level_dbfs,
                self._buffer.counts,
                self._buffer.age_us,
                self._buffer.held_us,
                now_us - self._frame_us > AWAY_US,
                self._recording.failed,
            )

    def _run(self) -> None:
        try:
            self._send()
        except Exception:
            log.exception("live broadcast %s failed", self.broadcast.id)
            self.end(LiveEnd.FAILED)
        finally:
            self._recording.close()
            cause = "sender_lost" if self._end is LiveEnd.CONNECTION else "live_ended"
            try:
                stop(self._services, self._actor, self.request.commune_id, self.broadcast.id, cause=cause)
            except Exception:
                log.exception("live broadcast %s could not be stopped", self.broadcast.id)
            with self._lock:
                self._phase = LivePhase.ENDED
            self.ended.set()
            self._on_ended(self)

    def _send(self) -> None:
        sender = self._new_sender(self._starts_at_us)
        while True:
            due_us = sender.starts_at_us + sender.samples * 1_000_000 // RATE - self._lead_us
            now_us = self._clock.now_us()
            if now_us < due_us:
                time.sleep(min(0.1, (due_us - now_us) / 1e6))
                if self._end is LiveEnd.ELSEWHERE:
                    return
                continue
            if now_us - due_us > self._lead_us:
                sender = self._new_sender(now_us + self._lead_us)  # this machine stood still
            if (block := self._next_block(now_us)) is None:
                break
            sender.send(block)
            if (monitor := self.monitor) is not None:
                monitor(for_monitor(block))
        sender.finish()
        ends_at_us = sender.starts_at_us + sender.samples * 1_000_000 // RATE
        while (left_us := ends_at_us - self._clock.now_us()) > 0 and self._end is not LiveEnd.ELSEWHERE:
            time.sleep(min(0.1, left_us / 1e6))

    def _next_block(self, now_us: int) -> bytes | None:
        with self._lock:
            block = self._block(now_us)
        if block is not None and self._phase is LivePhase.SPEAKING:
            self._recording.write(block)
        return block

    def _block(self, now_us: int) -> bytes | None:
        if self._end is LiveEnd.ELSEWHERE:
            return None
        if self._phase is LivePhase.OPENING:
            if self._end is None and (chime := self._chime(ItemKind.OPENING_CHIME)):
                return chime
            self._phase, self._chime_at = LivePhase.SPEAKING, 0
            self._buffer.begin()
        if self._phase is LivePhase.SPEAKING:
            self._watch(now_us)
            if self._end is None:
                block = self._buffer.take(now_us) or bytes(FRAME_BYTES)
                self._level_dbfs = level_dbfs(block)
                if self._level_dbfs > VOICE_DBFS:
                    self._limits.heard(now_us)
                return block
            self._phase, self._level_dbfs = LivePhase.CLOSING, -100.0
        return self._chime(ItemKind.CLOSING_CHIME)

    def _watch(self, now_us: int) -> None:
        if now_us - self._frame_us > AWAY_US:
            self._limits.disconnected(self._frame_us)
        self._limit = self._limits.step(now_us)
        self._end = self._end or self._limit.end
        if now_us - self._pace_us >= PACE_WINDOW_US:
            if self._pace_us > self._starts_at_us and self._frames < LEAST_FRAMES:
                self._end = self._end or LiveEnd.CONNECTION
            self._pace_us, self._frames = now_us, 0

    def _chime(self, kind: ItemKind) -> bytes | None:
        samples = self._chimes[kind]
        block = samples[self._chime_at : self._chime_at + FRAME_BYTES]
        self._chime_at += len(block)
        return block.ljust(FRAME_BYTES, b"\0") if block else None

    def _new_sender(self, starts_at_us: int) -> LiveSender:
        topic = topics.live(self.request.commune_id, self.broadcast.id)
        self._sender = LiveSender(
            lambda payload: self._downlink.send_frame(topic, payload),
            topic,
            self._downlink.key,
            LiveEncoder(BIT_RATE),
            starts_at_us=starts_at_us,
            packets_per_message=1 if self._rules.lead_ms <= LAN_LEAD_MS else 5,
            buffer_us=self._lead_us,
        )
        return self._sender


#: The lead, and what the clocks are apart, are beyond the longest time that is spoken.
_AROUND = timedelta(seconds=10)

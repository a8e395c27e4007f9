"""One connection to a station: fetched in a thread, decoded by a process, buffered until it is taken."""

import logging
import threading
from collections.abc import Callable, Collection

from broadcast.audio_relay import StreamDecoder
from relay.audio_buffer import AudioBuffer
from relay.levels import LOWEST_DB, level_db
from relay.station_stream import StationStream, StreamEnded
from runtime.refusal import N_, Refusal
from wire.live import RATE

log = logging.getLogger(__name__)

#: How long the decoder may take for its last audio.
_DRAIN_S = 70.0
#: A pause between two words is no silence.
_PAUSE_US = 500_000
_BYTES_PER_S = RATE * 2


class RelayConnection:
    """From its creation until it fails or is closed."""

    def __init__(
        self,
        url: str,
        trusted: Collection[str],
        audio: AudioBuffer,
        monotonic_us: Callable[[], int],
        silence_db: float = LOWEST_DB,
    ) -> None:
        """audio: where it puts what it decodes; of the relay, which outlives the connection."""
        self.url = url
        self._audio, self._silence_db = audio, silence_db
        self._monotonic_us = monotonic_us
        self._closing = threading.Event()
        self._stream = StationStream(url, trusted, self._closing.wait)
        self._lock = threading.Lock()
        self._decoder: StreamDecoder | None = None
        self._failure: Refusal | None = None
        #: When audio came last, by `monotonic_us`; None when none came.
        self.last_audio_us: int | None = None
        #: Of the newest audio.
        self.level_db = LOWEST_DB
        #: How much audio came since the last silence.
        self.heard_us = 0
        self._quiet_us = 0
        self._thread = threading.Thread(target=self._run, name="relay fetch", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> Refusal | None:
        """Why nothing more will come; None while the connection is open."""
        return self._failure

    @property
    def burst_us(self) -> int:
        """The length of the bursts in which sound comes; 0 for a continuous stream."""
        return round(self._stream.burst_s * 1e6)

    def close(self) -> None:
        """From any thread. Its threads end soon after."""
        self._closing.set()
        self._stream.close()
        with self._lock:
            if self._decoder is not None:
                self._decoder.kill()

    def wait_closed(self, timeout_s: float) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            for block in self._stream.blocks():
                if self._closing.is_set():
                    break
                if block is None:
                    self._finish_decoder()
                elif not self._feed(block):
                    raise _unreadable()
            raise StreamEnded
        except Refusal as refusal:
            failure = refusal
        except Exception as error:
            log.exception("relay %s: the connection failed", self.url)
            failure = Refusal(N_("The connection to {host} failed ({why})."), host=self.url[:80], why=str(error)[:150])
        self._finish_decoder()
        is_readable = self.last_audio_us is not None or not isinstance(failure, StreamEnded)
        self._failure = failure if is_readable else _unreadable()

    def _feed(self, block: bytes) -> bool:
        with self._lock:
            if self._closing.is_set():
                return True
            if self._decoder is None:
                self._decoder = StreamDecoder(self._decoded)
            decoder = self._decoder
        return decoder.feed(block) or self._closing.is_set()

    def _finish_decoder(self) -> None:
        with self._lock:
            decoder, self._decoder = self._decoder, None
        if decoder is not None:
            if self._closing.is_set():
                decoder.kill()
            else:
                decoder.finish(_DRAIN_S)

    def _decoded(self, pcm: bytes) -> None:
        self._audio.put(pcm, self._closing.is_set)
        self._note(pcm)

    def _note(self, pcm: bytes) -> None:
        self.level_db, length_us = level_db(pcm), len(pcm) * 1_000_000 // _BYTES_PER_S
        self._quiet_us = self._quiet_us + length_us if self.level_db < self._silence_db else 0
        is_sound = self._quiet_us == 0 or (self._quiet_us <= _PAUSE_US and self.heard_us > 0)
        self.heard_us = self.heard_us + length_us if is_sound else 0
        self.last_audio_us = self._monotonic_us()


def _unreadable() -> Refusal:
    return Refusal(N_("This address sends no sound that Loa can read (MP3, AAC, Opus, HLS). Use another one."))

"""The sound of one relay, piece by piece: the station's while it delivers, else the fallback's."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from broadcast.live_pacing import VariableRate
from relay.audio_buffer import AudioBuffer
from relay.connection import RelayConnection
from relay.fallback_sound import FallbackSound
from relay.levels import LOWEST_DB, crossfaded, level_db
from relay.source_choice import Observed, Playing, SourceChoice
from relay.station_clock import StationClock
from runtime.refusal import Refusal
from wire.live import PACKET_MS, RATE

#: 20 ms, one packet.
PIECE_BYTES = RATE * PACKET_MS // 1000 * 2
PIECE_US = PACKET_MS * 1000
#: Kept buffered while the station does not sound yet: it comes in bursts, and begins with a reserve.
_KEPT_US, _KEPT_BURSTS = 4_000_000, 3
#: A buffer that has grown by so much, since servers begin with a burst at each connection, is cut to the kept length.
_MOST_GROWN_US = 8_000_000


@dataclass(frozen=True)
class RelayedStation:
    """silence_us: so much below silence_db is a failure; 0: silence is none."""

    name: str
    addresses: Sequence[str]
    silence_db: float = -50.0
    silence_us: int = 20_000_000


@dataclass
class PlayerState:
    """What `RelayPlayer` did last, for other threads to read. reason: why the fallback sounds."""

    on_station: bool = False
    reason: Refusal | None = None
    address: str = ""
    level_db: float = LOWEST_DB
    #: Pieces sent.
    station_pieces: int = field(default=0)
    fallback_pieces: int = field(default=0)


class RelayPlayer:
    """For one thread, which calls `step` at least every 50 ms."""

    def __init__(
        self,
        station: RelayedStation,
        fallback: FallbackSound,
        trusted: Collection[str],
        monotonic_us: Callable[[], int],
    ) -> None:
        self.state = PlayerState()
        self._fallback, self._trusted, self._monotonic_us = fallback, trusted, monotonic_us
        self._silence_db = station.silence_db
        self._choice = SourceChoice(station.addresses, silence_db=station.silence_db, silence_us=station.silence_us)
        self._audio = AudioBuffer()
        self._connection: RelayConnection | None = None
        self._last_was = Playing.WAIT
        self._clock, self._rate = StationClock(), VariableRate()
        #: Of the station, at our rate, not yet a whole piece.
        self._left = b""
        self._sent_us = 0
        #: What would have been next, had the buffer not been cut.
        self._cut_from: bytes | None = None

    def step(self, *, is_due: bool, is_late: bool) -> bytes | None:
        """The next piece when it is due, None while it is awaited. is_late: it can wait no longer."""
        buffered_us = self._audio.buffered_us // PIECE_US * PIECE_US
        step = self._choice.step(self._monotonic_us(), self._observed(), buffered_us, is_due=is_due, is_late=is_late)
        if step.disconnect:
            self._disconnect()
        if step.connect:
            self._clock.forget()
            self.state.address = step.connect
            self._connection = RelayConnection(
                step.connect, self._trusted, self._audio, self._monotonic_us, self._silence_db
            )
        self.state.on_station, self.state.reason = self._choice.on_station, self._choice.reason
        self._trim()
        if not is_due or step.playing is Playing.WAIT:
            return None
        piece = self._from_station() if step.playing is Playing.STATION else self._from_fallback()
        self._sent_us += PIECE_US if piece is not None else 0
        return piece

    def note_left_out(self) -> None:
        """Some of the slot was not asked for."""
        self._clock.forget()

    def close(self) -> None:
        self._disconnect()
        self._fallback.rewind()

    def _observed(self) -> Observed | None:
        connection = self._connection
        if connection is None:
            return None
        return Observed(connection.failure, connection.last_audio_us, connection.heard_us, connection.burst_us)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _trim(self) -> None:
        burst_us, heard_us = (
            (self._connection.burst_us, self._connection.heard_us) if self._connection is not None else (0, 0)
        )
        kept_us = max(_KEPT_US, _KEPT_BURSTS * burst_us)
        if self._choice.was_silent:
            self._audio.keep_newest(min(kept_us, heard_us))
        elif not self._choice.on_station:
            self._audio.keep_newest(kept_us)
        elif self._audio.buffered_us > kept_us + _MOST_GROWN_US:
            self._cut_from = self._audio.take(PIECE_BYTES)
            self._audio.keep_newest(kept_us)
        else:
            return
        self._clock.forget()

    def _from_station(self) -> bytes | None:
        pcm = self._next_of_station()
        if pcm is None:
            return None
        self.state.level_db = level_db(pcm)
        self._choice.note_sent(self.state.level_db, PIECE_US)
        self.state.station_pieces += 1
        if self._last_was is Playing.FALLBACK:
            pcm = crossfaded(self._fallback.take(PIECE_BYTES), pcm)
            self._fallback.rewind()
        self._last_was = Playing.STATION
        return pcm

    def _next_of_station(self) -> bytes | None:
        """A piece at the rate of our clock, whatever the station's is."""
        if self._last_was is Playing.FALLBACK:
            self._rate, self._left = VariableRate(), b""
            self._rate.set_ppm(self._clock.ppm)
        while len(self._left) < PIECE_BYTES:
            pcm = self._audio.take(PIECE_BYTES)
            if pcm is None:
                return None
            if self._cut_from is not None:
                pcm, self._cut_from = crossfaded(self._cut_from, pcm), None
            self._left += self._rate.take(pcm)
        now_us = self._monotonic_us()
        if self._clock.note(self._audio.buffered_us + self._sent_us - now_us, now_us):
            self._rate.set_ppm(self._clock.ppm)
        pcm, self._left = self._left[:PIECE_BYTES], self._left[PIECE_BYTES:]
        return pcm

    def _from_fallback(self) -> bytes:
        pcm = self._fallback.take(PIECE_BYTES)
        self.state.fallback_pieces += 1
        if self._last_was is not Playing.FALLBACK:
            pcm = crossfaded(bytes(PIECE_BYTES), pcm)
        self._last_was = Playing.FALLBACK
        return pcm

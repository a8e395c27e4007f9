"""The sound of one relay, piece by piece: the station's while it delivers, else the fallback's."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from relay.audio_buffer import AudioBuffer
from relay.connection import RelayConnection
from relay.fallback_sound import FallbackSound
from relay.levels import LOWEST_DB, crossfaded, level_db
from relay.source_choice import HEARD_FOR_US, Observed, Playing, SourceChoice
from runtime.refusal import Refusal
from wire.live import PACKET_MS, RATE

#: 20 ms, one packet.
PIECE_BYTES = RATE * PACKET_MS // 1000 * 2
PIECE_US = PACKET_MS * 1000
#: Kept buffered while the station does not sound yet: it comes in bursts, and begins with a reserve.
_KEPT_US, _KEPT_BURSTS = 4_000_000, 3
#: A buffer that has grown beyond this, since servers begin with a burst at each connection, is cut to the kept length.
_MOST_LAG_US = 40_000_000
_AFTER_SILENCE_US = HEARD_FOR_US + 300_000


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
        self._choice = SourceChoice(station.addresses, silence_db=station.silence_db, silence_us=station.silence_us)
        self._audio = AudioBuffer()
        self._connection: RelayConnection | None = None
        self._last_was = Playing.WAIT

    def step(self, *, is_due: bool, is_late: bool) -> bytes | None:
        """The next piece when it is due, None while it is awaited. is_late: it can wait no longer."""
        buffered_us = self._audio.buffered_us // PIECE_US * PIECE_US
        step = self._choice.step(self._monotonic_us(), self._observed(), buffered_us, is_due=is_due, is_late=is_late)
        if step.disconnect:
            self._disconnect()
        if step.connect:
            self.state.address = step.connect
            self._connection = RelayConnection(step.connect, self._trusted, self._audio, self._monotonic_us)
        self.state.on_station, self.state.reason = self._choice.on_station, self._choice.reason
        self._trim()
        if not is_due or step.playing is Playing.WAIT:
            return None
        return self._from_station() if step.playing is Playing.STATION else self._from_fallback()

    def close(self) -> None:
        self._disconnect()
        self._fallback.rewind()

    def _observed(self) -> Observed | None:
        connection = self._connection
        if connection is None:
            return None
        return Observed(connection.failure, connection.last_audio_us, connection.level_db, connection.burst_us)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _trim(self) -> None:
        kept_us = max(_KEPT_US, _KEPT_BURSTS * self._connection.burst_us) if self._connection is not None else _KEPT_US
        if self._choice.was_silent:
            self._audio.keep_newest(_AFTER_SILENCE_US)
        elif not self._choice.on_station or self._audio.buffered_us > _MOST_LAG_US:
            self._audio.keep_newest(kept_us)

    def _from_station(self) -> bytes | None:
        pcm = self._audio.take(PIECE_BYTES)
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

    def _from_fallback(self) -> bytes:
        pcm = self._fallback.take(PIECE_BYTES)
        self.state.fallback_pieces += 1
        if self._last_was is not Playing.FALLBACK:
            pcm = crossfaded(bytes(PIECE_BYTES), pcm)
        self._last_was = Playing.FALLBACK
        return pcm

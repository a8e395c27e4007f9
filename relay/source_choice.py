"""Which address of a station is connected, and whether the station or the fallback sounds. Pure: time is passed in.

The station sounds while it delivers. Where it stops, fails or is silent for too long, the fallback takes its place, the
next address is tried, and the station returns as soon as it sounds again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from runtime.refusal import N_, Refusal

#: A connection without any sound for so long after its beginning is given up; then one whose sound stopped.
CONNECT_WITHIN_US, STALLED_AFTER_US = 12_000_000, 6_000_000
#: So much must be buffered before the station sounds again; its first connection needs less.
RETURN_WITH_US, BEGIN_WITH_US = 1_500_000, 500_000
#: A station that was silent returns after so much sound, which is then the beginning of what is buffered.
HEARD_FOR_US = RETURN_WITH_US
#: After every address has failed once: the pause before the next round, doubled up to the most.
FIRST_PAUSE_US, MOST_PAUSE_US = 1_000_000, 15_000_000
BETWEEN_ADDRESSES_US = 200_000
#: An address that is silent for so long after its connection is left for the next one.
SILENT_AFTER_US = 5_000_000
#: A station that sounded for so long is a good one: the pauses begin again.
_GOOD_AFTER_US = 5_000_000
#: Audio that is newer means that the failure before it is over.
_RESUMED_US = 500_000


class Playing(StrEnum):
    """WAIT: the station's next audio may still come in time."""

    STATION = "station"
    FALLBACK = "fallback"
    WAIT = "wait"


@dataclass(frozen=True)
class Observed:
    """The open connection at an instant. failure: why it ended. last_audio_us: when audio came last, None for never.

    heard_us, burst_us: as of `RelayConnection`.
    """

    failure: Refusal | None
    last_audio_us: int | None
    heard_us: int
    burst_us: int = 0


@dataclass(frozen=True)
class Step:
    """disconnect: close the connection. connect: then the address to connect to, "" for none."""

    playing: Playing
    disconnect: bool = False
    connect: str = ""


class SourceChoice:
    """State machine of one relay. Times are monotonic µs. Audio stays buffered when its connection is closed."""

    def __init__(self, addresses: Sequence[str], *, silence_db: float, silence_us: int) -> None:
        """silence_us: 0 for a station that may be silent as long as it likes."""
        if not addresses:
            raise ValueError("a station has at least one address")
        self._addresses = addresses
        self._silence_db, self._silence_us = silence_db, silence_us
        self._next_address = 0
        self._connected_at_us = self._next_try_us = 0
        self._failed_in_row = 0
        self._began = False
        self._on_station_since_us = 0
        self._silent_us = 0
        self.on_station = False
        #: Whether the station was left because it was silent: it returns when it is heard.
        self.was_silent = False
        #: Why the station does not sound; None while it does.
        self.reason: Refusal | None = None

    def step(self, now_us: int, observed: Observed | None, buffered_us: int, *, is_due: bool, is_late: bool) -> Step:
        """observed: None without a connection. is_due: a piece is to be sent now. is_late: it can wait no longer."""
        self._note_resumed(now_us, observed)
        heard_us = observed.heard_us if observed is not None else 0
        playing = self._playing(now_us, buffered_us, heard_us, is_due, is_late)
        disconnect, connect = False, ""
        if observed is not None and (failure := self._failure(now_us, observed, buffered_us)) is not None:
            self._note_failed(now_us, failure)
            disconnect = True
        if (observed is None or disconnect) and now_us >= self._next_try_us:
            connect = self._addresses[self._next_address]
            self._next_address = (self._next_address + 1) % len(self._addresses)
            self._connected_at_us = now_us
        return Step(playing, disconnect, connect)

    def note_sent(self, level_db: float, length_us: int) -> None:
        """A piece of the station was sent."""
        self._silent_us = self._silent_us + length_us if level_db < self._silence_db else 0

    def _playing(self, now_us: int, buffered_us: int, heard_us: int, is_due: bool, is_late: bool) -> Playing:
        if self.on_station and self._silent_us >= self._silence_us > 0:
            self.on_station, self.was_silent, self.reason = False, True, _silent()
            self._silent_us = 0
        if self.on_station:
            if buffered_us > 0:
                return Playing.STATION
            if not is_late:
                return Playing.WAIT
            self.on_station, self.reason = False, self.reason or stopped()
        elif self._may_sound(buffered_us) and not (self.was_silent and heard_us < HEARD_FOR_US):
            self.on_station, self._began, self.was_silent, self.reason = True, True, False, None
            self._on_station_since_us, self._silent_us = now_us, 0
            return Playing.STATION
        if not self._began and not is_late:
            return Playing.WAIT
        return Playing.FALLBACK if is_due else Playing.WAIT

    def _may_sound(self, buffered_us: int) -> bool:
        return buffered_us >= (RETURN_WITH_US if self._began or self.reason is not None else BEGIN_WITH_US)

    def _note_resumed(self, now_us: int, observed: Observed | None) -> None:
        if observed is not None and observed.last_audio_us is not None and self.on_station:
            self.reason = self.reason if now_us - observed.last_audio_us > _RESUMED_US else None
            if now_us - self._on_station_since_us > _GOOD_AFTER_US:
                self._failed_in_row = 0

    def _failure(self, now_us: int, observed: Observed, buffered_us: int) -> Refusal | None:
        if observed.failure is not None:
            return observed.failure
        open_us = now_us - self._connected_at_us
        if observed.last_audio_us is None:
            return no_sound(CONNECT_WITHIN_US // 1_000_000) if open_us > CONNECT_WITHIN_US else None
        patience_us = max(STALLED_AFTER_US, 3 * observed.burst_us)
        # A full buffer takes nothing, so nothing comes.
        if now_us - observed.last_audio_us > patience_us and buffered_us < patience_us:
            return stopped()
        is_silent = self.was_silent and not observed.heard_us
        return _silent() if is_silent and len(self._addresses) > 1 and open_us > SILENT_AFTER_US else None

    def _note_failed(self, now_us: int, failure: Refusal) -> None:
        self._failed_in_row += 1
        rounds, place = divmod(self._failed_in_row, len(self._addresses))
        pause_us = BETWEEN_ADDRESSES_US if place else min(MOST_PAUSE_US, FIRST_PAUSE_US << min(rounds - 1, 10))
        self._next_try_us = now_us + pause_us
        if self.on_station or self.reason is None or self._began:
            self.reason = failure


def _silent() -> Refusal:
    return Refusal(N_("The station is silent."))


def stopped() -> Refusal:
    return Refusal(N_("The station sends no more sound."))


def no_sound(seconds: int) -> Refusal:
    return Refusal(N_("No sound came from this address in {seconds} s."), seconds=seconds)

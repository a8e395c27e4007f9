"""Records short windows with the microphone and compares them with what left the card."""

import logging
import threading
from collections.abc import Callable
from typing import NamedTuple

from receiver.playout.cues import RATE
from receiver.sensing.correlation import Match, find
from receiver.sensing.microphone import Microphone, MicrophoneFailed
from receiver.sensing.proof import MicrophoneTally
from receiver.sensing.tape import TapedSpeaker
from receiver.timing.local_clock import local_us
from transport.worker import BackOff, Worker

log = logging.getLogger(__name__)

#: What is compared at once.
WINDOW_S = 3
#: How far ahead of the card's own instant the microphone may hear it: clocks of cards are a few ms wrong.
LEAD_US = 50_000
#: How much later than the path delay it may arrive: some 10 m to the microphone, and a path delay that is not set yet.
#: What comes later is another receiver's horn.
SPREAD_US = 300_000
#: The tape must hold a window, the longest path delay that can be set, and the card's own buffer.
TAPE_S = 8.0
#: From the beginning of the sound to the first window; between windows; after one in which it was not heard; after one
#: in which the programme was silent.
FIRST_AFTER_US = 1_000_000
EVERY_US = 20_000_000
SOONER_US = 8_000_000
AGAIN_US = 2_000_000
_LOOK_S = 0.25


class CurrentSound(NamedTuple):
    """What the listener must know of the playout. broadcast: "" when none is loud enough. path_delay_us: set."""

    broadcast: str
    path_delay_us: float


class Listener:
    """A microphone with a thread of its own. `start` and `close` are mirrored."""

    def __init__(
        self,
        tape: TapedSpeaker,
        microphone: Microphone,
        tally: MicrophoneTally,
        lock: threading.Lock,
        sounds: Callable[[], CurrentSound],
    ) -> None:
        """lock: over the tally. sounds: asked from the thread."""
        self._tape, self._microphone, self._tally, self._lock, self._sounds = tape, microphone, tally, lock, sounds
        self._worker = Worker(self._step, "listener", back_off=BackOff(EVERY_US / 1e6, EVERY_US / 1e6))
        self._broadcast = ""
        self._next_us = 0
        #: Why the microphone cannot be used; "" when it can.
        self.failure = ""

    def start(self) -> None:
        self._worker.start()

    def close(self) -> None:
        """Stop; a window that is under way is thrown away."""
        self._worker.close()

    def turn(self, now_us: int) -> None:
        """Listen, when it is time. now_us: the local clock. Blocks for a window."""
        sounds = self._sounds()
        if sounds.broadcast != self._broadcast:
            self._broadcast, self._next_us = sounds.broadcast, now_us + FIRST_AFTER_US
        if not sounds.broadcast or now_us < self._next_us:
            return
        match, took_us = self._window(sounds), round(_length_us(sounds))
        wait_us = AGAIN_US
        if match is not None:
            with self._lock:
                self._tally.add(sounds.broadcast, match)
            wait_us = EVERY_US if match.heard else SOONER_US
            log.info("the microphone %s", f"hears the programme: {match}" if match.heard else f"hears nothing: {match}")
        elif self.failure:
            wait_us = EVERY_US
        self._next_us = now_us + took_us + wait_us

    def _window(self, sounds: CurrentSound) -> Match | None:
        """None when nothing can be said: a pause, another programme since, a card or a microphone that fails."""
        try:
            match = self._compare(sounds)
        except Exception as error:
            known = isinstance(error, MicrophoneFailed)
            failure = str(error) if known else f"microphone: {type(error).__name__}: {error}"
            if self.failure != failure:
                log.warning("%s", failure, exc_info=None if known else error)
            self.failure = failure
            return None
        self.failure = ""
        return match

    def _compare(self, sounds: CurrentSound) -> Match | None:
        heard = self._microphone.record(_length_us(sounds) / 1e6, self._worker.stopping)
        if heard is None or self._sounds().broadcast != sounds.broadcast:
            return None
        played = self._tape.since(heard.first_local_us + LEAD_US, WINDOW_S * RATE)
        return find(played, heard.samples, LEAD_US) if played is not None else None

    def _step(self) -> float:
        self.turn(local_us())
        return _LOOK_S


def _length_us(sounds: CurrentSound) -> float:
    return LEAD_US + WINDOW_S * 1e6 + sounds.path_delay_us + SPREAD_US

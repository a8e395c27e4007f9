"""Telephone tones that open clusters of old makes, put in the place of whatever would sound meanwhile.

A digit is one low and one high frequency at once (ITU-T Q.23). They go to the card as loud as they are asked for,
whatever the volume is: a decoder hears them, and no people.
"""

import threading

import numpy as np

from receiver.output.speaker import FrameRequest
from receiver.playout.cues import FRAME_US, RATE, Samples
from receiver.timing.local_clock import local_us

_LOW_HZ = (697, 770, 852, 941)
_HIGH_HZ = (1209, 1336, 1477, 1633)
_KEYS = ("123A", "456B", "789C", "*0#D")
#: A tone rises and falls within this: a harder edge would click.
_EDGE_FRAMES = 2 * RATE // 1000
#: What sounds after the tones is faded in.
_FADE_FRAMES = 5 * RATE // 1000


def dtmf(digits: str, on_ms: int, off_ms: int, level_dbfs: float, twist_db: float) -> Samples:
    """The tones of some digits, each for `on_ms` and then `off_ms` of silence.

    level_dbfs: peak of the low frequency; twist_db: how much louder the high one is. Raises ValueError for a digit
    that is none.
    """
    low = 10 ** (level_dbfs / 20)
    high = low * 10 ** (twist_db / 20)
    frames = on_ms * RATE // 1000
    at = 2 * np.pi * np.arange(frames) / RATE
    edges = np.minimum(1.0, np.minimum(np.arange(frames), np.arange(frames)[::-1]) / _EDGE_FRAMES)
    silence = np.zeros(off_ms * RATE // 1000, np.float32)
    pieces: list[Samples] = []
    for digit in digits:
        row = next((number for number, keys in enumerate(_KEYS) if digit in keys), None)
        if row is None:
            raise ValueError(f"{digit!r} is no digit of a telephone")
        column = _KEYS[row].index(digit)
        tone = (low * np.sin(at * _LOW_HZ[row]) + high * np.sin(at * _HIGH_HZ[column])) * edges
        pieces += [tone.astype(np.float32), silence]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


class CallTones:
    """Between the chain, which asks for tones, and the card, which takes them. Any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tones: Samples | None = None
        self._at = 0
        self._run = -1
        self._ended_us = 0.0
        self._faded = _FADE_FRAMES  # of what follows the tones, so many frames are faded in

    def call(self, digits: str, on_ms: int, off_ms: int, level_dbfs: float, twist_db: float) -> None:
        """Begin to sound them with the next stretch; begun again, what sounds is broken off."""
        tones = dtmf(digits, on_ms, off_ms, level_dbfs, twist_db)
        with self._lock:
            self._tones, self._at, self._run = tones, 0, -1

    def called(self) -> bool:
        """Whether the last of them has left the card."""
        with self._lock:
            return self._tones is None and local_us() >= self._ended_us

    def over(self, request: FrameRequest, sound: Samples) -> Samples:
        """What goes to the card: the tones where there are some, else what would sound. Changes `sound`."""
        with self._lock:
            taken = 0 if self._tones is None else self._put(request, sound, self._tones)
            if self._tones is None and self._faded < _FADE_FRAMES:
                rest = sound[taken : taken + _FADE_FRAMES - self._faded]
                rest *= (np.arange(self._faded, self._faded + len(rest)) / _FADE_FRAMES).astype(np.float32)
                self._faded += len(rest)
        return sound

    def _put(self, request: FrameRequest, sound: Samples, tones: Samples) -> int:
        """Put the next of them into `sound`; gives how many frames they take."""
        if request.run != self._run:  # a hole: half a row of tones opens nothing, so from the beginning
            self._run, self._at = request.run, 0
        piece = tones[self._at : self._at + len(sound)]
        self._at += len(piece)
        sound[: len(piece)] = piece
        if self._at >= len(tones):
            self._tones, self._faded = None, 0
            self._ended_us = request.leaves_local_us + len(piece) * FRAME_US
        return len(piece)

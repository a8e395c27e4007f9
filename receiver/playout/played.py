"""What was played, and how exactly: counted where the samples are handed to the card."""

import math
import threading
from dataclasses import dataclass, field

import numpy as np

from receiver.playout.cues import FRAME_US, Cue

#: Errors are counted in steps of 5 % from half a microsecond on: a percentile is right to that.
_SMALLEST_US, _GROWTH, _STEPS = 0.5, 1.05, 360


class ErrorTally:
    """Errors in µs, of either sign, counted by their size."""

    def __init__(self) -> None:
        self._counts = np.zeros(_STEPS, np.int64)
        self.max_us = 0.0

    def add(self, error_us: float) -> None:
        size_us = abs(error_us)
        self.max_us = max(self.max_us, size_us)
        step = 0 if size_us <= _SMALLEST_US else math.ceil(math.log(size_us / _SMALLEST_US) / math.log(_GROWTH))
        self._counts[min(step, _STEPS - 1)] += 1

    def percentile_us(self, percent: float) -> float:
        """The size that so many per cent do not exceed; 0 when none was counted."""
        total = int(self._counts.sum())
        if total == 0:
            return 0.0
        step = int(np.searchsorted(np.cumsum(self._counts), math.ceil(total * percent / 100)))
        return min(self.max_us, _SMALLEST_US * _GROWTH**step)


@dataclass
class Played:
    """What sounded of one broadcast since the program started.

    first_frame_at_us, last_frame_at_us: controller time at the horn; 0 when nothing sounded.
    frames: at 48 kHz. lacking: frames that were due and silent, since their audio was not there or not readable.
    underruns: holes while it sounded, the card's and ours. errors: one for each block handed over.
    stood_in: by position, the fallback that played instead of the item. Not counted in frames.
    """

    first_frame_at_us: int = 0
    last_frame_at_us: int = 0
    frames: float = 0.0
    lacking: float = 0.0
    underruns: int = 0
    errors: ErrorTally = field(default_factory=ErrorTally)
    stood_in: dict[int, str] = field(default_factory=dict)

    def sounded(self, from_us: float, until_us: float, frames: float, error_us: float) -> None:
        """A stretch was handed to the card."""
        if self.first_frame_at_us == 0:
            self.first_frame_at_us = round(from_us)
        self.last_frame_at_us = round(until_us)
        self.frames += frames
        self.errors.add(error_us)


class PlayedTally:
    """What was handed to the card, of each broadcast and in all. The speaker's thread adds, all may read.

    frames: since the start, at 48 kHz. lacks: holes, since the start.
    """

    def __init__(self) -> None:
        self.frames, self.lacks = 0.0, 0
        self._lock = threading.Lock()
        self._played: dict[str, Played] = {}
        self._errors = ErrorTally()
        self._lacking = False

    def add(self, cue: Cue, from_us: float, length_us: float, *, lacking: bool, error_us: float) -> None:
        """from_us: controller time at the horn. lacking: it was silent, since its audio was not there."""
        with self._lock:
            played = self._played.setdefault(cue.broadcast, Played())
            frames = length_us / FRAME_US
            if cue.fallback:
                played.stood_in.setdefault(cue.position, cue.fallback)
            elif lacking:
                played.lacking += frames
                if not self._lacking:
                    played.underruns += 1
                    self.lacks += 1
            else:
                played.sounded(from_us, from_us + length_us, frames, error_us)
                self._errors.add(error_us)
                self.frames += frames
            self._lacking = lacking

    def of(self, broadcast: str) -> Played | None:
        return self._played.get(broadcast)

    def forget(self, broadcast: str) -> None:
        self._played.pop(broadcast, None)

    def take_errors(self) -> ErrorTally:
        """The errors since the last call."""
        with self._lock:
            errors, self._errors = self._errors, ErrorTally()
        return errors

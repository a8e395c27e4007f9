"""Levels of a decoded recording in frames of 20 ms: where its sound begins and ends, its peaks, its waveform.

Silence is judged by the recording's own level, since it is amplified afterwards: what is soft here may be loud on air.
"""

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from broadcast.audio import RATE

FRAME = RATE // 50
#: Kept at both ends, so that the first and last sounds are complete.
MARGIN_US = 60_000
#: A frame this far above the noise floor is a sound; steady noise varies less from frame to frame.
_ABOVE_NOISE_DB = 6
#: Words 24 dB softer than the rest are kept, even where they hardly exceed the noise floor.
_LEAST_BELOW_SOUND_DB = 30
#: Softer than this is inaudible after amplification.
_MOST_BELOW_SOUND_DB = 50
#: As the relative gate of EBU R128: pauses do not count in the level of the sound.
_GATE_DB = 10
#: The share of the frames that the noise floor is taken from; speech has more pauses than that.
_NOISE_SHARE = 0.1
#: The share of the frames that the usual peak is not exceeded in.
_USUAL_SHARE = 0.95
#: Points of the waveform; more than a wide screen shows.
MOST_PEAKS = 800
#: Levels are kept as half decibels above the lowest, one byte for each frame: 4 hours are 720 kB.
_LOWEST_DBFS, _STEPS_PER_DB = -120, 2
_POWER_OF_STEP = 10 ** ((np.arange(256) / _STEPS_PER_DB + _LOWEST_DBFS) / 10)


class Levels:
    """Collects mono samples. samples: their number, at 48 kHz. sample_peak: above 1 where they exceed full scale."""

    def __init__(self) -> None:
        self.samples = 0
        self.sample_peak = 0.0
        self._level = bytearray()
        self._peak = bytearray()

    def take(self, sound: NDArray[np.float32]) -> None:
        """Add samples; all calls but the last bring whole frames of 20 ms."""
        self.samples += len(sound)
        rest = -len(sound) % FRAME
        frames = (np.pad(sound, (0, rest)) if rest else sound).reshape(-1, FRAME)
        power = np.einsum("ij,ij->i", frames, frames) / FRAME
        peak = np.maximum(frames.max(axis=1), -frames.min(axis=1))
        self.sample_peak = max(self.sample_peak, float(peak.max(initial=0.0)))
        steps = (10 * np.log10(np.maximum(power, 1e-30)) - _LOWEST_DBFS) * _STEPS_PER_DB
        self._level += np.clip(np.round(steps), 0, 255).astype(np.uint8).tobytes()
        self._peak += np.minimum(255, peak * 255).astype(np.uint8).tobytes()

    def sound_between(self) -> tuple[int, int]:
        """First and last sample without the silence at both ends, with a margin."""
        steps = np.frombuffer(self._level, np.uint8)
        counts = _counts(self._level)
        sounding = steps >= max(1, math.ceil((_threshold_dbfs(counts) - _LOWEST_DBFS) * _STEPS_PER_DB))
        if not sounding.any():
            return 0, self.samples
        first_frame, last_frame = int(sounding.argmax()), len(sounding) - 1 - int(sounding[::-1].argmax())
        margin = MARGIN_US * RATE // 1_000_000
        first = max(0, first_frame * FRAME - margin)
        last = min(self.samples, (last_frame + 1) * FRAME + margin)
        return (first, last) if last - first >= RATE // 10 else (0, self.samples)

    def usual_peak(self) -> float:
        """The amplitude that 95 % of the frames do not exceed, 0 to 1; bangs exceed it."""
        peaks = _counts(self._peak)[1:]
        if not peaks.any():
            return 0.0
        return int(np.searchsorted(np.cumsum(peaks), _USUAL_SHARE * peaks.sum()) + 1) / 255

    def waveform(self) -> bytes:
        """At most 800 points of 0–255 over the whole length."""
        count = len(self._peak)
        if count <= MOST_PEAKS:
            return bytes(self._peak)
        bounds = [count * k // MOST_PEAKS for k in range(MOST_PEAKS + 1)]
        return bytes(max(self._peak[a:b]) for a, b in pairwise(bounds))


def _counts(values: bytearray) -> NDArray[np.int64]:
    """How often each byte occurs. bincount would first make eight bytes of each."""
    return np.array([values.count(value) for value in range(256)])


def _threshold_dbfs(counts: NDArray[np.int64]) -> float:
    """The level above which a frame is a sound. counts: how many frames have each level."""
    sound_dbfs = _mean_dbfs(counts, 1)
    if sound_dbfs is None:
        return _LOWEST_DBFS
    gate = math.ceil((sound_dbfs - _GATE_DB - _LOWEST_DBFS) * _STEPS_PER_DB)
    sound_dbfs = _mean_dbfs(counts, max(1, gate)) or sound_dbfs
    noise_step = int(np.searchsorted(np.cumsum(counts), _NOISE_SHARE * counts.sum()))
    noise_dbfs = noise_step / _STEPS_PER_DB + _LOWEST_DBFS
    least, most = sound_dbfs - _MOST_BELOW_SOUND_DB, sound_dbfs - _LEAST_BELOW_SOUND_DB
    return min(most, max(least, noise_dbfs + _ABOVE_NOISE_DB))


def _mean_dbfs(counts: NDArray[np.int64], first_step: int) -> float | None:
    """The mean level of the frames from this level on, None when there are none."""
    chosen = counts[first_step:]
    if not chosen.any():
        return None
    return 10 * math.log10(float(chosen @ _POWER_OF_STEP[first_step:]) / int(chosen.sum()))

"""Whether a microphone captured what was played: cross-correlation, independent of level, room and noise.

1. Both are brought to 8 kHz and to the band that a horn carries, and whitened there (the magnitude of each spectral
   line goes, its phase stays; PHAT: Knapp and Carter, IEEE Trans. ASSP 24, 1976): what a room or a horn does to the
   level of single frequencies, and a hum, do not count then.
2. What was played is cut into blocks of a second, so that a microphone whose crystal is 100 ppm off does not smear it.
3. Each is slid along the captured, as a correlation coefficient: 0 nothing alike, 1 the same. The mean counts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from receiver.playout.cues import RATE, Samples
from signals.correlation import correlate, sliding_energy

Array = NDArray[np.float64]

#: From this coefficient on it is heard. What is not the programme stays below 0.09, speech in a room with five times as
#: much noise as speech reaches 0.2 (benchmarks/listening.py).
HEARD_FROM = 0.12
#: A block softer than this (RMS) proves nothing: the programme pauses.
QUIET_DBFS = -50.0
_LOW_RATE = 8_000
_SHRINK = RATE // _LOW_RATE
_BAND_HZ = (250.0, 3_400.0)
#: Spectral lines so far below the strongest carry little of the programme, and are left out.
_FLOOR = 3e-3
#: What has sound on fewer of its lines is a tone or a chime: two of them are alike without being the same.
_LEAST_LINES = 0.3
_BLOCK = _LOW_RATE
#: The blocks' peaks may lie so far apart, samples: half a millisecond.
_SMEAR = 4


class Match(NamedTuple):
    """The best place. lag_us: by how much the captured is later than the played. correlation: 0 to 1."""

    correlation: float
    lag_us: int

    @property
    def heard(self) -> bool:
        """Whether it is the programme."""
        return self.correlation >= HEARD_FROM


def find(played: Samples, captured: Samples, lead_us: int) -> Match | None:
    """Look for what was played. Both at 48 kHz; None when the played is too soft, or too plain, to say anything.

    lead_us: by how much the captured begins before the played; it may end as much later as lags are looked for.
    """
    windows = [place for place in range(0, len(played) - RATE + 1, RATE) if _loud(played[place : place + RATE])]
    if not windows:
        return None
    (ours, lines), (theirs, _) = _white(played), _white(captured)
    if lines < _LEAST_LINES:
        return None
    lags = len(theirs) - len(ours)
    if lags < 1 or not theirs.any():
        return Match(0.0, 0)
    smeared, sharp = np.zeros(lags + 1), np.zeros(lags + 1)
    for place in windows:
        start = place // _SHRINK
        along = np.abs(_coefficients(ours[start : start + _BLOCK], theirs[start : start + _BLOCK + lags]))
        smeared, sharp = smeared + _smeared(along), sharp + along
    best = int(np.argmax(smeared))
    near = max(0, best - _SMEAR)
    at = near + int(np.argmax(sharp[near : best + 2 * _SMEAR + 1]))
    return Match(float(smeared[best]) / len(windows), round(at * 1e6 / _LOW_RATE) - lead_us)


def _loud(block: Samples) -> bool:
    return float(np.dot(block, block)) / len(block) > 10 ** (QUIET_DBFS / 10)


def _white(sound: Samples) -> tuple[Array, float]:
    """At 8 kHz, whitened within the band; and the share of the band's lines that carry something."""
    length = 1 << (len(sound) // _SHRINK).bit_length()
    spectrum = np.fft.rfft(sound, length * _SHRINK)[: length // 2 + 1]
    size = np.abs(spectrum)
    hertz = np.arange(len(spectrum)) * (_LOW_RATE / length)
    band = (hertz >= _BAND_HZ[0]) & (hertz <= _BAND_HZ[1])
    carries = band & (size > max(float(size[band].max()) * _FLOOR, 1e-9))
    flat = np.zeros_like(spectrum)
    flat[carries] = spectrum[carries] / size[carries]
    return np.fft.irfft(flat, length)[: len(sound) // _SHRINK], float(carries.sum() / band.sum())


def _coefficients(block: Array, along: Array) -> Array:
    """The correlation coefficient of the block with each stretch of its length."""
    # A stretch that is much softer than the whole would correlate by chance alone.
    least = 0.2 * float(np.dot(along, along)) * len(block) / len(along) + 1e-30
    energy = np.maximum(sliding_energy(along, len(block)), least) * float(np.dot(block, block))
    return np.asarray(correlate(along, block) / np.sqrt(energy))


def _smeared(values: Array) -> Array:
    """The largest within `_SMEAR` on both sides."""
    padded = np.pad(values, _SMEAR)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, 2 * _SMEAR + 1).max(axis=1))

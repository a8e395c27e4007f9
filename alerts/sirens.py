"""The sounds of alerts that nobody speaks: siren, chime and the opening of a drill. Mono, 48 kHz, floats."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE = 48_000
#: One cycle of the siren; receivers repeat it until speech begins.
_SIREN_S = 3.0
#: Inside what horns reproduce well and ears hear best.
_LOW_HZ, _HIGH_HZ = 520.0, 1240.0
_LEVEL = 0.5


@cache
def siren() -> Samples:
    """One rising and falling cycle. It ends in the phase in which it begins, so repetitions join without a click."""
    at_s = np.arange(round(_SIREN_S * RATE)) / RATE
    hertz = _LOW_HZ + (_HIGH_HZ - _LOW_HZ) * (1 - np.cos(2 * np.pi * at_s / _SIREN_S)) / 2
    phase = np.cumsum(hertz) / RATE
    phase *= round(phase[-1]) / phase[-1]
    tone = np.sin(2 * np.pi * phase) + 0.3 * np.sin(4 * np.pi * phase)
    return (_LEVEL * tone / 1.3).astype(np.float32)


@cache
def chime() -> Samples:
    """Two falling notes, twice: for what is urgent but no catastrophe."""
    return _notes((880.0, 659.3, 880.0, 659.3), 0.6)


@cache
def drill_notes() -> Samples:
    """Three equal soft notes: nobody takes them for the siren."""
    return _notes((440.0, 440.0, 440.0), 0.35)


def _notes(frequencies_hz: tuple[float, ...], each_s: float) -> Samples:
    at_s = np.arange(round(each_s * RATE)) / RATE
    fade = np.minimum(1.0, at_s / 0.01) * np.exp(-3.0 * at_s / each_s)
    notes = [_LEVEL * fade * np.sin(2 * np.pi * hertz * at_s) for hertz in frequencies_hz]
    return np.concatenate(notes).astype(np.float32)

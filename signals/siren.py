"""The siren of alerts: mono, 48 kHz, floats. It is on the shelves, and built into every receiver."""

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

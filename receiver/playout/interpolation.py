"""Samples between samples: reading a sound at any place and any speed near its own.

A place in the sound is asked for and given, exactly; there is no filter state, no delay and nothing to reset, so that
the playout always knows which instant of the sound it is handing over (docs/decisions/0012).
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from receiver.playout.cues import Samples

#: Taps on either side. A Kaiser-windowed sinc of 32 is flat to 0.1 dB up to 18 kHz and 80 dB down beside it.
REACH = 16
_AT = np.arange(1 - REACH, REACH + 1, dtype=np.float64)
_BETA = 8.0
_I0_BETA = float(np.i0(_BETA))
#: Between two taps' settings the place is blended; this close (in samples) the blend is 65 dB below what it blends.
_BLEND = 0.02


#: Kernels are made once, at this many places to a sample; between two of them the error is 115 dB down. A stretch of
#: 20 ms at 1000 ppm reaches a sample beyond where it began.
_PER_SAMPLE, _LEAST, _MOST = 512, -1, 2


def _made(fractions: NDArray[np.float64]) -> NDArray[np.float32]:
    """Taps, one row each, that read a sound `fractions` of a sample later; reversed for numpy's convolution."""
    place = _AT - fractions[:, None]
    window = np.i0(_BETA * np.sqrt(np.maximum(0.0, 1 - (place / (REACH + 1)) ** 2))) / _I0_BETA
    return np.ascontiguousarray((np.sinc(place) * window)[:, ::-1], dtype=np.float32)


_KERNELS = _made(np.arange(_LEAST * _PER_SAMPLE, _MOST * _PER_SAMPLE + 1) / _PER_SAMPLE)


def _kernel(fraction: float) -> NDArray[np.float32]:
    """Taps that read a sound `fraction` of a sample later. Raises ValueError beyond what is made."""
    place = (fraction - _LEAST) * _PER_SAMPLE
    below = int(place)
    if not 0 <= below < len(_KERNELS) - 1:
        raise ValueError(f"{fraction} samples are further than a stretch may creep")
    between = np.float32(place - below)
    kernel: NDArray[np.float32] = _KERNELS[below] + between * (_KERNELS[below + 1] - _KERNELS[below])
    return kernel


def span(place: float, step: float, frames: int) -> tuple[int, int]:
    """Which samples `interpolate` needs for these places: the first, and how many."""
    first = int(np.floor(place)) + 1 - REACH
    last = int(np.floor(place + step * frames)) + 1 + REACH
    return first, last - first + 1


def interpolate(sound: Samples, place: float, step: float, frames: int) -> Samples:
    """`frames` samples at places place, place + step, …

    sound: what `span` named, beginning with its first. place: in samples from the sound's own sample 0.
    step: samples per frame, within 1 ± 0.001; over all frames no more than a sample ahead or behind.
    """
    base = int(np.floor(place))
    fraction, creep = place - base, step - 1.0
    if abs(fraction) < 1e-6 and abs(creep * frames) < 1e-6:
        return sound[REACH - 1 : REACH - 1 + frames]
    pieces = max(1, int(np.ceil(abs(creep) * frames / _BLEND)))
    edges = [round(frames * k / pieces) for k in range(pieces + 1)]
    result = np.empty(frames, np.float32)
    before = _kernel(fraction)
    for start, end in pairwise(edges):
        stretch = sound[start : end + 2 * REACH - 1]
        after = _kernel(fraction + creep * end)
        blend = np.linspace(0.0, 1.0, end - start, endpoint=False, dtype=np.float32)
        early = np.convolve(stretch, before, "valid")
        result[start:end] = early + blend * (np.convolve(stretch, after, "valid") - early)
        before = after
    return result

"""Cross-correlation of a long signal with a short template, by FFT.

Place k of a result belongs to the stretch of the signal that begins at sample k.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def correlate(signal: ArrayLike, template: ArrayLike) -> Floats:
    """The dot product of the template with each stretch of its length: len(signal) - len(template) + 1 values."""
    spectrum, size, places = _cross_spectrum(signal, template)
    return np.fft.irfft(spectrum, size)[:places]


def correlation_power(signal: ArrayLike, template: ArrayLike) -> Floats:
    """The squared envelope of the correlation, free of the template's carrier: len(signal) values.

    The last ones belong to templates that the signal's end cuts off.
    """
    spectrum, size, _ = _cross_spectrum(signal, template)
    # Without its negative frequencies the inverse is the analytic signal, whose magnitude is the envelope.
    one_sided = np.zeros(size, np.complex128)
    one_sided[: len(spectrum)] = 2 * spectrum
    analytic = np.fft.ifft(one_sided)[: len(np.asarray(signal))]
    power: Floats = analytic.real**2 + analytic.imag**2
    return power


def sliding_energy(signal: ArrayLike, length: int) -> Floats:
    """The sum of squares of each stretch of `length` samples: len(signal) - length + 1 values."""
    total = np.concatenate([[0.0], np.cumsum(np.asarray(signal, np.float64) ** 2)])
    energy: Floats = total[length:] - total[:-length]
    return energy


def peak_offset(before: float, at: float, after: float) -> float:
    """Where the top of the parabola through three neighbouring values lies, in samples from the middle one."""
    bend = before - 2 * at + after
    return float(0.5 * (before - after) / bend) if bend else 0.0


def _cross_spectrum(signal: ArrayLike, template: ArrayLike) -> tuple[NDArray[np.complex128], int, int]:
    """The one-sided spectrum of the correlation, the FFT's size, and how many places hold the whole template."""
    long, short = np.asarray(signal, np.float64), np.asarray(template, np.float64)
    size = _fft_size(len(long) + len(short))
    return np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size)), size, len(long) - len(short) + 1


def _fft_size(least: int) -> int:
    """A size that numpy's FFT is fast for: 2, 3 or 5 times a power of two."""
    return min(m << max(0, (-(-least // m) - 1).bit_length()) for m in (1, 3, 5))

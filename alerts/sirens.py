"""The sounds of alerts that nobody speaks, but the siren: chime and the opening of a drill. Mono, 48 kHz, floats."""

from functools import cache

import numpy as np

from signals.siren import RATE, Samples

_LEVEL = 0.5


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

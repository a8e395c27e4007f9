"""How far apart receivers played, measured on the recordings of their virtual cards.

A recording is a directory with `audio.raw` (interleaved S16_LE) and `segments.csv`:

    start,<frame in file>,<CLOCK_MONOTONIC ns>,<true rate Hz>,<nominal rate>,<channels>,<bytes per sample>
    end,<frame in file>,<ns>,<reason>

Frame i of a segment left the card at ns + (i − start) / true rate. The instant at which a piece of the reference left
each card is found by cross-correlation; the path delay is added to get the instant at the horn.
"""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.correlation import correlate, peak_offset, sliding_energy

Samples = NDArray[np.float32]
Instants = NDArray[np.float64]

RATE = 48_000
WINDOW = 4_800  # 100 ms: long enough for a sharp peak, short enough to see a change
HOP = 4_800
SEARCH = 2_400  # ±50 ms round the position that the last window predicts
#: 5 ms: how far a window may lie from its predicted position. A greater jump must hold for a second.
STEADY = 240
#: Below this correlation a window does not match: silence, another sound, a glitch.
LEAST_CORRELATION = 0.6


class Skew(NamedTuple):
    """|difference of the instants at the horn| over all pairs and windows, in ms. windows: how many were compared."""

    p50_ms: float
    p99_ms: float
    max_ms: float
    windows: int


class CardRecording:
    """The recording of a virtual card, read for measuring. Raises ValueError when its two files do not match."""

    def __init__(self, directory: Path) -> None:
        """Reads both files into memory: for recordings of minutes, not hours."""
        rows = [line.split(",") for line in (directory / "segments.csv").read_text().splitlines()]
        starts = [row for row in rows if row[0] == "start" and len(row) >= 7]
        if not starts:
            raise ValueError(f"{directory}: nothing was played")
        channels, width = int(starts[0][5]), int(starts[0][6])
        if width != 2:
            raise ValueError(f"{directory}: {width} bytes a sample; only 2 are read")
        raw: NDArray[Any] = np.fromfile(directory / "audio.raw", dtype="<i2")
        frames = raw[: len(raw) // channels * channels].reshape(-1, channels)
        self.samples: Samples = (frames[:, 0] / 32768).astype(np.float32)
        self._frames = np.array([int(row[1]) for row in starts])
        self._instants_ns = np.array([int(row[2]) for row in starts])
        self._rates_hz = np.array([float(row[3]) for row in starts])

    def between(self, from_s: float, until_s: float) -> "CardRecording":
        """What left the card between two instants (CLOCK_MONOTONIC seconds)."""
        first, last = (min(max(0, self._frame_at(at_s)), len(self.samples)) for at_s in (from_s, until_s))
        cut = copy.copy(self)
        cut.samples, cut._frames = self.samples[first:last], self._frames - first
        return cut

    def _frame_at(self, instant_s: float) -> int:
        k = max(0, int(np.searchsorted(self._instants_ns, instant_s * 1e9, side="right")) - 1)
        return int(self._frames[k] + (instant_s - self._instants_ns[k] * 1e-9) * self._rates_hz[k])

    def instant_s(self, frame: float) -> float:
        """CLOCK_MONOTONIC seconds at which a frame of the file (it may be a fraction) left the card."""
        k = max(0, int(np.searchsorted(self._frames, frame, side="right")) - 1)
        return float(self._instants_ns[k] * 1e-9 + (frame - self._frames[k]) / self._rates_hz[k])


def instants_of(reference: Samples, recording: CardRecording) -> Instants:
    """When each 100 ms window of the reference left the card: CLOCK_MONOTONIC seconds, nan where it was not played.

    reference: mono, 48 kHz.
    """
    instants = np.full(max(0, (len(reference) - WINDOW) // HOP + 1), np.nan)
    lag: int | None = None
    for k in range(len(instants)):
        start = k * HOP
        window = reference[start : start + WINDOW]
        if float(np.sqrt(np.mean(window**2))) < 1e-3:
            continue
        place = None if lag is None else _near(window, recording.samples, start + lag)
        if place is None or lag is None or abs(place - start - lag) > STEADY:
            # Speech resembles itself: 100 ms of it match elsewhere too, a second does not.
            lag = _lag_of_second(reference, start, recording.samples)
            place = None if lag is None else _near(window, recording.samples, start + lag)
        if place is not None:
            lag = round(place) - start
            instants[k] = recording.instant_s(place)
    return instants


def _near(window: Samples, samples: Samples, expected: int) -> float | None:
    return _locate(window, samples, expected - SEARCH, expected + SEARCH)


def _lag_of_second(reference: Samples, start: int, samples: Samples) -> int | None:
    """By how many frames the second from `start` on lies later in the recording than in the reference."""
    second = reference[start : start + RATE]
    place = _locate(second, samples, 0, len(samples) - len(second)) if len(second) == RATE else None
    return None if place is None else round(place) - start


def times_played(reference: Samples, recording: CardRecording) -> int:
    """How often the reference was played: occurrences of one second from its middle."""
    middle = len(reference) // 2
    window = reference[middle : middle + RATE]
    left, count = recording.samples.copy(), 0
    while (place := _locate(window, left, 0, len(left) - len(window))) is not None:
        count += 1
        left[round(place) : round(place) + len(window)] = 0.0
    return count


def missing_windows(instants: Instants) -> int:
    """Number of windows missing between the first and the last that were found: gaps in the playback."""
    present = np.flatnonzero(~np.isnan(instants))
    return len(instants) if len(present) == 0 else int(np.isnan(instants[present[0] : present[-1] + 1]).sum())


def skew(instants: list[Instants]) -> Skew:
    """Over all pairs of receivers. Raises ValueError when no window was played by two of them."""
    differences = [np.abs(first - second) * 1e3 for i, first in enumerate(instants) for second in instants[i + 1 :]]
    every = np.concatenate(differences) if differences else np.array([])
    every = every[~np.isnan(every)]
    if len(every) == 0:
        raise ValueError("no piece of the reference was found in two recordings")
    return Skew(float(np.percentile(every, 50)), float(np.percentile(every, 99)), float(every.max()), len(every))


def _locate(window: Samples, samples: Samples, first: int, last: int) -> float | None:
    """The frame (a fraction) in [first, last] at which `window` occurs in `samples`; None when it does not."""
    first, last = max(0, first), min(len(samples) - len(window), last)
    if last - first < 2:
        return None
    stretch = samples[first : last + len(window)].astype(np.float64)
    loudness = np.sqrt(np.maximum(sliding_energy(stretch, len(window)), 1e-9))
    products = correlate(stretch, window)
    correlation = products / (loudness * float(np.sqrt(np.sum(window.astype(np.float64) ** 2))))
    peak = int(np.argmax(correlation))
    if correlation[peak] < LEAST_CORRELATION:
        return None
    return first + peak + _between(products, peak)


def _between(values: NDArray[np.float64], peak: int) -> float:
    """Offset of the true maximum from `peak`, in samples: the vertex of the parabola through three points."""
    if not 0 < peak < len(values) - 1:
        return 0.0
    return peak_offset(*values[peak - 1 : peak + 2])

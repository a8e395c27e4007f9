"""How much later one receiver is heard than another, in a recording of both.

Two receivers sound sweeps in turn, the one rising, the other falling (`wire.sweeps`), an interval apart by the
controller's clock. In a recording made anywhere both are heard, the offset is what the distance between a rising and a
falling sweep is more than that interval. The steps, each a known method:

1. Matched filter. The recording is correlated with either sweep (Turin, "An introduction to matched filters", IRE
   Trans. IT-6, 1960), the replica weighted by a Hann window so that beside its peak nothing is higher than −31 dB
   (Harris, "On the use of windows", Proc. IEEE 66, 1978): a weak first arrival is not mistaken for a side lobe.
2. Folding. The rounds are laid over one another, at the rate of the recorder's clock that makes the highest peak, and
   the median of their power is taken: what sounds once (a horn, a door) is gone.
3. First arrival. Not the highest peak counts, which may be a wall's, but the earliest that stands out of what is round
   it and is at most 15 dB below the highest (as in seismology and ultra-wide-band ranging: "leading edge detection").
4. Between the samples. The top of the parabola through three points of the envelope; the median over the rounds.

What moves both alike (the recorder's beginning, its latency) falls out; what the recorder's clock is off is measured.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from signals.correlation import correlation_power, peak_offset
from wire.sweeps import RATE, SWEEP_FRAMES, sweep

Samples = NDArray[np.float32]
Floats = NDArray[np.float64]

#: An echo may exceed the direct sound by this much (dB of power).
MOST_ECHO_DB = 15.0
#: An arrival less prominent than this above the median of its surroundings (dB) is not heard.
LEAST_PROMINENCE_DB = 13.0
#: How long before the loudest arrival direct sound is looked for; detours above 170 m are left out.
LOOKED_BEFORE_S = 0.5
LOOKED_AFTER_S = 0.15
#: Clocks of recorders: phones are within 100 ppm.
_RATES = np.arange(-400, 401, 20) * 1e-6
#: The envelope is searched at 8 kHz and interpolated at 48 kHz.
_COARSE = 6
#: How far (s) a first arrival may be from round to round: the clocks are steady to far less.
_STEADY_S = 0.001
#: Half the width (samples, 1 ms) in which a round's first arrival is looked for round the folded one.
_NEAR = 48
_QUIET_DBFS = -70.0
#: Of a sweep that is whole 11 % of the samples are so near its highest; of one that is cut off 3 dB lower half are.
_NEAR_HIGHEST, _CLIPPED_SHARE = 0.985, 0.3


class SweepTrain(NamedTuple):
    """What was played: `rounds` rising sweeps every two intervals, and as many falling ones, one interval later."""

    rounds: int
    interval_s: float

    @property
    def period_s(self) -> float:
        """Between two sweeps of the same kind."""
        return 2 * self.interval_s

    @property
    def length_s(self) -> float:
        """From the first sample of the first sweep to the last of the last."""
        return self.rounds * self.period_s - self.interval_s + SWEEP_FRAMES / RATE


class SweepArrival(NamedTuple):
    """How one receiver was heard. at_s: first arrival from the start of the recording, folded over the rounds.

    prominence_db: of the loudest arrival above its surroundings. rounds_s: the first arrival in each round, by the
    train's clock, nan where it was not found.
    """

    at_s: float
    prominence_db: float
    rounds_s: Floats

    @property
    def heard(self) -> bool:
        return self.prominence_db >= LEAST_PROMINENCE_DB


class Offset(NamedTuple):
    """offset_s: how much later the falling sweeps are heard; nan when one of the two is not.

    error_s: standard error over the rounds. agreeing: rounds in which both first arrivals were found as expected.
    level_dbfs: of the recording (RMS). clipped: whether the recorder was overdriven. rate_ppm: of its clock.
    """

    offset_s: float
    error_s: float
    agreeing: int
    rising: SweepArrival
    falling: SweepArrival
    level_dbfs: float
    clipped: bool
    rate_ppm: float

    @property
    def too_quiet(self) -> bool:
        return self.level_dbfs < _QUIET_DBFS


def find_offset(recording: Samples, train: SweepTrain) -> Offset:
    """Find the offset in a recording: mono, 48 kHz, −1 to 1. Offsets beyond ± an interval come out modulo the period.

    Raises ValueError when it is shorter than two periods of the train.
    """
    if len(recording) < 2 * train.period_s * RATE:
        raise ValueError("the recording is too short")
    sound = recording.astype(np.float64)
    filtered = [_matched(sound, rising) for rising in (True, False)]
    coarse = [_coarse(samples) for samples in filtered]
    begins = [_train_begin(signal, train) for signal in coarse]
    rate = _rate(coarse, begins, train)
    rising, falling = (
        _found(samples, begin / (RATE // _COARSE), train, rate) for samples, begin in zip(filtered, begins, strict=True)
    )
    differences = falling.rounds_s - rising.rounds_s - train.interval_s
    differences = (differences + train.interval_s) % train.period_s - train.interval_s
    middle = float(np.nanmedian(differences)) if np.isfinite(differences).any() else float("nan")
    good = differences[np.abs(differences - middle) < _STEADY_S]
    heard = rising.heard and falling.heard and len(good) > 0
    return Offset(
        offset_s=float(np.median(good)) if heard else float("nan"),
        error_s=float(np.std(good) / max(1, len(good) - 1) ** 0.5) if heard else float("nan"),
        agreeing=len(good) if heard else 0,
        rising=rising,
        falling=falling,
        level_dbfs=float(10 * np.log10(np.mean(sound**2) + 1e-12)),
        clipped=_clipped(sound),
        rate_ppm=rate * 1e6,
    )


def _matched(sound: Floats, rising: bool) -> Floats:
    """Power of the matched filter's output, by the sample at which a sweep would begin."""
    replica = np.array(sweep(rising)) * np.hanning(SWEEP_FRAMES)
    return correlation_power(sound, replica) / float(np.sum(replica**2))


def _coarse(power: Floats) -> Floats:
    """The highest of each six samples."""
    whole = len(power) // _COARSE * _COARSE
    highest: Floats = power[:whole].reshape(-1, _COARSE).max(axis=1)
    return highest


def _train_begin(coarse: Floats, train: SweepTrain) -> int:
    """The coarse sample at which the loudest arrival of the first round is: where a comb of all rounds holds most.

    No round counts for more than twice the middle of the loudest, as many as there are rounds, so that one bang makes
    no train. Where the recording lacks the first rounds it is negative.
    """
    wide = np.maximum.reduce([np.roll(coarse, k) for k in range(-16, 17, 4)])  # 2 ms: the clock's drift over the train
    period = round(train.period_s * RATE / _COARSE)
    peaks = sorted(wide[k : k + period].max() for k in range(0, len(wide) - period // 2, period))
    capped = np.minimum(wide, 2 * float(np.median(peaks[-train.rounds :])))
    lead = (train.rounds - 2) * period  # at least two rounds are in it
    padded = np.concatenate([np.zeros(lead), capped, np.zeros(lead)])
    starts = len(padded) - (train.rounds - 1) * period
    comb = sum((padded[k * period : k * period + starts] for k in range(train.rounds)), np.zeros(starts))
    return int(np.argmax(comb)) - lead


def _rate(coarse: list[Floats], begins: list[int], train: SweepTrain) -> float:
    """How much slower the train's clock seems in the recording: the rate at which the rounds fold to a peak."""
    best, best_peak = 0.0, -1.0
    margin = RATE // _COARSE * 3 // 100
    for rate in _RATES:
        step = train.period_s * (1 + rate) * RATE / _COARSE
        peak = 1.0
        for power, begin in zip(coarse, begins, strict=True):
            rounds = [
                power[at - margin : at + margin]
                for k in range(train.rounds)
                if (at := round(begin + k * step)) >= margin and at + margin <= len(power)
            ]
            peak *= float(np.mean(np.sqrt(rounds), axis=0).max()) if rounds else 1.0
        if peak > best_peak:
            best, best_peak = float(rate), peak
    return best


def _found(power: Floats, begin_s: float, train: SweepTrain, rate: float) -> SweepArrival:
    """The first arrival round the loudest one at `begin_s` of the recording."""
    before, after = round(LOOKED_BEFORE_S * RATE), round(LOOKED_AFTER_S * RATE)
    starts = [round((begin_s + k * train.period_s * (1 + rate)) * RATE) - before for k in range(train.rounds)]
    inside = {k: at for k, at in enumerate(starts) if at >= 0 and at + before + after <= len(power)}
    rounds_s = np.full(train.rounds, np.nan)
    if len(inside) < 2:
        return SweepArrival(float("nan"), 0.0, rounds_s)
    folded = np.median([power[at : at + before + after] for at in inside.values()], axis=0)
    place, prominence_db = _first(folded)
    for k, at in inside.items():
        near = power[at + place - _NEAR : at + place + _NEAR + 1]
        if len(near) == 2 * _NEAR + 1 and 0 < (top := int(np.argmax(near))) < 2 * _NEAR:
            rounds_s[k] = (at + place - _NEAR + top + _between(near, top)) / RATE / (1 + rate)
    return SweepArrival((inside[min(inside)] + place) / RATE, prominence_db, rounds_s)


def _first(folded: Floats) -> tuple[int, float]:
    """The sample of the first arrival in folded power, and how far the loudest stands out (dB)."""
    width = RATE * 12 // 100
    loudest = int(np.argmax(folded))
    loud_around = np.median(folded[max(0, loudest - width) : loudest + width]) + 1e-30
    prominence_db = float(10 * np.log10(folded[loudest] / loud_around + 1e-30))
    floor = float(np.median(folded)) + 1e-30
    least = max(folded[loudest] * 10 ** (-MOST_ECHO_DB / 10), floor * 10 ** (LEAST_PROMINENCE_DB / 10))
    above = np.flatnonzero(folded >= least)
    if len(above) == 0:
        return loudest, prominence_db
    edge = int(above[0])
    return edge + int(np.argmax(folded[edge : edge + _NEAR])), prominence_db


def _between(values: Floats, peak: int) -> float:
    """Where between its neighbours a peak really is: the top of the parabola through the envelope's three points."""
    return peak_offset(*np.sqrt(values[peak - 1 : peak + 2]))


def _clipped(sound: Floats) -> bool:
    """Whether much of the loudest tenth of a second stands at the same highest value."""
    size = RATE // 10
    pieces = np.abs(sound[: len(sound) // size * size]).reshape(-1, size)
    highest = float(pieces.max())
    return highest > 0.5 and bool(np.mean(pieces >= _NEAR_HIGHEST * highest, axis=1).max() > _CLIPPED_SHARE)

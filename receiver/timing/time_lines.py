"""Lines through exchanges: offset and drift of controller time, and how well they are known.

On a jittery network two parallel lines lie along the quickest ways there and back; on a quiet one a line lies midst of
all. Why so: docs/decisions/0013.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]
Micros = NDArray[np.float64]

#: Crystals are within ±100 ppm, the controller slews by at most 50 more.
MOST_DRIFT_PPM = 200.0
#: Before data say more, drift is held to be zero within about this, so that a second of jitter bends nothing. On a
#: jittery network with tails as long as those of a Cauchy distribution: they do not pull on the rare crystal at 50 ppm.
USUAL_DRIFT_PPM = 20.0
#: The drift of the same crystal, known from before: warmer or colder than then, it differs by a few ppm.
KNOWN_DRIFT_PPM = 3.0
#: A drift that is given is held as good as fast.
_GIVEN_WITHIN_PPM = 1e-3
#: An edge of jitter is not sharp, since the machines delay as well: it says as much as so many times fewer exchanges.
BLUNT = 4.0
#: The newest exchanges are kept whole: how the network is now is read from them.
WHOLE = 600
#: How many of the quickest ways tell how well an edge is known.
_EDGE = 6
#: A network is quiet when half of all exchanges take no longer than the quickest and this.
QUIET_US = 1500.0
#: Of reweighting: the line does not move any more after these.
_ROUNDS = 6
_GRID = np.linspace(-1.0, 1.0, 25)


class Fit(NamedTuple):
    """offset at `at_us` (whole µs beside a fraction, so that no digit is lost), and all that is said of it."""

    at_us: int
    offset_us: int
    fraction_us: float
    drift_ppm: float
    drift_error_ppm: float
    #: How far apart two receivers with the same network may be.
    precision_us: float
    #: Half the distance between the lines.
    half_way_us: float
    #: Whether the network is.
    quiet: bool
    #: What an answer usually takes. Never asked faster than four times in this time: a controller that a thousand
    #: receivers ask at once gets slower, and is then asked less.
    usual_us: float
    #: By how much longer than the quickest half of all exchanges take: there and back, so about the whole width of the
    #: jitter of one way.
    spread_us: float


class Bounds(NamedTuple):
    """One exchange as two bounds of controller less local: below `there`, above `back`.

    stands_for: itself, and slower ones that were thrown away (`receiver.timing.exchange_history`).
    """

    local_us: int
    there_us: float
    back_us: float
    stands_for: int = 1


def fit_lines(
    exchanges: Sequence[Bounds],
    prior_ppm: float,
    drift_ppm: float | None = None,
    *,
    prior_within_ppm: float = USUAL_DRIFT_PPM,
) -> Fit:
    """Lay the two lines. drift_ppm: when it is known and only the offset is asked for."""
    last = exchanges[-1]
    at_us, whole_us = last.local_us, round((last.there_us + last.back_us) / 2)
    bounds = np.array([(b.local_us - at_us, b.there_us - whole_us, b.back_us - whole_us) for b in exchanges])
    seconds, there, back = bounds[:, 0] * 1e-6, bounds[:, 1], bounds[:, 2]
    count = sum(b.stands_for for b in exchanges)
    excess = there - back
    shortest_us = float(excess.min())
    # What is usual is read from those that are kept whole: of the older ones only the quickest are there.
    excess_us = _middle(excess[-WHOLE:]) - shortest_us
    quiet = excess_us < QUIET_US
    if quiet:
        ppm, middle_us, sigma_ppm, sigma_us = _midst(
            seconds,
            (there + back) / 2,
            prior_ppm if drift_ppm is None else drift_ppm,
            prior_within_ppm if drift_ppm is None else _GIVEN_WITHIN_PPM,
        )
        half_way_us = max(0.0, float((there - ppm * seconds).min() - (back - ppm * seconds).max()) / 2)
        # The bounds hold whatever the midst says.
        reach_us = half_way_us + abs(middle_us - _between(there, back, ppm * seconds))
        return Fit(
            at_us, whole_us, middle_us, ppm, 3 * sigma_ppm, 3 * sigma_us + 2.0, reach_us, True, shortest_us, excess_us
        )
    unit_us = BLUNT * (excess_us + 10.0) / count

    if drift_ppm is None:
        # 1. Every drift weighed by how far apart it lets the lines lie (in units of what one exchange in `count` leaves
        #    open) and by the prior; the mean of them all errs less than the best of them. Coarse first, then fine.
        ppm, width_ppm = prior_ppm, MOST_DRIFT_PPM
        for _ in range(3):
            drifts = np.clip(ppm + width_ppm * _GRID, -MOST_DRIFT_PPM, MOST_DRIFT_PPM)
            slopes = np.outer(drifts, seconds)
            apart_us = (there - slopes).min(axis=1) - (back - slopes).max(axis=1)
            logarithm = apart_us / unit_us - np.log1p(((drifts - prior_ppm) / prior_within_ppm) ** 2)
            weights = np.exp(logarithm - logarithm.max())
            weights /= weights.sum()
            ppm = float(weights @ drifts)
            sigma_ppm = float(np.sqrt(weights @ (drifts - ppm) ** 2))
            if sigma_ppm > width_ppm / 5:
                break
            width_ppm = max(5 * sigma_ppm, width_ppm / 12)
    else:
        ppm, sigma_ppm = drift_ppm, 0.0
    # 2. The offset.
    up, down = np.sort(there - ppm * seconds), np.sort(ppm * seconds - back)
    middle_us = float(up[0] - down[0]) / 2
    precision_us = 1.5 * float(np.hypot(_spread(up), _spread(down))) / np.sqrt(_EDGE) + 2.0
    drift_error_ppm = 3 * sigma_ppm
    half_way_us = max(0.0, float(up[0] + down[0]) / 2)
    return Fit(
        at_us,
        whole_us,
        middle_us,
        ppm,
        drift_error_ppm,
        float(precision_us),
        half_way_us,
        quiet,
        shortest_us,
        excess_us,
    )


def _midst(
    seconds: Seconds, offsets: Micros, before_ppm: float, within_ppm: float
) -> tuple[float, float, float, float]:
    """The line that leaves as much above as below: drift, offset at the end, and one sigma of both.

    On a quiet network what is left is the machines' own doing, now there and now back, with freaks on either side: the
    midst of all errs less than the quickest do. Least absolute deviations, by iterative reweighting (IRLS).
    """
    # The prior, as one more equation.
    prior = 1 / within_ppm**2
    ppm, offset_us = before_ppm, _middle(offsets - before_ppm * seconds)
    ppm_variance = offset_variance = 0.0
    for _ in range(_ROUNDS):
        off = np.abs(offsets - offset_us - ppm * seconds)
        sigma_us = max(5.0, 1.48 * _middle(off))
        weights = 1 / (sigma_us * np.maximum(off, sigma_us / 2))
        # The normal equations by hand: numpy.linalg is another 7 MB.
        all_, first = float(weights.sum()), float((weights * seconds).sum())
        second = float((weights * seconds * seconds).sum()) + prior
        right = float((weights * seconds * offsets).sum()) + prior * before_ppm
        left = float((weights * offsets).sum())
        determinant = all_ * second - first * first
        ppm, offset_us = (all_ * right - first * left) / determinant, (second * left - first * right) / determinant
        ppm_variance, offset_variance = all_ / determinant, second / determinant
    return ppm, offset_us, float(np.sqrt(ppm_variance)), float(np.sqrt(offset_variance))


def _middle(values: Micros) -> float:
    """The median; numpy's own brings 7 MB of other modules with it."""
    half = len(values) // 2
    return float(np.partition(values, half)[half])


def _between(there: Micros, back: Micros, slope: Micros) -> float:
    """Midway between the lines along the very quickest."""
    return float((there - slope).min() + (back - slope).max()) / 2


def _spread(ordered: Micros) -> float:
    """How far the quickest reach above the very quickest."""
    return float(ordered[min(_EDGE, len(ordered) - 1)] - ordered[0])

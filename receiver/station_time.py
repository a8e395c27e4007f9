"""Station time: controller time as this receiver knows it, with how well it knows it.

Each exchange bounds the truth from both sides, whatever the network does: the way there cannot take less than nothing,
nor the way back (see `_Bounds`). Two parallel lines, offset and drift in common, are laid along the quickest ways there
and the quickest ways back; station time is the line midway. Delay that comes and goes thus drops out as 1/n, not as the
1/√n of averages. Half the distance between the lines is what no arithmetic can see: a network that is slower one way
than the other. It is in the error bar. Why so: docs/decisions/0051.

All local instants are the monotonic clock, µs; the wall clock is never looked at.
"""

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wire.reports import ClockState
from wire.time import Exchange

Seconds = NDArray[np.float64]
Micros = NDArray[np.float64]

#: Exchanges looked at: some ten minutes of them at rest.
KEPT = 1000
#: Older ones say little: a crystal in a warming box moves by some 0.1 ppm in this time, 60 µs.
KEPT_US = 600_000_000
#: With fewer exchanges there is no estimate: a lone slow one would be believed.
TO_LOCK = 6
#: Crystals are within ±100 ppm, the controller slews by at most 50 more.
MOST_DRIFT_PPM = 200.0
#: Before data say more, drift is held to be zero within this (one sigma), so that a second of jitter bends nothing.
USUAL_DRIFT_PPM = 15.0
#: How fast the drift may be wrong while nothing is heard, beyond what the fit says.
WANDER_PPM = 1.0
#: An answer that took longer says nothing of use, and may be a replay.
LONGEST_DELAY_US = 5_000_000
#: This many answers in a row that contradict the estimate mean that a clock was set, or that we slept.
CONTRADICTIONS = 3
#: How many of the quickest ways lie along each line. On a jittery network few: its quickest are sharply bounded. On a
#: quiet one an eighth of all: there averages gain more, but the busy machine's own delays begin soon.
ALONG_JITTERY = 2
ALONG_QUIET = 0.12
#: A network is quiet when half of all exchanges take no longer than the quickest and this.
QUIET_US = 1500.0

_FIRST_BURST, _FIRST_GAP_US = 12, 60_000
#: (until so many are kept, gap µs): quick at first, since what jitter leaves shrinks as 1/n.
_GAPS_QUIET_US = ((300, 100_000), (600, 250_000))
_GAPS_JITTERY_US = ((600, 50_000), (1000, 100_000))
#: At rest: bursts of this many, so often. On a jittery network twice as often as on a quiet one.
_BURST, _BURST_GAP_US = 4, 40_000
_REST_US, _REST_JITTERY_US = 4_000_000, 2_000_000
#: An estimate this precise can rest.
_PRECISE_US = 60.0


_GRID = np.linspace(-1.0, 1.0, 25)


class _Fit(NamedTuple):
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
    #: What an answer usually takes. Never asked faster than twice in this time: a controller that a thousand receivers
    #: ask at once gets slower, and is then asked less.
    usual_us: float


class _Bounds(NamedTuple):
    """One exchange as two bounds of controller less local: below `there`, above `back`."""

    local_us: int
    there_us: float
    back_us: float


class StationTime:
    """The estimate. Written by one thread, read by any."""

    def __init__(self, drift_ppm: float = 0.0, *, kept: int = KEPT) -> None:
        """drift_ppm: known from before, if it is: makes the first minute better, wrong does no harm."""
        self._kept: deque[_Bounds] = deque(maxlen=kept)
        self._against: list[_Bounds] = []
        self._fit: _Fit | None = None
        self._prior_ppm = drift_ppm
        self._last_us = 0
        self._asked = 0
        self._next_ask_us = 0
        self._answered_since_hurry = 0
        self.exchanges = 0
        #: Answers thrown away: absurd ones.
        self.absurd = 0
        #: How often the estimate was begun anew since a clock had jumped.
        self.restarts = 0

    @property
    def locked(self) -> bool:
        """Whether there is an estimate."""
        return self._fit is not None

    @property
    def drift_ppm(self) -> float:
        """How much faster controller time runs than the local clock; 0 before the lock."""
        return self._fit.drift_ppm if self._fit else self._prior_ppm

    @property
    def precision_us(self) -> float:
        """About how far (99 %) the line midway may lie from where endless exchanges would put it."""
        return self._fit.precision_us if self._fit else 1e9

    def to_controller_us(self, local_us: float) -> float:
        """Controller time at a local instant. Raises LookupError when not locked."""
        fit = self._held()
        return local_us + fit.offset_us + (fit.fraction_us + (local_us - fit.at_us) * fit.drift_ppm * 1e-6)

    def to_local_us(self, controller_us: float) -> float:
        """The local instant of a controller instant. Raises LookupError when not locked."""
        fit = self._held()
        ahead_us = (controller_us - fit.offset_us - fit.at_us) - fit.fraction_us
        return fit.at_us + ahead_us / (1 + fit.drift_ppm * 1e-6)

    def error_us(self, local_us: float) -> float:
        """Half width of the interval that holds the truth (≥ 99 %), growing while nothing is heard; 1e9 unlocked."""
        fit = self._fit
        if fit is None:
            return 1e9
        age_us = max(0.0, local_us - fit.at_us)
        return fit.half_way_us + fit.precision_us + age_us * (fit.drift_error_ppm + WANDER_PPM) * 1e-6

    def state(self, local_us: int, utc_us: int) -> ClockState:
        """As the heartbeat tells it. utc_us: what the machine's own wall clock says at `local_us`."""
        if self._fit is None:
            return ClockState(locked=False, exchanges=self.exchanges)
        return ClockState(
            locked=True,
            offset_us=round(self.to_controller_us(local_us) - utc_us),
            error_us=round(min(self.error_us(local_us), 1e9)),
            drift_ppm=round(self._fit.drift_ppm, 3),
            exchanges=self.exchanges,
            age_ms=max(0, local_us - self._last_us) // 1000,
        )

    def next_ask(self) -> int:
        """The local instant at which to ask next; one that is past means now."""
        return self._next_ask_us

    def asked(self, local_us: int) -> None:
        """An ask left at this instant: the next one is put on the plan, whether an answer comes or not."""
        self._asked += 1
        self._next_ask_us = local_us + self._gap_us()

    def hurry(self, local_us: int) -> None:
        """The connection is new: ask now, and a first burst, since the network may be another."""
        self._answered_since_hurry = 0
        self._next_ask_us = local_us

    def add(self, heard: Exchange) -> bool:
        """Take an answer. False when it is thrown away: absurd, or older than what is known."""
        if not 0 <= heard.delay_us <= LONGEST_DELAY_US:
            self.absurd += 1
            return False
        half_us = heard.delay_us / 2
        bounds = _Bounds(heard.local_us, heard.offset_us + half_us, heard.offset_us - half_us)
        self.exchanges += 1
        self._answered_since_hurry += 1
        self._last_us = max(self._last_us, heard.local_us + heard.delay_us // 2)
        if self._contradicts(bounds):
            self._against.append(bounds)
            if len(self._against) < CONTRADICTIONS:
                return True
            # 1. A clock was set, or this machine slept: what was known before is worth nothing.
            self._kept.clear()
            self._kept.extend(self._against)
            self.restarts += 1
            self._answered_since_hurry = 0
        else:
            self._kept.append(bounds)
        self._against.clear()
        while bounds.local_us - self._kept[0].local_us > KEPT_US:
            self._kept.popleft()
        self._estimate()
        return True

    def _held(self) -> _Fit:
        if self._fit is None:
            raise LookupError("station time is not locked yet")
        return self._fit

    def _contradicts(self, bounds: _Bounds) -> bool:
        """Whether an answer cannot be true if the estimate is: the truth would lie outside of both its bounds."""
        if self._fit is None:
            return False
        now_us = self.to_controller_us(bounds.local_us) - bounds.local_us
        slack_us = 500.0 + self.error_us(bounds.local_us) - self._fit.half_way_us
        return now_us > bounds.there_us + slack_us or now_us < bounds.back_us - slack_us

    def _estimate(self) -> None:
        # Restarted by a jump, the old line would be wrong by far more than three answers are.
        enough = CONTRADICTIONS if self._fit is not None else TO_LOCK
        if len(self._kept) < enough:
            return
        # A lone answer moves little when hundreds are kept: one in four is estimated then, and all of the first ones.
        if self.exchanges % 4 and len(self._kept) > 40:
            return
        self._fit = _fit(self._kept, self._prior_ppm)
        if len(self._kept) >= 60 and self._bent(self._fit):
            for _ in range(len(self._kept) // 2):
                self._kept.popleft()
            self._fit = _fit(self._kept, self._prior_ppm)

    def _bent(self, fit: _Fit) -> bool:
        """Whether the newest third lies off the line: a clock is being slewed, or a crystal is warming up."""
        newest = list(self._kept)[-len(self._kept) // 3 :]
        recent = _fit(newest, fit.drift_ppm, drift_ppm=fit.drift_ppm)
        off_us = (recent.offset_us - fit.offset_us) + recent.fraction_us - fit.fraction_us
        return abs(off_us) > 30.0 + 1.5 * (recent.precision_us + fit.precision_us)

    def _gap_us(self) -> int:
        if self._fit is None or self._answered_since_hurry < _FIRST_BURST:
            return _FIRST_GAP_US if self._asked < 200 else 1_000_000
        for until, gap_us in _GAPS_QUIET_US if self._fit.quiet else _GAPS_JITTERY_US:
            if len(self._kept) < until:
                return max(gap_us, round(self._fit.usual_us / 2))
        if self._asked % _BURST:
            return _BURST_GAP_US
        return _REST_US if self.precision_us < _PRECISE_US else _REST_JITTERY_US


def _fit(kept: deque[_Bounds] | list[_Bounds], prior_ppm: float, drift_ppm: float | None = None) -> _Fit:
    """Lay the two lines. drift_ppm: when it is known and only the offset is asked for."""
    last = kept[-1]
    at_us, whole_us = last.local_us, round((last.there_us + last.back_us) / 2)
    bounds = np.array([(b.local_us - at_us, b.there_us - whole_us, b.back_us - whole_us) for b in kept])
    seconds, there, back = bounds[:, 0] * 1e-6, bounds[:, 1], bounds[:, 2]
    count = len(seconds)
    excess = np.sort(there - back)
    excess_us = float(excess[count // 2] - excess[0])
    quiet = excess_us < QUIET_US
    along = max(1, round(count * ALONG_QUIET)) if quiet else min(ALONG_JITTERY, 1 + count // 20)
    unit_us = (excess_us + 10.0) / count

    if drift_ppm is None:
        # 1. Every drift weighed by how far apart it lets the lines lie (in units of what one exchange in `count` leaves
        #    open) and by the prior; the mean of them all errs less than the best of them. Coarse first, then fine.
        ppm, width_ppm = prior_ppm, MOST_DRIFT_PPM
        for _ in range(3):
            drifts = np.clip(ppm + width_ppm * _GRID, -MOST_DRIFT_PPM, MOST_DRIFT_PPM)
            apart_us = _lowest(there - np.outer(drifts, seconds), along) + _lowest(
                np.outer(drifts, seconds) - back, along
            )
            logarithm = apart_us / unit_us - 0.5 * ((drifts - prior_ppm) / USUAL_DRIFT_PPM) ** 2
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
    middle_us = float(up[:along].mean() - down[:along].mean()) / 2
    edge = max(2, along)
    spread_us = float(np.hypot(_spread(up, edge), _spread(down, edge)))
    precision_us = 1.5 * spread_us / np.sqrt(edge) + 2.0
    drift_error_ppm = 3 * sigma_ppm
    half_way_us = max(0.0, float(up[0] + down[0]) / 2)
    return _Fit(
        at_us, whole_us, middle_us, ppm, drift_error_ppm, float(precision_us), half_way_us, quiet, float(excess[0])
    )


def _spread(values: Micros, count: int) -> float:
    """How far the `count` lowest values reach above the lowest."""
    ordered = np.sort(values)
    return float(ordered[min(count, len(ordered) - 1)] - ordered[0])


def _lowest(rows: Micros, count: int) -> Micros:
    """The mean of the `count` lowest of each row."""
    lowest: Micros = np.partition(rows, count - 1, axis=1)[:, :count].mean(axis=1)
    return lowest

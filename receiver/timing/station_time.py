"""Station time: controller time as this receiver knows it, with how well it knows it.

Each exchange bounds the truth from both sides, whatever the network does: the way there cannot take less than nothing,
nor the way back. On a jittery network two parallel lines, offset and drift in common, are laid along the quickest ways
there and the quickest ways back; station time is the line midway. Delay that comes and goes thus drops out as 1/n, not
as the 1/√n of averages. On a quiet network what is left goes either way, and the line lies midst of all exchanges (see
`time_lines`). Half the distance between the lines is what no arithmetic can see: a network that is slower one
way than the other. It is in the error bar. Why so: docs/decisions/0013.

All local instants are the monotonic clock, µs; the wall clock is never looked at. After a start of the machine without
network `receiver.timing.time_asker` may seed it from the battery clock (docs/decisions/0018).
"""

from collections import deque

from receiver.timing.exchange_history import ExchangeHistory
from receiver.timing.time_lines import KNOWN_DRIFT_PPM, USUAL_DRIFT_PPM, Bounds, Fit, fit_lines
from wire.reports import ClockState
from wire.time import Exchange

#: Older ones say little: a crystal in a warming box moves by some 0.1 ppm in ten minutes, 60 µs. Where jitter leaves
#: more in doubt than that, an hour says more; a crystal that wanders further is noticed (`_bent`).
KEPT_QUIET_US, KEPT_JITTERY_US = 600_000_000, 3_600_000_000
#: With fewer exchanges there is no estimate: a lone slow one would be believed.
TO_LOCK = 6
#: How fast the drift may be wrong while nothing is heard, beyond what the fit says.
WANDER_PPM = 1.0
#: An answer that took longer says nothing of use, and may be a replay.
LONGEST_DELAY_US = 5_000_000
#: This many answers in a row that contradict the estimate mean that a clock was set, or that we slept.
CONTRADICTIONS = 3
_FIRST_BURST, _FIRST_GAP_US = 12, 25_000
#: On a quiet network asks come in bursts, each as soon as the last is answered (or is given up, after so long): the
#: first wakes processors that slept, the quickest of all counts.
_BURST_QUIET, _GIVEN_UP_US = 6, 50_000
#: Exchanges that lie closer together than this are one burst.
_ONE_BURST_US = 15_000
#: The gap grows with the time that exchanges are known of, to this share of it: what a drift leaves in doubt is then
#: known equally well over seconds and over minutes. (share, least µs, most µs); between bursts on a quiet network.
_GAP_QUIET, _GAP_JITTERY = (1 / 40, 250_000, 8_000_000), (1 / 1400, 25_000, 1_000_000)
#: A fit over thousands takes some ms of a small processor: it is repeated each hundredth of the time known.
_ESTIMATE_EVERY_US, _ESTIMATE_EVERY_MOST_US = 250_000, 2_000_000

#: Of so many the heartbeat says how long they took.
_ROUND_TRIPS = 100


class StationTime:
    """The estimate. Written by one thread, read by any."""

    def __init__(self) -> None:
        self._kept = ExchangeHistory()
        self._against: list[Bounds] = []
        self._fit: Fit | None = None
        self._prior_ppm, self._prior_within_ppm = 0.0, USUAL_DRIFT_PPM
        self._last_us = self._estimated_us = 0
        self._asked = 0
        self._next_ask_us = 0
        self._answered_since_hurry = 0
        self._delays_us: deque[int] = deque(maxlen=_ROUND_TRIPS)
        self.exchanges = 0
        #: Answers thrown away: absurd ones.
        self.absurd = 0
        #: How often the estimate was restarted after a clock had jumped.
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
    def drift_error_ppm(self) -> float:
        """How wrong it may be (99 %)."""
        return min(self._fit.drift_error_ppm, self._prior_within_ppm) if self._fit else self._prior_within_ppm

    @property
    def precision_us(self) -> float:
        """About how far (99 %) the line midway may lie from where endless exchanges would put it."""
        return self._fit.precision_us if self._fit else 1e9

    def to_controller_us(self, local_us: float) -> float:
        """Controller time at a local instant. Raises LookupError when not locked."""
        fit = self._held()
        return local_us + fit.offset_us + (fit.fraction_us + (local_us - fit.at_us) * fit.drift_ppm * 1e-6)

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
            round_trip_us=self._round_trip_us(),
        )

    def _round_trip_us(self) -> int:
        delays_us = sorted(self._delays_us)
        return delays_us[len(delays_us) // 2] if delays_us else 0

    def next_ask(self) -> int:
        """The local instant at which to ask next; one that is past means now."""
        return self._next_ask_us

    def asked(self, local_us: int) -> None:
        """An ask left at this instant: the next one is put on the plan, whether an answer comes or not."""
        self._asked += 1
        self._next_ask_us = local_us + self._gap_us()

    @property
    def burst_goes_on(self) -> bool:
        """Whether to ask again now that an answer has come."""
        fit = self._fit
        return fit is not None and fit.quiet and self._settled and self._asked % _BURST_QUIET != 0

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
        bounds = Bounds(heard.local_us, heard.offset_us + half_us, heard.offset_us - half_us)
        self.exchanges += 1
        self._delays_us.append(heard.delay_us)
        self._answered_since_hurry += 1
        self._last_us = max(self._last_us, heard.local_us + heard.delay_us // 2)
        if self._contradicts(bounds):
            self._against.append(bounds)
            if len(self._against) < CONTRADICTIONS:
                return True
            # 1. A clock was set, or this machine slept: what was known before is worth nothing.
            self._kept.clear()
            for exchange in self._against:
                self._kept.add(exchange)
            self.restarts += 1
            self._answered_since_hurry = 0
        else:
            self._keep(bounds)
        self._against.clear()
        kept_us = KEPT_QUIET_US if self._fit is None or self._fit.quiet else KEPT_JITTERY_US
        self._kept.forget_before(bounds.local_us - kept_us)
        self._estimate()
        return True

    def recall_drift(self, drift_ppm: float, error_ppm: float) -> None:
        """What is known of the same crystal from before, the more so the less error_ppm (99 %) is: halves what the
        first seconds on a jittery network leave in doubt. Wrong it does little harm."""
        self._prior_ppm, self._prior_within_ppm = drift_ppm, min(USUAL_DRIFT_PPM, max(KNOWN_DRIFT_PPM, error_ppm))

    def seed(self, local_us: int, offset_us: float, error_us: float) -> None:
        """Begin with what is known from elsewhere: controller less local clock at an instant, within ± error_us.

        After `recall_drift`: without a drift the clock would run wrong by more than its bar grows.
        """
        for k in range(TO_LOCK + 2, 0, -1):
            then_us = offset_us - k * 0.1 * self._prior_ppm
            self._kept.add(Bounds(local_us - k * 100_000, then_us + error_us, then_us - error_us))
        self._last_us = local_us
        self._estimate()

    def _keep(self, bounds: Bounds) -> None:
        """Of a burst only the quickest: what delayed the others delayed them one way."""
        last = self._kept.newest if self._kept else None
        if last is not None and abs(bounds.local_us - last.local_us) < _ONE_BURST_US:
            if bounds.there_us - bounds.back_us < last.there_us - last.back_us:
                self._kept.replace_newest(bounds)
        else:
            self._kept.add(bounds)

    def _held(self) -> Fit:
        if self._fit is None:
            raise LookupError("station time is not locked yet")
        return self._fit

    def _contradicts(self, bounds: Bounds) -> bool:
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
        # A lone answer moves little when many are kept.
        known_us = self._last_us - self._kept.oldest.local_us
        every_us = min(_ESTIMATE_EVERY_MOST_US, max(_ESTIMATE_EVERY_US, known_us // 100))
        if len(self._kept) > 40 and self._last_us - self._estimated_us < every_us:
            return
        self._estimated_us = self._last_us
        self._fit = self._fitted()
        if len(self._kept) >= 60 and self._bent(self._fit):
            self._kept.forget_half()
            self._fit = self._fitted()
        if not self._fit.quiet:
            self._kept.thin(self._fit.drift_ppm)

    def _fitted(self) -> Fit:
        return fit_lines(list(self._kept), self._prior_ppm, prior_within_ppm=self._prior_within_ppm)

    def _bent(self, fit: Fit) -> bool:
        """Whether the newest third lies off the line: a clock is being slewed, or a crystal is warming up."""
        recent = fit_lines(self._kept.newest_third(), fit.drift_ppm, drift_ppm=fit.drift_ppm)
        off_us = (recent.offset_us - fit.offset_us) + recent.fraction_us - fit.fraction_us
        return abs(off_us) > 30.0 + 1.5 * (recent.precision_us + fit.precision_us)

    @property
    def _settled(self) -> bool:
        return self._answered_since_hurry >= _FIRST_BURST

    def _gap_us(self) -> int:
        if self._fit is None or not self._settled:
            return _FIRST_GAP_US if self._asked < 200 else 1_000_000
        quiet, least_us = self._fit.quiet, round(self._fit.usual_us / 4)
        if quiet and self._asked % _BURST_QUIET:
            return max(_GIVEN_UP_US, least_us)
        share, at_least_us, most_us = _GAP_QUIET if quiet else _GAP_JITTERY
        if not quiet:
            # A network that keeps the order holds a quick packet behind a late one. Of asks that are the width of the
            # jitter apart more of the quickest come through than of asks closer together (docs/sync.md).
            at_least_us = min(most_us, max(at_least_us, round(self._fit.spread_us)))
        known_us = self._last_us - self._kept.oldest.local_us
        return max(least_us, at_least_us, min(most_us, round(share * known_us)))

"""The controller's clock: UTC that does not jump when the wall clock is set. See docs/times.md."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

log = logging.getLogger(__name__)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: How fast we follow the wall clock: half of what a receiver's steering may do, so that nobody hears it.
MOST_SLEW_PPM = 50.0
#: A difference beyond this is a step (the clock was set), not a drift.
STEP_US = 500_000
#: A step is believed when it is still there after this long: a virtual machine's hiccup is not.
STEP_HOLDS_US = 10_000_000
#: Two readings of a clock this close together are one instant; we try so often.
_ONE_INSTANT_NS, _READINGS = 5_000, 5
#: A step beyond this is confirmed by a person (docs/decisions/0042). Zones differ by 14 h; a mistyped day is 24 h.
LARGE_STEP_US = 20 * 3_600_000_000
#: No wall clock is right beyond this (the year 9000), and no datetime holds much more.
_LATEST_US = 221_845_392_000_000_000


class Clock(Protocol):
    """Where time comes from. Rules take `now`; only edges ask a clock."""

    @property
    def trusted(self) -> bool:
        """False while the time is plainly wrong. Nothing is planned, announced or told by such a time."""
        ...

    def now(self) -> datetime: ...

    def now_us(self) -> int:
        """Controller time in microseconds since 1970, UTC."""
        ...

    def monotonic_us(self) -> int:
        """A clock that only runs forward, for measuring how long something took."""
        ...

    def at_us(self, monotonic_us: int) -> int:
        """Controller time, µs since 1970, at an instant of `monotonic_us` that is a moment ago."""
        ...


class ControllerClock:
    """Runs on the monotonic clock, follows the wall clock slowly, and takes over a step that stays.

    After `guard` a large step waits for `accept_step` or `keep_time`; until then the time goes on as if the wall clock
    had not been set.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._lock = threading.Lock()
        self._anchor_us, self._anchor_monotonic_us = self._read_both()
        self._step_us = 0  # the wall clock less controller time, while that is a step
        self._stepped_since_us: int | None = None
        self._guarded = self._confirmed = False
        self._plausible_us = (0, _LATEST_US)
        self._pending_us: int | None = None
        self._kept_us: int | None = None
        self._on_step: list[Callable[[int], None]] = []

    def guard(self, earliest_us: int, latest_us: int) -> None:
        """Ask before a large step, and trust no time outside of this interval until it is confirmed.

        From a time that is not trusted every step is taken over at once: NTP has found the network.
        """
        with self._lock:
            self._guarded = True
            self._plausible_us = (earliest_us, min(latest_us, _LATEST_US))

    @property
    def trusted(self) -> bool:
        return self._is_trusted(self.now_us())

    @property
    def pending_step_us(self) -> int | None:
        """A large step of the wall clock that waits for a person's word; None for none."""
        return self._pending_us

    @property
    def kept_step_us(self) -> int | None:
        """A step that was refused, as long as the wall clock stays there; None for none."""
        return self._kept_us

    def accept_step(self) -> None:
        """The wall clock is right: follow the pending step now."""
        with self._lock:
            step_us, self._pending_us = self._pending_us, None
            if step_us is None:
                return
            self._anchor_us += step_us
            self._stepped_since_us = None
            self._confirmed = True
        self._tell(step_us)

    def keep_time(self) -> None:
        """The wall clock is wrong: controller time goes on without the pending step."""
        with self._lock:
            self._kept_us, self._pending_us = self._pending_us, None

    def confirm_time(self) -> None:
        """The time is right although it seemed wrong."""
        with self._lock:
            self._confirmed = True
        self._tell(0)

    def on_step(self, handler: Callable[[int], None]) -> None:
        """Call `told(microseconds)` after a step of the wall clock is taken over; with 0 when the time was confirmed.

        Called in whichever thread reads the clock: it must not wait.
        """
        self._on_step.append(handler)

    def now(self) -> datetime:
        return from_us(self.now_us())

    def now_us(self) -> int:
        """Controller time in microseconds since 1970, UTC."""
        return self._now()[0]

    def at_us(self, monotonic_us: int) -> int:
        now_us, now_monotonic_us = self._now()
        return now_us - (now_monotonic_us - monotonic_us)

    def _now(self) -> tuple[int, int]:
        """Controller time and the monotonic clock, of one instant, µs."""
        stepped = 0
        with self._lock:
            wall_us, monotonic_us = self._read_both()
            passed_us = monotonic_us - self._anchor_monotonic_us
            ours_us = self._anchor_us + passed_us
            error_us = wall_us - ours_us
            if abs(error_us) > STEP_US:
                stepped = self._consider_step(ours_us, error_us, monotonic_us)
                ours_us += stepped
            else:
                self._stepped_since_us = self._pending_us = self._kept_us = None
                most_us = int(passed_us * MOST_SLEW_PPM * 1e-6)
                if most_us >= 1:
                    ours_us += max(-most_us, min(most_us, error_us))
                    self._anchor_us, self._anchor_monotonic_us = ours_us, monotonic_us
        if stepped:
            self._tell(stepped)
        return ours_us, monotonic_us

    def monotonic_us(self) -> int:
        return self._monotonic_ns() // 1000

    def _read_both(self) -> tuple[int, int]:
        """Wall and monotonic clock at one instant, µs.

        A busy machine may stand still between the two readings; the pair whose readings lie closest together counts.
        """
        closest_ns, wall_ns, at_ns = 1 << 62, 0, 0
        for _ in range(_READINGS):
            before_ns = self._monotonic_ns()
            wall = self._wall_ns()
            after_ns = self._monotonic_ns()
            if after_ns - before_ns < closest_ns:
                closest_ns, wall_ns, at_ns = after_ns - before_ns, wall, (before_ns + after_ns) // 2
            if closest_ns < _ONE_INSTANT_NS:
                break
        return wall_ns // 1000, at_ns // 1000

    def _consider_step(self, ours_us: int, error_us: int, monotonic_us: int) -> int:
        """The step to take over now, 0 for none."""
        if self._stepped_since_us is None or abs(error_us - self._step_us) > STEP_US:
            self._stepped_since_us, self._step_us = monotonic_us, error_us
        if monotonic_us - self._stepped_since_us < STEP_HOLDS_US or not 0 <= ours_us + error_us <= _LATEST_US:
            return 0
        if self._asks_before(ours_us, error_us):
            if self._kept_us is None or abs(error_us - self._kept_us) > STEP_US:
                self._pending_us, self._kept_us = error_us, None
            return 0
        self._anchor_us += error_us
        self._stepped_since_us = self._pending_us = self._kept_us = None
        return error_us

    def _asks_before(self, ours_us: int, error_us: int) -> bool:
        if not self._guarded or not self._is_trusted(ours_us):
            return False
        return abs(error_us) > LARGE_STEP_US or not self._is_plausible(ours_us + error_us)

    def _is_trusted(self, at_us: int) -> bool:
        return self._confirmed or self._is_plausible(at_us)

    def _is_plausible(self, at_us: int) -> bool:
        earliest_us, latest_us = self._plausible_us
        return earliest_us <= at_us <= latest_us

    def _tell(self, step_us: int) -> None:
        if step_us:
            log.warning("the wall clock was set by %+.3f s; controller time follows", step_us / 1e6)
        for handler in self._on_step:
            handler(step_us)


class ManualClock:
    """A clock turned by hand, for tests."""

    def __init__(self, start: datetime) -> None:
        self._now_us = to_us(start)
        self._monotonic_us = 1_000_000_000
        self.trusted = True

    def now(self) -> datetime:
        """Where it was turned to."""
        return from_us(self._now_us)

    def now_us(self) -> int:
        """Where it was turned to, in microseconds since 1970."""
        return self._now_us

    def monotonic_us(self) -> int:
        """Runs with `advance`, and not with `set`."""
        return self._monotonic_us

    def at_us(self, monotonic_us: int) -> int:
        return self._now_us - (self._monotonic_us - monotonic_us)

    def advance(self, by: timedelta | None = None, *, seconds: float = 0.0) -> None:
        passed_us = round((by.total_seconds() if by else 0.0) * 1e6 + seconds * 1e6)
        self._now_us += passed_us
        self._monotonic_us += passed_us

    def set(self, to: datetime) -> None:
        """Set the wall clock, as a person or NTP would: it may go back."""
        self._now_us = to_us(to)


def to_us(at: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime. Raises ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a datetime without a zone is no instant")
    return (at - EPOCH) // timedelta(microseconds=1)


def from_us(at_us: int) -> datetime:
    """The aware UTC datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=at_us)

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


class Clock(Protocol):
    """Where time comes from. Rules take `now`; only edges ask a clock."""

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
    """Runs on the monotonic clock, follows the wall clock slowly, and takes over a step that stays."""

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._lock = threading.Lock()
        self._anchor_us, self._anchor_monotonic_us = self._read_both()
        self._stepped_since_us: int | None = None
        self._on_step: list[Callable[[int], None]] = []

    def on_step(self, told: Callable[[int], None]) -> None:
        """Call `told(microseconds)` whenever a step of the wall clock is taken over."""
        self._on_step.append(told)

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
                stepped = self._consider_step(error_us, monotonic_us)
                ours_us += stepped
            else:
                self._stepped_since_us = None
                most_us = int(passed_us * MOST_SLEW_PPM * 1e-6)
                if most_us >= 1:
                    ours_us += max(-most_us, min(most_us, error_us))
                    self._anchor_us, self._anchor_monotonic_us = ours_us, monotonic_us
        if stepped:
            log.warning("the wall clock was set by %+.3f s; controller time follows", stepped / 1e6)
            for told in self._on_step:
                told(stepped)
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

    def _consider_step(self, error_us: int, monotonic_us: int) -> int:
        if self._stepped_since_us is None:
            self._stepped_since_us = monotonic_us
        if monotonic_us - self._stepped_since_us < STEP_HOLDS_US:
            return 0
        self._anchor_us += error_us
        self._stepped_since_us = None
        return error_us


class ManualClock:
    """A clock turned by hand, for tests."""

    def __init__(self, start: datetime) -> None:
        self._now_us = to_us(start)
        self._monotonic_us = 1_000_000_000

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

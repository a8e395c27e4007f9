"""The controller's clock, with both clocks below it turned by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from runtime.clock import MOST_SLEW_PPM, STEP_HOLDS_US, STEP_US, ControllerClock, ManualClock, from_us, to_us
from tests.cast import MORNING

START_US = to_us(MORNING)


class Clocks:
    """The wall clock and the monotonic one of a machine."""

    def __init__(self) -> None:
        self.wall_us, self.monotonic_us = START_US, 5_000_000
        self.ours = ControllerClock(lambda: self.wall_us * 1000, lambda: self.monotonic_us * 1000)

    def run(self, us: int, *, wall_us: int | None = None) -> int:
        """Let both run, the wall clock perhaps at another speed; gives controller time."""
        self.monotonic_us += us
        self.wall_us += us if wall_us is None else wall_us
        return self.ours.now_us()


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_it_runs_with_both(clocks: Clocks) -> None:
    assert clocks.run(1_000_000) == START_US + 1_000_000
    assert clocks.ours.now() == MORNING + timedelta(seconds=1)
    assert clocks.ours.now().tzinfo is UTC


def test_a_small_error_of_the_wall_clock_is_followed_slowly(clocks: Clocks) -> None:
    clocks.wall_us += 10_000
    after = clocks.run(1_000_000)
    assert after == START_US + 1_000_000 + int(MOST_SLEW_PPM)
    for _ in range(300):
        after = clocks.run(1_000_000)
    assert after == clocks.wall_us


def test_it_never_runs_backwards_while_it_follows(clocks: Clocks) -> None:
    clocks.wall_us -= STEP_US - 1
    before = clocks.ours.now_us()
    for _ in range(100):
        now = clocks.run(1_000)
        assert now >= before
        before = now


def test_a_step_that_goes_away_again_changes_nothing(clocks: Clocks) -> None:
    clocks.wall_us += 3_600_000_000
    assert clocks.run(STEP_HOLDS_US - 1) == START_US + STEP_HOLDS_US - 1
    clocks.wall_us -= 3_600_000_000
    assert clocks.run(STEP_HOLDS_US) == START_US + 2 * STEP_HOLDS_US - 1


def test_a_step_that_stays_is_taken_over_and_told(clocks: Clocks, caplog: pytest.LogCaptureFixture) -> None:
    told: list[int] = []
    clocks.ours.on_step(told.append)
    clocks.wall_us -= 60_000_000
    clocks.run(0)
    clocks.run(STEP_HOLDS_US - 1)
    assert told == []
    assert clocks.run(1) == clocks.wall_us
    assert told == [-60_000_000]
    assert "the wall clock was set by -60.000 s" in caplog.text


def test_microseconds_and_datetimes_are_the_same_instant() -> None:
    assert from_us(to_us(MORNING)) == MORNING
    assert to_us(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert to_us(MORNING + timedelta(microseconds=1)) - to_us(MORNING) == 1


def test_a_datetime_without_a_zone_is_no_instant() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_us(MORNING.replace(tzinfo=None))


def test_setting_the_manual_clock_leaves_the_monotonic_one_alone(clock: ManualClock) -> None:
    before_us = clock.monotonic_us()
    clock.set(MORNING - timedelta(hours=1))
    assert clock.now() == MORNING - timedelta(hours=1)
    clock.advance(seconds=2)
    clock.advance(timedelta(seconds=1))
    assert clock.monotonic_us() - before_us == 3_000_000

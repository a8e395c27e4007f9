"""Jumps of controller time are noticed, and time counts as steady only some minutes later."""

from receiver.timing.time_jumps import JUMP_US, STEADY_US, TimeJumps

SECOND_US = 1_000_000
NOW_US = 1_795_000_000_000_000


def test_the_first_time_and_a_drift_are_no_jump_and_steady() -> None:
    jumps = TimeJumps()
    assert not jumps.step(NOW_US, 0)
    assert not jumps.step(NOW_US + SECOND_US + JUMP_US - 1, SECOND_US)
    assert jumps.steady(SECOND_US)


def test_after_a_jump_in_either_direction_time_is_steady_only_ten_minutes_later() -> None:
    for by_us in (JUMP_US, -86_400 * SECOND_US):
        jumps = TimeJumps()
        jumps.step(NOW_US, 0)
        assert jumps.step(NOW_US + by_us + SECOND_US, SECOND_US)
        assert not jumps.step(NOW_US + by_us + 2 * SECOND_US, 2 * SECOND_US), "once"
        assert not jumps.steady(SECOND_US + STEADY_US - 1)
        assert jumps.steady(SECOND_US + STEADY_US)


def test_what_is_known_first_after_a_start_throws_nothing_away_either() -> None:
    jumps = TimeJumps()
    assert not jumps.long_steady(0)
    jumps.step(1_000_000, 0)
    assert jumps.steady(0)
    assert not jumps.long_steady(STEADY_US - 1)
    assert jumps.long_steady(STEADY_US)
    jumps.step(1_000_000 + 2 * JUMP_US + STEADY_US, STEADY_US)
    assert not jumps.long_steady(STEADY_US + 1)

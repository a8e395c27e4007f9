"""Silence, length and a lost connection end a live broadcast, each after its warning."""

import pytest

from studio.live_limits import RECONNECT_US, LiveEnd, LiveLimits

S = 1_000_000


def limits(silence_s: int = 60, length_s: int = 600) -> LiveLimits:
    made = LiveLimits(silence_us=silence_s * S, length_us=length_s * S, begins_us=0)
    made.connected()
    return made


def test_a_forgotten_microphone_is_warned_and_ends() -> None:
    made = limits()
    made.heard(10 * S)
    assert made.step(49 * S).warning is None
    assert made.step(51 * S)[:2] == (LiveEnd.SILENCE, 19 * S)
    assert made.step(70 * S).end is LiveEnd.SILENCE


def test_a_voice_takes_the_warning_back() -> None:
    made = limits()
    assert made.step(45 * S).warning is LiveEnd.SILENCE
    made.heard(46 * S)
    assert made.step(46 * S).warning is None


def test_the_longest_time_ends_it_though_somebody_speaks() -> None:
    made = limits()
    made.heard(595 * S)
    assert made.step(590 * S).warning is LiveEnd.LENGTH
    made.heard(600 * S)
    assert made.step(600 * S).end is LiveEnd.LENGTH


@pytest.mark.parametrize("back_after_s", [3, 9])
def test_a_connection_that_comes_back_in_time_goes_on(back_after_s: int) -> None:
    made = limits()
    made.disconnected(100 * S)
    made.heard(100 * S)
    assert made.step((100 + back_after_s) * S).warning is LiveEnd.CONNECTION
    made.connected()
    assert made.step((100 + back_after_s) * S).warning is None


def test_one_that_does_not_ends_after_ten_seconds() -> None:
    made = limits()
    made.disconnected(20 * S)
    made.disconnected(25 * S)
    assert made.step(20 * S + RECONNECT_US).end is LiveEnd.CONNECTION

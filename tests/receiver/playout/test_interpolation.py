"""Reading a sound between its samples: exact to what nobody hears, at any place and any speed near its own."""

import numpy as np
import pytest

from receiver.playout.interpolation import interpolate, span

RATE = 48_000


def read_sine(frequency_hz: float, place: float, step: float, frames: int) -> float:
    """The largest error, against the sine itself at the same places."""
    first, count = span(place, step, frames)
    phase = 2 * np.pi * frequency_hz / RATE
    sound = np.sin(phase * np.arange(first, first + count)).astype(np.float32)
    wanted = np.sin(phase * (place + step * np.arange(frames)))
    return float(np.abs(interpolate(sound, place, step, frames) - wanted).max())


@pytest.mark.parametrize("place", [1000.0, 1000.1, 1000.4999, 1000.999999, 1001.0017])
@pytest.mark.parametrize("ppm", [0, 3, -50, 100, 500, -500, 1000])
def test_a_sine_read_between_its_samples_is_the_sine(place: float, ppm: float) -> None:
    assert read_sine(1_000, place, 1 + ppm * 1e-6, 960) < 10 ** (-60 / 20)
    assert read_sine(10_000, place, 1 + ppm * 1e-6, 960) < 10 ** (-50 / 20)


def test_at_any_place_the_error_is_75_db_down() -> None:
    places = 1000 + np.random.default_rng(1).uniform(0, 1, 200)
    worst = max(read_sine(1_000, float(place), 1.0, 64) for place in places)
    assert worst < 10 ** (-75 / 20)


def test_a_stretch_that_creeps_further_than_kernels_are_made_is_our_own_mistake() -> None:
    with pytest.raises(ValueError, match="creep"):
        read_sine(1_000, 1000.9, 1.01, 960)

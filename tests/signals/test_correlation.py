"""A template is found where it stands in a signal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from signals.correlation import correlate, correlation_power, peak_offset, sliding_energy

SAMPLES = st.floats(-1, 1, width=32)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, st.integers(20, 60), elements=SAMPLES), arrays(np.float64, 20, elements=SAMPLES))
def test_each_place_is_the_dot_product_of_its_stretch(signal: np.ndarray, template: np.ndarray) -> None:
    assert correlate(signal, template) == pytest.approx(np.correlate(signal, template, "valid"), abs=1e-9)


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, st.integers(20, 60), elements=SAMPLES), st.integers(1, 20))
def test_energy_is_that_of_each_stretch(signal: np.ndarray, length: int) -> None:
    stretches = np.lib.stride_tricks.sliding_window_view(signal, length)
    assert sliding_energy(signal, length) == pytest.approx((stretches**2).sum(axis=1), abs=1e-9)


@pytest.mark.parametrize("phase", [0.0, 0.5, np.pi / 2, 3.0])
def test_power_does_not_depend_on_the_phase_of_the_carrier(phase: float) -> None:
    at = np.arange(400)
    template = np.hanning(400) * np.cos(0.6 * at)
    signal = np.zeros(2000)
    signal[700:1100] = np.hanning(400) * np.cos(0.6 * at + phase)
    power = correlation_power(signal, template)
    assert len(power) == len(signal)
    assert int(np.argmax(power)) == pytest.approx(700, abs=1)
    assert power.max() == pytest.approx(float(np.dot(template, template)) ** 2, rel=0.01)


@pytest.mark.parametrize("top", [-0.4, 0.0, 0.3])
def test_the_top_of_a_parabola_is_found_between_its_samples(top: float) -> None:
    before, at, after = (5 - (x - top) ** 2 for x in (-1, 0, 1))
    assert peak_offset(before, at, after) == pytest.approx(top)
    assert peak_offset(1.0, 1.0, 1.0) == 0.0

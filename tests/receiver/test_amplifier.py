"""Amplifiers: on, off, and off when let go."""

from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from receiver.amplifier import AmplifierFailed, RecordedAmplifier
from receiver.gpio_amplifier import GpioAmplifier


def test_the_recorded_one_writes_down_each_change_once(tmp_path: Path) -> None:
    amplifier = RecordedAmplifier(tmp_path / "amplifier.csv")
    amplifier.switch(True)
    amplifier.switch(True)
    amplifier.close()
    assert [line.split(",")[1] for line in (tmp_path / "amplifier.csv").read_text().splitlines()] == ["on", "off"]
    assert not amplifier.is_on


@pytest.mark.parametrize("active_high", [True, False])
def test_the_relay_is_open_until_told_and_after_close(active_high: bool) -> None:
    factory = MockFactory()
    amplifier = GpioAmplifier("GPIO17", active_high=active_high, pin_factory=factory)
    pin = factory.pin("GPIO17")
    assert bool(pin.state) is not active_high
    amplifier.switch(True)
    assert amplifier.is_on
    assert bool(pin.state) is active_high
    amplifier.close()
    assert not amplifier.is_on
    amplifier.close()


def test_a_pin_that_is_not_there_is_said_in_one_sentence() -> None:
    with pytest.raises(AmplifierFailed, match="pin NONE"):
        GpioAmplifier("NONE", pin_factory=MockFactory())

"""Relays and contacts on the pins of a small computer."""

from typing import Any

import gpiozero

from gateway.device_description import ChainUnusable, GpioInput, GpioOutput
from gateway.runner import StepFailed


class GpioRelay:
    """A relay on a pin (`gateway.runner.Relay`)."""

    def __init__(self, output: GpioOutput, *, pin_factory: Any = None) -> None:
        """Takes the pin, off. Raises ChainUnusable when it is not there or another's."""
        self._pin = output.pin
        try:
            self._device = gpiozero.DigitalOutputDevice(
                output.pin, active_high=output.active_high, initial_value=False, pin_factory=pin_factory
            )
        except (gpiozero.GPIOZeroError, OSError, ValueError) as failure:
            raise ChainUnusable(f"pin {output.pin}: {failure}") from failure

    def switch(self, on: bool) -> None:
        try:
            (self._device.on if on else self._device.off)()
        except (gpiozero.GPIOZeroError, OSError) as failure:
            raise StepFailed(f"pin {self._pin}: {failure}") from failure

    def close(self) -> None:
        self._device.close()


class GpioContact:
    """A contact between a pin and ground (`gateway.runner.Gauge`)."""

    def __init__(self, contact: GpioInput, *, pin_factory: Any = None) -> None:
        """Takes the pin. Raises ChainUnusable."""
        self._pin = contact.pin
        try:
            self._device = gpiozero.Button(contact.pin, pull_up=True, pin_factory=pin_factory)
        except (gpiozero.GPIOZeroError, OSError, ValueError) as failure:
            raise ChainUnusable(f"pin {contact.pin}: {failure}") from failure

    def read(self) -> float:
        """1 when it is closed, else 0."""
        try:
            return float(self._device.is_pressed)
        except (gpiozero.GPIOZeroError, OSError) as failure:
            raise StepFailed(f"pin {self._pin}: {failure}") from failure

    def close(self) -> None:
        self._device.close()

"""The relay of an amplifier on a pin of a small computer. Home of gpiozero: 2.5 MB that others need not load."""

from typing import Any

import gpiozero

from receiver.amplifier import AmplifierFailed, PlainAmplifier


class GpioAmplifier(PlainAmplifier):
    """A relay on a pin of a small computer. pin: in gpiozero's words, "GPIO17". active_high: what closes the relay."""

    def __init__(self, pin: str, *, active_high: bool = True, pin_factory: Any = None) -> None:
        """Takes the pin, off. Raises AmplifierFailed."""
        try:
            self._relay = gpiozero.DigitalOutputDevice(
                pin, active_high=active_high, initial_value=False, pin_factory=pin_factory
            )
        except (gpiozero.GPIOZeroError, OSError, ValueError) as failure:
            raise AmplifierFailed(f"amplifier on pin {pin}: {failure}") from failure

    @property
    def is_on(self) -> bool:
        """See `Amplifier`."""
        return not self._relay.closed and bool(self._relay.value)

    def switch(self, on: bool) -> None:
        """See `Amplifier`."""
        if on:
            self._relay.on()
        else:
            self._relay.off()

    def close(self) -> None:
        """See `Amplifier`."""
        if not self._relay.closed:
            self._relay.off()
            self._relay.close()

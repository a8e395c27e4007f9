"""The amplifier before the horns, switched through a relay. Home of gpiozero.

When it is switched is the agent's: so long before the first sample as the config says.
"""

import logging
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import gpiozero

from receiver.speaker import local_us

log = logging.getLogger(__name__)


class AmplifierFailed(Exception):
    """The pin is not there or not ours: the message says which and why."""


class Amplifier(Protocol):
    """Something that is on or off. Saying the same twice does nothing."""

    @property
    def is_on(self) -> bool:
        """What it was last told."""
        ...

    def switch(self, on: bool) -> None:
        """On or off."""
        ...

    def close(self) -> None:
        """Off, and let go of the pin."""
        ...


class GpioAmplifier:
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


class Switched(NamedTuple):
    """at_us: local monotonic clock."""

    at_us: int
    on: bool


class RecordedAmplifier:
    """For machines without a relay: writes down when it was switched.

    file: one line each, `<CLOCK_MONOTONIC µs>,on|off`; None keeps it in `switched` only.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.switched: list[Switched] = []

    @property
    def is_on(self) -> bool:
        """See `Amplifier`."""
        return bool(self.switched) and self.switched[-1].on

    def switch(self, on: bool) -> None:
        """See `Amplifier`."""
        if on == self.is_on:
            return
        now = Switched(local_us(), on)
        self.switched = [*self.switched[-99:], now]  # a receiver runs for years
        log.info("amplifier %s", "on" if on else "off")
        if self._file is not None:
            with self._file.open("a") as record:
                record.write(f"{now.at_us},{'on' if on else 'off'}\n")

    def close(self) -> None:
        """See `Amplifier`."""
        self.switch(False)

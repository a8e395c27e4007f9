"""The amplifier before the horns, switched through a relay.

When it is switched is the agent's: so long before the first sample as the config says.
"""

import logging
from pathlib import Path
from typing import NamedTuple, Protocol

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

    @property
    def lead_ms(self) -> int:
        """So long it takes at most until sound comes out: it is told this much earlier."""
        ...

    @property
    def path_delay_us(self) -> int:
        """From the card's output to the horn, of what it is made of; the delay set in the page comes on top."""
        ...

    @property
    def fault(self) -> str:
        """Why it failed last, "" when it did not."""
        ...

    def switch(self, on: bool) -> None:
        """On or off."""
        ...

    def close(self) -> None:
        """Off, and let go of the pin."""
        ...


class Switched(NamedTuple):
    """at_us: local monotonic clock."""

    at_us: int
    on: bool


class PlainAmplifier:
    """What is the same for all that are one relay and no chain."""

    lead_ms = path_delay_us = 0
    fault = ""


class RecordedAmplifier(PlainAmplifier):
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

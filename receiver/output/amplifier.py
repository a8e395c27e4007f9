"""The amplifier before the horns, switched through a relay.

When it is switched is the agent's: so long before the first sample as the config says.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from receiver.timing.local_clock import local_us

log = logging.getLogger(__name__)

#: It stays on this long after the last sound: between two items it would click.
HOLD_US = 5_000_000
#: It is looked at several times a second; this is never missed in between.
LOOK_US = 500_000


class Caller(Protocol):
    """What sounds telephone tones for a chain that has some (`receiver.playout.call_tones.CallTones`)."""

    def call(self, digits: str, on_ms: int, off_ms: int, level_dbfs: float, twist_db: float) -> None:
        """Begin to sound them."""
        ...

    def called(self) -> bool:
        """Whether the last of them has left the card."""
        ...


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

    def switch(self, on: bool, zones: frozenset[str] | None = None) -> None:
        """On or off. zones: those that what is to be heard means; None is all."""
        ...

    def alive(self) -> None:
        """Whoever holds it is well; said several times a second. Unsaid for some, it goes off (`gateway.guard`)."""
        ...

    def call_through(self, caller: Caller) -> None:
        """What sounds its tones, if it has any."""
        ...

    def close(self) -> None:
        """Off, and let go of the pin."""
        ...


class Switched(NamedTuple):
    """at_us: local monotonic clock."""

    at_us: int
    on: bool


class Meant(NamedTuple):
    """Whom the next sound means. zones: None is all."""

    zones: frozenset[str] | None = None


class PlainAmplifier:
    """What is the same for all that are no chain."""

    lead_ms = path_delay_us = 0
    fault = ""

    def alive(self) -> None:
        """See `Amplifier`."""

    def call_through(self, caller: Caller) -> None:
        """See `Amplifier`."""


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

    def switch(self, on: bool, zones: frozenset[str] | None = None) -> None:
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


class AmplifierTimes:
    """When it is on: as early before the first sound as it needs, and `HOLD_US` longer; never when nothing is to sound.

    FM receivers must have nothing to pick up, and amplifiers nothing to hum with.
    """

    def __init__(self, amplifier: Amplifier) -> None:
        self._amplifier = amplifier
        self._last_sound_us = -HOLD_US

    def step(
        self, next_within: Callable[[int], Meant | None], set_lead_ms: int, path_us: int, now_local_us: int
    ) -> None:
        """To be called several times a second.

        next_within: whom the first sound within so many µs means; None: there is none. set_lead_ms: what the page
        says. path_us: from card to horn: the card is ahead of the horn by so much, and the amplifier of the card.
        """
        lead_us = max(set_lead_ms, self._amplifier.lead_ms) * 1000 + path_us + LOOK_US
        meant = next_within(lead_us)
        if meant is not None:
            self._last_sound_us = now_local_us
            self._amplifier.switch(True, meant.zones)
        elif now_local_us - self._last_sound_us > HOLD_US:
            self._amplifier.switch(False)

    def nothing_can_sound(self) -> None:
        """The time is not known."""
        self._amplifier.switch(False)

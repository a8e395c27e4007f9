"""The amplifier before the horns, switched through a relay.

The agent switches it on as early before the first sample as the config says.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from receiver.timing.local_clock import local_us
from wire.broadcasts import Targets

log = logging.getLogger(__name__)

#: It stays on this long after the last sound: switching between two items would click.
HOLD_US = 5_000_000
#: Longer than the pause between two steps, so that no start is missed in between.
LOOK_US = 500_000


class ToneDialer(Protocol):
    """Plays telephone tones for a chain that is switched by them (`receiver.output.call_tones.CallTones`)."""

    def call(self, digits: str, on_ms: int, off_ms: int, level_dbfs: float, twist_db: float) -> None: ...

    def called(self) -> bool:
        """Whether the last of them has left the card."""
        ...


class Amplifier(Protocol):
    """On or off. Switching to the present state does nothing."""

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
        """Heartbeat of the main loop, several times a second. Without it the amplifier goes off (`gateway.guard`)."""
        ...

    def call_through(self, caller: ToneDialer) -> None:
        """Set what plays its telephone tones, if it has any."""
        ...

    def close(self) -> None:
        """Switch off and release the pin."""
        ...


class Switched(NamedTuple):
    """at_us: local monotonic clock."""

    at_us: int
    on: bool


class TargetZones(NamedTuple):
    """The zones of the next sound; None is all."""

    zones: frozenset[str] | None = None

    @classmethod
    def of(cls, targets: Targets, receiver: str) -> "TargetZones":
        """Of a broadcast at this receiver: all of its zones when it is meant itself."""
        return cls(None if targets.all or receiver in targets.receivers else frozenset(targets.zones))


class PlainAmplifier:
    """Defaults for amplifiers that are not chains."""

    lead_ms = path_delay_us = 0
    fault = ""

    def alive(self) -> None:
        pass

    def call_through(self, caller: ToneDialer) -> None:
        pass


class RecordedAmplifier(PlainAmplifier):
    """For machines without a relay: records when it was switched.

    file: one line each, `<CLOCK_MONOTONIC µs>,on|off`; None keeps it in `switched` only.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.switched: list[Switched] = []

    @property
    def is_on(self) -> bool:
        return bool(self.switched) and self.switched[-1].on

    def switch(self, on: bool, zones: frozenset[str] | None = None) -> None:
        if on == self.is_on:
            return
        now = Switched(local_us(), on)
        self.switched = [*self.switched[-99:], now]  # a receiver runs for years
        log.info("amplifier %s", "on" if on else "off")
        if self._file is not None:
            with self._file.open("a") as record:
                record.write(f"{now.at_us},{'on' if on else 'off'}\n")

    def close(self) -> None:
        self.switch(False)


class AmplifierTimes:
    """When it is on: as early before the first sound as it needs, and `HOLD_US` longer; never when nothing is to sound.

    FM receivers must have nothing to pick up, and amplifiers nothing to hum with.
    """

    def __init__(self, amplifier: Amplifier) -> None:
        self._amplifier = amplifier
        self._last_sound_us = -HOLD_US

    def step(
        self, next_within: Callable[[int], TargetZones | None], set_lead_ms: int, path_us: int, now_local_us: int
    ) -> None:
        """To be called several times a second.

        next_within: the zones of the first sound within so many µs; None without a sound. set_lead_ms: what the page
        says. path_us: from card to horn: the card is ahead of the horn by so much, and the amplifier of the card.
        """
        lead_us = max(set_lead_ms, self._amplifier.lead_ms) * 1000 + path_us + LOOK_US
        zones = next_within(lead_us)
        if zones is not None:
            self._last_sound_us = now_local_us
            self._amplifier.switch(True, zones.zones)
        elif now_local_us - self._last_sound_us > HOLD_US:
            self._amplifier.switch(False)

    def nothing_can_sound(self) -> None:
        """The time is not known."""
        self._amplifier.switch(False)

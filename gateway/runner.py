"""Runs a chain: the steps on before sound, the steps off after it. Whatever fails, the chain ends switched off.

off → switching on → on → switching off → off. When a step fails, all steps off are run, and the steps on are retried
later while sound is wanted. Outputs that could not be switched off are retried without end.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

from gateway.description import Chain, Check, Dtmf, Step, Switch, Wait

log = logging.getLogger(__name__)

#: Time until a failed chain is retried, while sound is wanted.
RETRY_S = 30.0
#: Time between attempts to switch off an output that failed to switch off.
RETRY_OFF_S = 5.0
#: A step that exceeds its time by so much counts as hanging.
HANGS_S = 2.0
#: Between two readings of a check.
_POLL_S = 0.1


class StepFailed(Exception):
    """A step failed; the message names it and the cause."""


class Relay(Protocol):
    """An opened output."""

    def switch(self, on: bool) -> None:
        """Close or open it, and verify that. Raises StepFailed; returns within the time of its step."""
        ...

    def close(self) -> None:
        """Release the line. Never raises."""
        ...


class Gauge(Protocol):
    """An opened input."""

    def read(self) -> float:
        """The value now. Raises StepFailed; returns within a second."""
        ...

    def close(self) -> None:
        """Release the line. Never raises."""
        ...


class TonePlayer(Protocol):
    """Plays tones on the sound card, in place of what plays there."""

    def call(self, digits: str, on_ms: int, off_ms: int, level_dbfs: float, twist_db: float) -> None:
        """Start DTMF tones (`gateway.description.Dtmf`). Tones that still play are cut off."""
        ...

    def called(self) -> bool:
        """Whether the last tone has left the card."""
        ...


class ChainState(StrEnum):
    """States of a chain; see the module."""

    OFF = "off"
    SWITCHING_ON = "switching_on"
    ON = "on"
    SWITCHING_OFF = "switching_off"


class Clockwork(Protocol):
    """Clock and wait of the runner; tests use one that is turned by hand."""

    def now_s(self) -> float:
        """Seconds of a monotonic clock."""
        ...

    def wait(self, seconds: float, woken: Callable[[], bool]) -> bool:
        """Wait so long, or until `woken`. Returns whether it was woken."""
        ...


class ChainRunner:
    """Switches a chain. `switch` returns at once; a thread runs the steps by calling `turn`."""

    def __init__(
        self, chain: Chain, relays: Mapping[str, Relay], gauges: Mapping[str, Gauge], clockwork: Clockwork
    ) -> None:
        """relays, gauges: opened, by the names in the chain. Everything is switched off first."""
        self._chain, self._relays, self._gauges, self._clockwork = chain, relays, gauges, clockwork
        self._wanted = False
        self._zones: frozenset[str] | None = None  # of the wanted broadcast; None is all
        self._zones_on: frozenset[str] | None = None  # for which it is on now
        self._ending = False
        self._changed = threading.Event()
        self.state = ChainState.OFF
        #: Why the last attempt failed; "" when it succeeded.
        self.failure = ""
        #: The last reading of each check, by the input's name.
        self.readings: dict[str, float] = {}
        #: Plays the tones of a chain; without it a chain with tones fails.
        self.caller: TonePlayer | None = None
        self._failed_at_s: float | None = None
        self._left_on_at_s: float | None = None  # something could not be switched off
        self._step_ends_s: float | None = None

    @property
    def may_be_on(self) -> bool:
        """Whether any output is on, or could be: then the guard must watch the receiver."""
        return not self._unwanted() or self.state is not ChainState.OFF or self._left_on_at_s is not None

    @property
    def hangs(self) -> bool:
        """Whether a step has exceeded its time by `HANGS_S`."""
        ends_s = self._step_ends_s
        return ends_s is not None and self._clockwork.now_s() > ends_s + HANGS_S

    @property
    def is_on(self) -> bool:
        return self.state is ChainState.ON

    @property
    def lead_ms(self) -> int:
        return self._chain.lead_ms

    def switch(self, on: bool, zones: frozenset[str] | None = None) -> None:
        """Set what is wanted from now on. zones: None means all. The same call twice does nothing."""
        if on and zones != self._zones:
            self._zones = zones
            self._changed.set()
        if on != self._wanted:
            self._wanted = on
            if on:
                self._failed_at_s = None  # a new request is tried at once
            self._changed.set()

    def end(self) -> None:
        """Request the end; `turn` then switches everything off."""
        self._ending = True
        self._changed.set()

    def turn(self) -> None:
        """Run the steps that are due now. Called repeatedly by the thread."""
        self._changed.clear()  # a request from here on ends the next rest at once
        wanted = self._wanted and not self._ending
        off = self.state is ChainState.OFF
        if wanted and off and not self._waits_to_retry():
            self._go_on()
        elif (not wanted and not off) or (off and self._must_retry_drop()):
            self.drop()
        elif wanted and not off and self._zones != self._zones_on:
            self._change_zones()

    def rest(self, seconds: float) -> None:
        """Wait for a new request, or for so long."""
        self._changed.wait(seconds)

    def drop(self) -> None:
        """Run the steps off, each one even if another fails."""
        self.state = ChainState.SWITCHING_OFF
        fault = ""
        for step in self._chain.steps_off:
            try:
                self._do(step, on=False)
            except Exception as failure:  # whatever it is, the remaining steps are run
                fault = fault or f"off: {failure}"
                log.error("chain: a step off failed: %s", failure)
        if fault or self.failure.startswith("off: "):
            self.failure = fault
        self._left_on_at_s = self._clockwork.now_s() if fault else None
        self.state = ChainState.OFF

    def _must_retry_drop(self) -> bool:
        at_s = self._left_on_at_s
        return at_s is not None and (self._ending or self._clockwork.now_s() - at_s >= RETRY_OFF_S)

    def _waits_to_retry(self) -> bool:
        return self._failed_at_s is not None and self._clockwork.now_s() - self._failed_at_s < RETRY_S

    def _go_on(self) -> None:
        self.state, self.failure = ChainState.SWITCHING_ON, ""
        zones = self._zones
        self._steps_on([step for step in self._chain.on if step.applies_to(zones)], zones)

    def _change_zones(self) -> None:
        """While on, change the zones: switch off what only the old ones need, then run the missing steps."""
        old, zones = self._zones_on, self._zones
        for step in reversed(self._chain.on):
            if isinstance(step, Switch) and step.applies_to(old) and not step.applies_to(zones):
                try:
                    self._do(step, on=False)
                except StepFailed as failure:
                    self._failed(step, failure)
                    return
        self._steps_on([step for step in self._chain.on if step.applies_to(zones) and not step.applies_to(old)], zones)

    def _steps_on(self, steps: list[Step], zones: frozenset[str] | None) -> None:
        for step in steps:
            try:
                self._do(step, on=True)
            except StepFailed as failure:
                self._failed(step, failure)
                return
            if self._unwanted():
                self.drop()
                return
        self.state, self._zones_on = ChainState.ON, zones

    def _failed(self, step: Step, failure: StepFailed) -> None:
        number = next((at for at, each in enumerate(self._chain.on, 1) if each is step), 0)
        log.error("chain: step %d failed: %s", number, failure)
        self.drop()
        self.failure = f"step {number}: {failure}"
        self._failed_at_s = self._clockwork.now_s()

    def _unwanted(self) -> bool:
        return not self._wanted or self._ending

    def _do(self, step: Step, *, on: bool) -> None:
        self._step_ends_s = self._clockwork.now_s() + self._chain.step_ms(step) / 1000
        try:
            self._run_step(step, on=on)
        finally:
            self._step_ends_s = None

    def _run_step(self, step: Step, *, on: bool) -> None:
        match step:
            case Switch():
                self._relays[step.output].switch(on)
            case Wait():
                self._clockwork.wait(step.ms / 1000, self._unwanted if on else lambda: False)
            case Check():
                self._check(step, stops_early=on)
            case Dtmf():
                self._call(step, stops_early=on)

    def _check(self, step: Check, *, stops_early: bool) -> None:
        ends_s, fault = self._clockwork.now_s() + step.within_ms / 1000, ""
        while True:
            try:
                value = self._gauges[step.input].read()
                self.readings[step.input] = value
                if step.least <= value <= step.most:
                    return
                fault = f"{step.input} reads {value:g}, not {step.least:g} to {step.most:g}"
            except StepFailed as failure:
                fault = str(failure)
            if self._clockwork.now_s() >= ends_s:
                raise StepFailed(fault)
            if self._clockwork.wait(_POLL_S, self._unwanted if stops_early else lambda: False):
                return

    def _call(self, step: Dtmf, *, stops_early: bool) -> None:
        caller = self.caller
        if caller is None:
            if stops_early:
                raise StepFailed(f"the tones {step.digits} have no sound card to play on")
            return  # at the start nothing plays yet
        caller.call(step.digits, step.on_ms, step.off_ms, step.level_dbfs, step.twist_db)
        ends_s = self._clockwork.now_s() + self._chain.step_ms(step) / 1000
        while not caller.called():
            if self._clockwork.now_s() >= ends_s:
                raise StepFailed(f"the tones {step.digits} did not play in time: the sound card takes no samples")
            if self._clockwork.wait(_POLL_S, self._unwanted if stops_early else lambda: False):
                return

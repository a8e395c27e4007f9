"""Runs a chain: the steps on before sound, the steps off after it; safe whatever fails.

off → switching on → on → switching off → off. A step that fails ends in the steps off, all of them tried, and is tried
again after a while as long as sound is wanted.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

from gateway.description import Chain, Check, Step, Switch, Wait

log = logging.getLogger(__name__)

#: A chain that failed is tried again after this, while sound is wanted.
RETRY_S = 30.0
#: A check looks this often.
_LOOK_S = 0.1


class StepFailed(Exception):
    """A step did not do what it should; the message says which and why."""


class Relay(Protocol):
    """An output, opened."""

    def switch(self, on: bool) -> None:
        """Close or open it, and see that it is. Raises StepFailed; returns within a second."""
        ...

    def close(self) -> None:
        """Let go of the line; never raises."""
        ...


class Gauge(Protocol):
    """An input, opened."""

    def read(self) -> float:
        """The value now. Raises StepFailed; returns within a second."""
        ...

    def close(self) -> None:
        """Let go of the line; never raises."""
        ...


class ChainState(StrEnum):
    """Where a chain stands."""

    OFF = "off"
    SWITCHING_ON = "switching_on"
    ON = "on"
    SWITCHING_OFF = "switching_off"


class Clockwork(Protocol):
    """How the runner waits: on the stop event of its thread, or, in tests, on a clock turned by hand."""

    def now_s(self) -> float:
        """A clock that only runs forward."""
        ...

    def wait(self, seconds: float, woken: Callable[[], bool]) -> bool:
        """Wait so long, or until `woken`; gives whether it was woken."""
        ...


class ChainRunner:
    """Switches a chain as it is told. `switch` returns at once; the steps are a thread's."""

    def __init__(
        self, chain: Chain, relays: Mapping[str, Relay], gauges: Mapping[str, Gauge], clockwork: Clockwork
    ) -> None:
        """relays, gauges: opened, by the names in the chain. Everything is switched off first."""
        self._chain, self._relays, self._gauges, self._clockwork = chain, relays, gauges, clockwork
        self._wanted = False
        self._ending = False
        self._changed = threading.Event()
        self.state = ChainState.OFF
        #: Why the last try failed; "" when it did not.
        self.failure = ""
        #: What each check read last, by the input's name.
        self.readings: dict[str, float] = {}
        self._failed_at_s: float | None = None

    @property
    def is_on(self) -> bool:
        """Whether sound may come."""
        return self.state is ChainState.ON

    @property
    def lead_ms(self) -> int:
        """See `Chain.lead_ms`."""
        return self._chain.lead_ms

    def switch(self, on: bool) -> None:
        """What is wanted from now on. Saying the same twice does nothing."""
        if on != self._wanted:
            self._wanted = on
            if on:
                self._failed_at_s = None  # a new wish is tried at once
            self._changed.set()

    def end(self) -> None:
        """No more; `turn` then drops everything."""
        self._ending = True
        self._changed.set()

    def turn(self) -> None:
        """Do what is to be done now, and return when it is done; the thread calls it again and again."""
        self._changed.clear()  # a wish that comes from here on ends the next rest at once
        wanted = self._wanted and not self._ending
        if wanted and self.state is ChainState.OFF and not self._resting():
            self._go_on()
        elif not wanted and self.state is not ChainState.OFF:
            self.drop()

    def rest(self, seconds: float) -> None:
        """Wait for another wish, or so long."""
        self._changed.wait(seconds)

    def drop(self) -> None:
        """The steps off, each tried even if another fails. Then nothing is on that could be switched off."""
        self.state = ChainState.SWITCHING_OFF
        for step in self._chain.steps_off:
            try:
                self._do(step, on=False)
            except StepFailed as failure:
                self.failure = self.failure or f"off: {failure}"
                log.error("the chain could not be switched off in order: %s", failure)
        self.state = ChainState.OFF

    def _resting(self) -> bool:
        return self._failed_at_s is not None and self._clockwork.now_s() - self._failed_at_s < RETRY_S

    def _go_on(self) -> None:
        self.state, self.failure = ChainState.SWITCHING_ON, ""
        for number, step in enumerate(self._chain.on, 1):
            try:
                self._do(step, on=True)
            except StepFailed as failure:
                log.error("the chain failed at step %d: %s", number, failure)
                self.drop()
                self.failure = f"step {number}: {failure}"
                self._failed_at_s = self._clockwork.now_s()
                return
            if not self._wanted or self._ending:
                self.drop()
                return
        self.state = ChainState.ON

    def _unwanted(self) -> bool:
        return not self._wanted or self._ending

    def _do(self, step: Step, *, on: bool) -> None:
        match step:
            case Switch():
                self._relays[step.output].switch(on)
            case Wait():
                self._clockwork.wait(step.ms / 1000, self._unwanted if on else lambda: False)
            case Check():
                self._check(step, stops_early=on)

    def _check(self, step: Check, *, stops_early: bool) -> None:
        ends_s, said = self._clockwork.now_s() + step.within_ms / 1000, ""
        while True:
            try:
                value = self._gauges[step.input].read()
                self.readings[step.input] = value
                if step.least <= value <= step.most:
                    return
                said = f"{step.input} reads {value:g}, not {step.least:g} to {step.most:g}"
            except StepFailed as failure:
                said = str(failure)
            if self._clockwork.now_s() >= ends_s:
                raise StepFailed(said)
            if self._clockwork.wait(_LOOK_S, self._unwanted if stops_early else lambda: False):
                return

"""Runs a chain: the steps on before sound, the steps off after it; safe whatever fails.

off → switching on → on → switching off → off. A step that fails ends in the steps off, all of them tried, and is tried
again after a while as long as sound is wanted. What could not be switched off is tried again until it is.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Protocol

from gateway.description import Chain, Check, Dtmf, Step, Switch, Wait

log = logging.getLogger(__name__)

#: A chain that failed is tried again after this, while sound is wanted.
RETRY_S = 30.0
#: What could not be switched off is tried again after this, without end.
RETRY_OFF_S = 5.0
#: A step that takes so much longer than it may is not slow, it hangs.
HANGS_S = 2.0
#: A check looks this often.
_LOOK_S = 0.1


class StepFailed(Exception):
    """A step did not do what it should; the message says which and why."""


class Relay(Protocol):
    """An output, opened."""

    def switch(self, on: bool) -> None:
        """Close or open it, and see that it is. Raises StepFailed; returns within the time of its step."""
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


class Caller(Protocol):
    """What sounds tones on the card, in the place of whatever sounds there."""

    def call(self, digits: str, on_ms: int, off_ms: int, level_dbfs: float, twist_db: float) -> None:
        """Begin to sound DTMF (see `gateway.description.Dtmf`); begun again, what sounds is broken off."""
        ...

    def called(self) -> bool:
        """Whether the last of it has left the card."""
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
        self._zones: frozenset[str] | None = None  # those meant by what is wanted; None is all
        self._zones_on: frozenset[str] | None = None  # those that it is on for
        self._ending = False
        self._changed = threading.Event()
        self.state = ChainState.OFF
        #: Why the last try failed; "" when it did not.
        self.failure = ""
        #: What each check read last, by the input's name.
        self.readings: dict[str, float] = {}
        #: What sounds the tones of a chain that has some; without it they cannot sound.
        self.caller: Caller | None = None
        self._failed_at_s: float | None = None
        self._left_on_at_s: float | None = None  # something could not be switched off
        self._step_ends_s: float | None = None

    @property
    def may_be_on(self) -> bool:
        """Whether anything of it is on, or may be: then somebody has to watch over it."""
        return not self._unwanted() or self.state is not ChainState.OFF or self._left_on_at_s is not None

    @property
    def hangs(self) -> bool:
        """Whether a step takes longer than it may."""
        ends_s = self._step_ends_s
        return ends_s is not None and self._clockwork.now_s() > ends_s + HANGS_S

    @property
    def is_on(self) -> bool:
        """Whether sound may come."""
        return self.state is ChainState.ON

    @property
    def lead_ms(self) -> int:
        """See `Chain.lead_ms`."""
        return self._chain.lead_ms

    def switch(self, on: bool, zones: frozenset[str] | None = None) -> None:
        """What is wanted from now on, and for which zones; None means all. Saying the same twice does nothing."""
        if on and zones != self._zones:
            self._zones = zones
            self._changed.set()
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
        off = self.state is ChainState.OFF
        if wanted and off and not self._resting():
            self._go_on()
        elif (not wanted and not off) or (off and self._to_be_dropped_again()):
            self.drop()
        elif wanted and not off and self._zones != self._zones_on:
            self._change_zones()

    def rest(self, seconds: float) -> None:
        """Wait for another wish, or so long."""
        self._changed.wait(seconds)

    def drop(self) -> None:
        """The steps off, each tried even if another fails. Then nothing is on that could be switched off."""
        self.state = ChainState.SWITCHING_OFF
        said = ""
        for step in self._chain.steps_off:
            try:
                self._do(step, on=False)
            except Exception as failure:  # whatever it is, the steps after it are done
                said = said or f"off: {failure}"
                log.error("the chain could not be switched off in order: %s", failure)
        if said or self.failure.startswith("off: "):
            self.failure = said
        self._left_on_at_s = self._clockwork.now_s() if said else None
        self.state = ChainState.OFF

    def _to_be_dropped_again(self) -> bool:
        at_s = self._left_on_at_s
        return at_s is not None and (self._ending or self._clockwork.now_s() - at_s >= RETRY_OFF_S)

    def _resting(self) -> bool:
        return self._failed_at_s is not None and self._clockwork.now_s() - self._failed_at_s < RETRY_S

    def _go_on(self) -> None:
        self.state, self.failure = ChainState.SWITCHING_ON, ""
        zones = self._zones
        self._steps_on([step for step in self._chain.on if step.meant(zones)], zones)

    def _change_zones(self) -> None:
        """It is on, and another broadcast means other zones: what only the old ones need goes off, then the rest on."""
        old, zones = self._zones_on, self._zones
        for step in reversed(self._chain.on):
            if isinstance(step, Switch) and step.meant(old) and not step.meant(zones):
                try:
                    self._do(step, on=False)
                except StepFailed as failure:
                    self._failed(step, failure)
                    return
        self._steps_on([step for step in self._chain.on if step.meant(zones) and not step.meant(old)], zones)

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
        log.error("the chain failed at step %d: %s", number, failure)
        self.drop()
        self.failure = f"step {number}: {failure}"
        self._failed_at_s = self._clockwork.now_s()

    def _unwanted(self) -> bool:
        return not self._wanted or self._ending

    def _do(self, step: Step, *, on: bool) -> None:
        self._step_ends_s = self._clockwork.now_s() + self._chain.step_ms(step) / 1000
        try:
            self._done(step, on=on)
        finally:
            self._step_ends_s = None

    def _done(self, step: Step, *, on: bool) -> None:
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

    def _call(self, step: Dtmf, *, stops_early: bool) -> None:
        caller = self.caller
        if caller is None:
            if stops_early:
                raise StepFailed(f"the tones {step.digits} have no sound card to sound on")
            return  # at a start nothing sounds yet, and nobody listens either
        caller.call(step.digits, step.on_ms, step.off_ms, step.level_dbfs, step.twist_db)
        ends_s = self._clockwork.now_s() + self._chain.step_ms(step) / 1000
        while not caller.called():
            if self._clockwork.now_s() >= ends_s:
                raise StepFailed(f"the tones {step.digits} did not sound in time: the sound card takes nothing")
            if self._clockwork.wait(_LOOK_S, self._unwanted if stops_early else lambda: False):
                return

"""Switches the chain of a receiver: requests return at once, a thread runs the steps.

Everything is switched off at the start and at the end.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from gateway.description import Chain
from gateway.device_factory import ChainDevices, open_chain
from gateway.guard import HUNG_S, Guard
from gateway.ownership import Ownership
from gateway.runner import ChainRunner, ChainState, Gauge, TonePlayer

log = logging.getLogger(__name__)

#: While a step waits, how often it checks that sound is still wanted.
_POLL_S = 0.02
_REST_S = 1.0


class _RealTime:
    """`gateway.runner.Clockwork` by the monotonic clock."""

    def now_s(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float, woken: Callable[[], bool]) -> bool:
        ends_s = time.monotonic() + seconds
        while (left_s := ends_s - time.monotonic()) > 0:
            if woken():
                return True
            time.sleep(min(_POLL_S, left_s))
        return False


class ChainSwitch:
    """Implements `receiver.output.amplifier.Amplifier` for a chain."""

    def __init__(
        self, chain: Chain, opened: ChainDevices, guard: Guard | None = None, ownership: Ownership | None = None
    ) -> None:
        """Switches everything off first, in case an earlier process left it on: up to a second for each step off.

        guard: switches off when this process hangs. ownership: of the lines. `close` releases both.
        """
        self._chain, self._opened, self._guard, self._ownership = chain, opened, guard, ownership
        self._runner = ChainRunner(chain, opened.relays, opened.gauges, _RealTime())
        self._runner.drop()
        self._ending = threading.Event()
        self._feeding = threading.Lock()  # so that what the guard is told is still true
        self._thread = threading.Thread(target=self._run, name="chain", daemon=True)
        self._thread.start()

    @classmethod
    def begin(cls, chain: Chain, folder: Path, *, hung_s: float = HUNG_S) -> "ChainSwitch":
        """Lock the chain, open its devices and start the guard. folder: the receiver's. Raises ChainUnusable."""
        with ExitStack() as undo:
            ownership = Ownership(folder / "chain.lock")
            undo.callback(ownership.close)
            opened = open_chain(chain)
            undo.callback(opened.close)
            # A chain that switches nothing needs no guard.
            guard = None if chain.only_sensors else Guard(chain, ownership.file, hung_s)
            if guard is not None:
                undo.callback(guard.release)
            switch = cls(chain, opened, guard, ownership)
            undo.pop_all()
            return switch

    @property
    def is_on(self) -> bool:
        """Whether all steps on are done, so that sound is heard."""
        return self._runner.is_on

    @property
    def gauges(self) -> Mapping[str, Gauge]:
        """The chain's inputs, by name."""
        return self._opened.gauges

    @property
    def is_switching(self) -> bool:
        """Whether steps are running: then nothing else may use their lines."""
        return self._runner.state in (ChainState.SWITCHING_ON, ChainState.SWITCHING_OFF)

    @property
    def lead_ms(self) -> int:
        """How long before the first sample `switch` must be called."""
        return self._chain.lead_ms

    @property
    def path_delay_us(self) -> int:
        """Delay of the chain from the sound card's output to the horn."""
        return round(self._chain.path_delay_ms * 1000)

    @property
    def fault(self) -> str:
        """Why the chain failed last, or that its guard is gone; "" when neither."""
        unwatched = self._guard is not None and self._guard.gone
        return self._runner.failure or ("the guard of the chain is not running" if unwatched else "")

    def switch(self, on: bool, zones: frozenset[str] | None = None) -> None:
        """Set what is wanted from now on. zones: None means all. The steps run in the thread."""
        with self._feeding:
            if on and self._guard is not None and not self._runner.may_be_on:
                self._guard.feed(may_be_on=True)  # before any step runs
            self._runner.switch(on, zones)

    def alive(self) -> None:
        """Feed the guard. Call it several times a second, or the guard ends this process."""
        if not self._runner.hangs:
            self._feed()

    def call_through(self, caller: TonePlayer) -> None:
        """caller: plays the tones of the chain."""
        self._runner.caller = caller

    def close(self) -> None:
        """Switch everything off and release the lines. Closing twice does nothing."""
        if self._ending.is_set():
            return
        self._ending.set()
        self._runner.end()
        # Each step off may use its full time.
        self._thread.join(2 + (self._chain.lead_ms + self._chain.drop_ms) / 1000)
        dropped = not self._thread.is_alive() and not self._runner.may_be_on
        self._opened.close()
        if self._guard is not None:
            # The guard takes over what could not be switched off, and retries longer.
            (self._guard.release if dropped else self._guard.leave)()
        if self._ownership is not None:
            self._ownership.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._runner.turn()
            except Exception:
                log.exception("chain: switching failed; everything is switched off")
                self._runner.drop()
            if not self._runner.may_be_on:
                self._feed()
            self._runner.rest(_REST_S)
        self._runner.turn()

    def _feed(self) -> None:
        with self._feeding:
            if self._guard is not None:
                self._guard.feed(may_be_on=self._runner.may_be_on)

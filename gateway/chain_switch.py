"""A chain as a receiver switches it: told at once, done in a thread, everything dropped at the start and at the end."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from gateway.description import Chain
from gateway.guard import HUNG_S, Guard
from gateway.opened import Opened, open_chain
from gateway.ownership import Ownership
from gateway.runner import Caller, ChainRunner, ChainState, Gauge

log = logging.getLogger(__name__)

#: While it waits within a step it looks this often whether the sound is still wanted.
_LOOK_S = 0.02
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
            time.sleep(min(_LOOK_S, left_s))
        return False


class ChainSwitch:
    """What the receiver's agent holds for an amplifier (`receiver.output.amplifier.Amplifier`)."""

    def __init__(
        self, chain: Chain, opened: Opened, guard: Guard | None = None, ownership: Ownership | None = None
    ) -> None:
        """Drops everything first: what an earlier program left on. Takes up to a second for each step off.

        guard: drops everything should this process hang; ownership: of the lines. Both are let go of in `close`.
        """
        self._chain, self._opened, self._guard, self._ownership = chain, opened, guard, ownership
        self._runner = ChainRunner(chain, opened.relays, opened.gauges, _RealTime())
        self._runner.drop()
        self._ending = threading.Event()
        self._feeding = threading.Lock()  # what is said to the guard holds while it is said
        self._thread = threading.Thread(target=self._run, name="chain", daemon=True)
        self._thread.start()

    @classmethod
    def begin(cls, chain: Chain, folder: Path, *, hung_s: float = HUNG_S) -> "ChainSwitch":
        """Take the lines, open them, and set a guard over them. folder: the receiver's. Raises ChainUnusable."""
        with ExitStack() as undo:
            ownership = Ownership(folder / "chain.lock")
            undo.callback(ownership.close)
            opened = open_chain(chain)
            undo.callback(opened.close)
            # One that switches nothing leaves nothing on.
            guard = None if chain.only_senses else Guard(chain, ownership.file, hung_s)
            if guard is not None:
                undo.callback(guard.release)
            switch = cls(chain, opened, guard, ownership)
            undo.pop_all()
            return switch

    @property
    def is_on(self) -> bool:
        """Whether the chain is ready, so that sound comes out."""
        return self._runner.is_on

    @property
    def gauges(self) -> Mapping[str, Gauge]:
        """What can be read, by the names in the chain."""
        return self._opened.gauges

    @property
    def is_switching(self) -> bool:
        """Whether steps are being done now: nothing else should speak on their lines."""
        return self._runner.state in (ChainState.SWITCHING_ON, ChainState.SWITCHING_OFF)

    @property
    def lead_ms(self) -> int:
        """So long before the first sample it must be told."""
        return self._chain.lead_ms

    @property
    def path_delay_us(self) -> int:
        """From the card's output to the horn, of the chain."""
        return round(self._chain.path_delay_ms * 1000)

    @property
    def fault(self) -> str:
        """Why it failed last, or that nobody watches over it; "" when all is well."""
        unwatched = self._guard is not None and self._guard.gone
        return self._runner.failure or ("the guard of the chain does not run" if unwatched else "")

    def switch(self, on: bool, zones: frozenset[str] | None = None) -> None:
        """What is wanted from now on, and for which zones (None: all); the steps are done meanwhile."""
        with self._feeding:
            if on and self._guard is not None and not self._runner.may_be_on:
                self._guard.feed(may_be_on=True)  # before anything is
            self._runner.switch(on, zones)

    def alive(self) -> None:
        """The one who holds the chain is well: to be said several times a second, or the guard drops everything."""
        if not self._runner.hangs:
            self._feed()

    def call_through(self, caller: Caller) -> None:
        """What sounds the tones of the chain."""
        self._runner.caller = caller

    def close(self) -> None:
        """Drop everything, and let go of the lines. Closing twice does nothing."""
        if self._ending.is_set():
            return
        self._ending.set()
        self._runner.end()
        # The steps off may each take their time.
        self._thread.join(2 + (self._chain.lead_ms + self._chain.drop_ms) / 1000)
        dropped = not self._thread.is_alive() and not self._runner.may_be_on
        self._opened.close()
        if self._guard is not None:
            # What could not be switched off is the guard's from here on, which tries longer.
            (self._guard.release if dropped else self._guard.leave)()
        if self._ownership is not None:
            self._ownership.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._runner.turn()
            except Exception:
                log.exception("the chain could not be switched; it is dropped")
                self._runner.drop()
            if not self._runner.may_be_on:
                self._feed()
            self._runner.rest(_REST_S)
        self._runner.turn()

    def _feed(self) -> None:
        with self._feeding:
            if self._guard is not None:
                self._guard.feed(may_be_on=self._runner.may_be_on)

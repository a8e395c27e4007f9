"""A chain as a receiver switches it: told at once, done in a thread, everything dropped at the start and at the end."""

import logging
import threading
import time
from collections.abc import Callable

from gateway.description import Chain
from gateway.opened import Opened
from gateway.runner import ChainRunner, ChainState

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
    """What the receiver's agent holds for an amplifier (`receiver.amplifier.Amplifier`)."""

    def __init__(self, chain: Chain, opened: Opened) -> None:
        """Drops everything first: what an earlier program left on. Takes up to a second for each step off."""
        self._chain, self._opened = chain, opened
        self._runner = ChainRunner(chain, opened.relays, opened.gauges, _RealTime())
        self._runner.drop()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chain", daemon=True)
        self._thread.start()

    @property
    def is_on(self) -> bool:
        """Whether the chain is ready, so that sound comes out."""
        return self._runner.is_on

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
        """Why it failed last; "" when it did not."""
        return self._runner.failure

    def switch(self, on: bool) -> None:
        """What is wanted from now on; the steps are done meanwhile."""
        self._runner.switch(on)

    def close(self) -> None:
        """Drop everything, and let go of the lines. Closing twice does nothing."""
        if self._ending.is_set():
            return
        self._ending.set()
        self._runner.end()
        # The steps off may each take their second.
        self._thread.join(2 + self._chain.lead_ms / 1000)
        self._opened.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._runner.turn()
            except Exception:
                log.exception("the chain could not be switched; it is dropped")
                self._runner.drop()
            self._runner.rest(_REST_S)
        self._runner.turn()

"""A thread that repeats one step until it is closed: wake, wait, back off after a failure.

A step that raises is logged and tried again after a growing wait. A wake-up ends that wait too: a step that must not be
repeated early keeps its own time.
"""

import logging
import threading
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, wait_exponential, wait_random_exponential
from tenacity.wait import wait_base

log = logging.getLogger(__name__)


class BackOff:
    """How long to wait after consecutive failures: doubled with each, up to a limit."""

    def __init__(self, first_s: float, most_s: float, *, jitter: bool = False) -> None:
        """jitter: half of each wait is random, so that many clients of one server do not return at the same moment."""
        share = 0.5 if jitter else 1.0
        self._strategy: wait_base = wait_exponential(multiplier=first_s * share, max=most_s * share)
        if jitter:
            self._strategy = self._strategy + wait_random_exponential(multiplier=first_s * share, max=most_s * share)

    def wait_s(self, failures: int) -> float:
        """failures: how many in a row, from 1."""
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = failures
        return self._strategy(state)


class Worker:
    """Calls `step` in a thread. `start` and `close` are mirrored and may be repeated; any thread may call `wake`."""

    def __init__(
        self,
        step: Callable[[], float | None],
        name: str,
        *,
        back_off: BackOff | None = None,
        interrupt: Callable[[], None] = lambda: None,
    ) -> None:
        """step: returns the seconds until its next turn, None to wait for a wake-up.

        back_off: after failures of the step; 1 s up to 60 s by default. interrupt: called by `wake` and `close`, for a
        step that waits for something else than this worker, such as a socket.
        """
        self._step = step
        self._name = name
        self._back_off = back_off or BackOff(1.0, 60.0)
        self._interrupt = interrupt
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures = 0
        #: Set by `close`: a long step should end early.
        self.stopping = threading.Event()

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        self.stopping.clear()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Take the next turn at once; during a step, directly after it."""
        self._woken.set()
        self._interrupt()

    def close(self, timeout_s: float | None = None) -> bool:
        """End after the current step. Returns whether the thread has ended within the timeout; None waits for it."""
        self.stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return not self.is_alive

    def turn(self) -> float | None:
        """One step with its failure handled. Returns the seconds to wait before the next one, None until woken."""
        try:
            wait_s = self._step()
        except Exception:
            self._failures += 1
            wait_s = self._back_off.wait_s(self._failures)
            log.exception("%s: step failed (%d in a row), next try in %.1f s", self._name, self._failures, wait_s)
        else:
            self._failures = 0
        return wait_s

    def _run(self) -> None:
        while not self.stopping.is_set():
            self._woken.wait(self.turn())
            self._woken.clear()

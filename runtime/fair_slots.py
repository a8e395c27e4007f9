"""Slots for work of which only some may run at once: sources take turns, each in the order of its requests."""

import threading
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager


class TooManyWaiting(Exception):
    """As many wait as may, of this source or of all."""


class FairSlots:
    """Safe from any thread. A source with much work delays the others by what runs already, and no more."""

    def __init__(
        self,
        at_once: int,
        *,
        at_once_of_one: int | None = None,
        most_waiting: int | None = None,
        most_waiting_of_one: int | None = None,
    ) -> None:
        """most_waiting: of all sources. None: no limit."""
        self._free = at_once
        self._at_once_of_one = at_once_of_one or at_once
        self._most_waiting, self._most_waiting_of_one = most_waiting, most_waiting_of_one
        self._lock = threading.Lock()
        self._running: Counter[str] = Counter()
        #: By source; the one whose turn it is stands first. An event is set when its turn has come.
        self._waiting: dict[str, deque[threading.Event]] = {}

    @contextmanager
    def slot(self, source: str = "", *, timeout_s: float) -> Iterator[None]:
        """Wait for a slot and hold it. Raises TooManyWaiting, TimeoutError."""
        self._wait(source, timeout_s)
        try:
            yield
        finally:
            with self._lock:
                self._free += 1
                self._running[source] -= 1
                if not self._running[source]:
                    del self._running[source]
                self._give()

    def _wait(self, source: str, timeout_s: float) -> None:
        turn = threading.Event()
        with self._lock:
            waiting = self._waiting.setdefault(source, deque())
            waiting.append(turn)
            self._give()
            if not turn.is_set() and self._too_many(source):
                self._leave(source, turn)
                raise TooManyWaiting(source)
        if not turn.wait(timeout_s):
            with self._lock:
                if not turn.is_set():
                    self._leave(source, turn)
                    raise TimeoutError(source)

    def _too_many(self, source: str) -> bool:
        of_all = sum(len(turns) for turns in self._waiting.values())
        return (self._most_waiting is not None and of_all > self._most_waiting) or (
            self._most_waiting_of_one is not None and len(self._waiting[source]) > self._most_waiting_of_one
        )

    def _leave(self, source: str, turn: threading.Event) -> None:
        self._waiting[source].remove(turn)
        if not self._waiting[source]:
            del self._waiting[source]

    def _give(self) -> None:
        """Give what is free to those whose turn it is."""
        for source in list(self._waiting):
            if not self._free:
                return
            if self._running[source] >= self._at_once_of_one:
                continue
            waiting = self._waiting.pop(source)
            waiting.popleft().set()
            if waiting:
                self._waiting[source] = waiting  # now the last
            self._free -= 1
            self._running[source] += 1

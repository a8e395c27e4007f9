"""Limits how often one event is logged, so that a flood of bad input does not fill the disk.

The first lines of an event are written; how many more came is written with the first one after the minute.
"""

import logging
import threading
import time
from collections.abc import Callable, Hashable

#: Lines of one event a minute: of one place in the program, or of one sender where the caller counts by sender.
MOST_A_MINUTE = 60
_PERIOD_S = 60.0
#: Keys remembered. Beyond it all are forgotten, which allows some lines more.
_MOST_KEYS = 20_000


class LogLimit:
    """Counts by key. Thread-safe."""

    def __init__(self, most_a_minute: int, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._most = most_a_minute
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._windows: dict[Hashable, tuple[float, int]] = {}

    def admit(self, key: Hashable) -> int | None:
        """None: do not log this one. Otherwise how many were left out before it."""
        now_s = self._monotonic_s()
        with self._lock:
            began_s, count = self._windows.get(key, (now_s, 0))
            left_out = 0
            if now_s - began_s >= _PERIOD_S:
                left_out = max(0, count - self._most)
                began_s, count = now_s, 0
            if len(self._windows) >= _MOST_KEYS and key not in self._windows:
                self._windows.clear()
            self._windows[key] = (began_s, count + 1)
            return left_out if count < self._most else None


class LimitedLog(logging.Filter):
    """For a handler: limits the lines of each place in the program that logs. Says how many were left out."""

    def __init__(self, most_a_minute: int = MOST_A_MINUTE, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._limit = LogLimit(most_a_minute, monotonic_s)

    def filter(self, record: logging.LogRecord) -> bool:
        left_out = self._limit.admit((record.name, record.levelno, record.pathname, record.lineno))
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (and {left_out} such lines in the minute before)", None
        return left_out is not None

"""Threads that check passwords, apart from the ones that serve pages: one check takes 100 ms of a processor.

In the common pool a hundred sign-ins at once would hold every thread, and nobody's page would open.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from runtime.refusal import N_, Refusal

#: Checks that wait or run: some three seconds of work.
MOST_WAITING = 30

Result = TypeVar("Result")


class PasswordPool:
    """Used from the event loop only."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2), "passwords")
        self._waiting = 0

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def run(self, check: Callable[[], Result]) -> Result:
        """Raises Refusal when too many wait."""
        if self._waiting >= MOST_WAITING:
            raise Refusal(N_("Too many people are signing in at this moment. Wait half a minute, then try again."))
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, check)
        finally:
            self._waiting -= 1

"""Who may switch a chain: one process at a time, the receiver or the guard that took over from it."""

import contextlib
import fcntl
import os
import time
from pathlib import Path

from gateway.description import ChainUnusable

#: A guard that took over is through with its steps within ten seconds of the hang.
_WITHIN_S = 15.0
_LOOK_S = 0.1


class Ownership:
    """Holds a lock on a file, which the kernel takes back from a process that ends, however it ends."""

    def __init__(self, file: Path, within_s: float = _WITHIN_S) -> None:
        """Waits until nobody else has it. Raises ChainUnusable."""
        self.file = file
        try:
            self._number = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as failure:
            raise ChainUnusable(f"{file}: {failure.strerror}") from failure
        ends_s = time.monotonic() + within_s
        while not self._taken():
            if time.monotonic() >= ends_s:
                os.close(self._number)
                raise ChainUnusable(f"another receiver switches this chain ({file} is held); end it first")
            time.sleep(_LOOK_S)

    def close(self) -> None:
        """Let others have it. Closing twice does nothing."""
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def _taken(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

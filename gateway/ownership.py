"""Lock on a chain: one process at a time may switch it, the receiver or the guard that took over from it."""

import contextlib
import fcntl
import os
import time
from pathlib import Path

from gateway.device_description import ChainUnusable

#: A guard that took over has finished its steps within ten seconds of the hang.
_WITHIN_S = 15.0
_LOOK_S = 0.1


class Ownership:
    """A lock on a file, which the kernel releases when the process ends, however it ends."""

    def __init__(self, file: Path, within_s: float = _WITHIN_S) -> None:
        """Waits until the lock is free. Raises ChainUnusable when it stays held."""
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
        """Release the lock. Closing twice does nothing."""
        number, self._number = self._number, -1
        if number >= 0:
            os.close(number)

    def _taken(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(self._number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        return False

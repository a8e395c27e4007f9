"""Decoded audio between a relay's decoder and its sender: bounded, and kept short while nothing is taken."""

import threading
from collections import deque
from collections.abc import Callable

from wire.live import RATE

_SAMPLE_BYTES = 2
#: The decoder waits when so much is buffered: a server that sends faster than sound is slowed down.
MOST_US = 60_000_000


class AudioBuffer:
    """Mono 48 kHz S16_LE. One thread puts, another takes."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._blocks: deque[bytes] = deque()
        self._bytes = 0

    @property
    def buffered_us(self) -> int:
        return self._bytes * 1_000_000 // (RATE * _SAMPLE_BYTES)

    def put(self, pcm: bytes, is_closed: Callable[[], bool]) -> None:
        """Waits while the buffer is full. is_closed: whether the audio is not wanted any more."""
        with self._changed:
            while self.buffered_us >= MOST_US and not is_closed():
                self._changed.wait(0.2)
            if not is_closed():
                self._blocks.append(pcm)
                self._bytes += len(pcm)

    def take(self, bytes_: int) -> bytes | None:
        """Exactly so much from the beginning; None when there is less."""
        with self._changed:
            if self._bytes < bytes_:
                return None
            taken = bytearray()
            while len(taken) < bytes_:
                block = self._blocks.popleft()
                wanted = bytes_ - len(taken)
                taken += block[:wanted]
                if len(block) > wanted:
                    self._blocks.appendleft(block[wanted:])
            self._bytes -= bytes_
            self._changed.notify_all()
            return bytes(taken)

    def keep_newest(self, us: int) -> None:
        """Drop what is older: a relay that begins late must not stay late."""
        most = us * RATE // 1_000_000 * _SAMPLE_BYTES
        with self._changed:
            while self._blocks and self._bytes - len(self._blocks[0]) >= most:
                self._bytes -= len(self._blocks.popleft())
            self._changed.notify_all()

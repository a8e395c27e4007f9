"""A line to a device over TCP: what a serial line is, through a port server or the device's own network socket."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from gateway.description import SWITCH_MS
from gateway.runner import StepFailed
from gateway.unanswered import Unanswered

_WITHIN_S = SWITCH_MS / 1000 * 0.9
_KEPT_BYTES = 4096

T = TypeVar("T")


class TcpLine:
    """See `gateway.serial_line.SerialLine`. Reached when something is said, and again when it was cut."""

    def __init__(self, host: str, port: int) -> None:
        """Reaches nothing yet."""
        self.port = f"{host}:{port}"
        self._address = (host, port)
        self._line: socket.socket | None = None
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        """Say something that is not answered. Raises StepFailed."""
        with self._lock:
            self._told(data)

    def ask(self, data: bytes, found: Callable[[bytes], T | None], within_s: float) -> T:
        """Say something and hear until `found` gives something. Raises Unanswered, StepFailed."""
        with self._lock:
            line, said, ends_s = self._told(data), b"", time.monotonic() + within_s
            try:
                while (left_s := ends_s - time.monotonic()) > 0:
                    line.settimeout(left_s)
                    came = line.recv(_KEPT_BYTES)
                    if not came:
                        raise ConnectionError("it hung up")
                    said = (said + came)[-_KEPT_BYTES:]
                    answer = found(said)
                    if answer is not None:
                        return answer
            except TimeoutError:
                pass
            except OSError as failure:
                self.close()
                raise StepFailed(f"{self.port}: {failure}") from failure
            raise Unanswered(said)

    def close(self) -> None:
        """Let go of it. Closing twice does nothing."""
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(OSError):
                line.close()

    def _told(self, data: bytes) -> socket.socket:
        try:
            line = self._reached()
            line.settimeout(_WITHIN_S)
            line.sendall(data)
        except OSError as failure:
            self.close()
            raise StepFailed(f"{self.port} is not reached: {failure}") from failure
        return line

    def _reached(self) -> socket.socket:
        """Of an open line what came meanwhile is thrown away; one that was hung up is opened again."""
        if self._line is not None:
            self._line.settimeout(0)
            try:
                while self._line.recv(_KEPT_BYTES):
                    continue
                self.close()
            except BlockingIOError:
                return self._line
            except OSError:
                self.close()
        self._line = socket.create_connection(self._address, timeout=_WITHIN_S)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._line

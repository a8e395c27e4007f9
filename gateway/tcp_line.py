"""A line to a device over TCP, through a port server or the network socket of the device. Used like a serial line."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from gateway.device_description import SWITCH_MS
from gateway.no_answer import NoAnswer
from gateway.runner import StepFailed

_WITHIN_S = SWITCH_MS / 1000 * 0.9
_MOST_RECEIVED_BYTES = 4096

T = TypeVar("T")


class TcpLine:
    """The connection is opened by the first send, and again after it was cut."""

    def __init__(self, host: str, port: int) -> None:
        self.port = f"{host}:{port}"
        self._address = (host, port)
        self._line: socket.socket | None = None
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        """Send without waiting for an answer. Raises StepFailed."""
        with self._lock:
            self._send(data)

    def ask(self, data: bytes, parse: Callable[[bytes], T | None], within_s: float) -> T:
        """Send, and receive until `parse` returns a value. Raises NoAnswer, StepFailed."""
        with self._lock:
            line, received, ends_s = self._send(data), b"", time.monotonic() + within_s
            try:
                while (left_s := ends_s - time.monotonic()) > 0:
                    line.settimeout(left_s)
                    piece = line.recv(_MOST_RECEIVED_BYTES)
                    if not piece:
                        raise ConnectionError("the device closed the connection")
                    received = (received + piece)[-_MOST_RECEIVED_BYTES:]
                    answer = parse(received)
                    if answer is not None:
                        return answer
            except TimeoutError:
                pass
            except OSError as failure:
                self.close()
                raise StepFailed(f"{self.port}: {failure}") from failure
            raise NoAnswer(received)

    def close(self) -> None:
        """Release the line. Closing twice does nothing."""
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(OSError):
                line.close()

    def _send(self, data: bytes) -> socket.socket:
        try:
            line = self._reached()
            line.settimeout(_WITHIN_S)
            line.sendall(data)
        except OSError as failure:
            self.close()
            raise StepFailed(f"{self.port} is not reached: {failure}") from failure
        return line

    def _reached(self) -> socket.socket:
        """The connection, without bytes from before. One that the device has closed is opened again."""
        if self._line is not None:
            self._line.settimeout(0)
            try:
                while self._line.recv(_MOST_RECEIVED_BYTES):
                    continue
                self.close()
            except BlockingIOError:
                return self._line
            except OSError:
                self.close()
        self._line = socket.create_connection(self._address, timeout=_WITHIN_S)
        self._line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._line

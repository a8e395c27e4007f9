"""Devices on a serial line that speak text. The home of pyserial."""

import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import serial

from gateway.device_description import SWITCH_MS, ChainUnusable, SerialInput, SerialOutput
from gateway.no_answer import NoAnswer
from gateway.runner import StepFailed

_WITHIN_S = SWITCH_MS / 1000 * 0.9
#: Only the end of what a device sends is kept: one that sends without pause fills no memory.
_MOST_RECEIVED_BYTES = 4096

T = TypeVar("T")


class SerialLine:
    """One line, shared by all outputs and inputs on it; a lock lets one use it at a time."""

    def __init__(self, port: str, baud: int) -> None:
        """Opens the port. Raises ChainUnusable when that fails."""
        self.port = port
        try:
            self._line = serial.Serial(port, baud, timeout=0.05, write_timeout=_WITHIN_S, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as failure:
            raise ChainUnusable(f"serial line {port}: {failure}") from failure
        self._lock = threading.Lock()

    def ask_text(self, text: str, wanted: re.Pattern[str] | None) -> re.Match[str] | None:
        """Send text, and wait for a match of `wanted`. Raises StepFailed when it does not arrive in time."""
        if wanted is None:
            self.write(text.encode())
            return None
        try:
            return self.ask(text.encode(), lambda received: wanted.search(received.decode("latin-1")), _WITHIN_S)
        except NoAnswer as failure:
            received = failure.received.decode("latin-1")[-60:]
            fault = f"answers {received!r} to {text!r}" if received else "does not answer"
            raise StepFailed(f"serial line {self.port} {fault}") from failure

    def write(self, data: bytes) -> None:
        """Send without waiting for an answer. Raises StepFailed."""
        with self._lock:
            self._send(data)

    def ask(self, data: bytes, parse: Callable[[bytes], T | None], within_s: float) -> T:
        """Send, and receive until `parse` returns a value. Raises NoAnswer, StepFailed."""
        with self._lock:
            self._send(data)
            received, ends_s = b"", time.monotonic() + within_s
            try:
                while time.monotonic() < ends_s:
                    received = (received + self._line.read(max(1, min(_MOST_RECEIVED_BYTES, self._line.in_waiting))))[
                        -_MOST_RECEIVED_BYTES:
                    ]
                    answer = parse(received)
                    if answer is not None:
                        return answer
            except (serial.SerialException, OSError) as failure:
                raise StepFailed(f"serial line {self.port}: {failure}") from failure
            raise NoAnswer(received)

    def close(self) -> None:
        """Release the line. Closing twice does nothing."""
        self._line.close()

    def _send(self, data: bytes) -> None:
        try:
            self._line.reset_input_buffer()
            self._line.write(data)
            self._line.flush()
        except (serial.SerialException, OSError) as failure:
            raise StepFailed(f"serial line {self.port}: {failure}") from failure


class SerialRelay:
    """A relay on a line (`gateway.runner.Relay`)."""

    def __init__(self, output: SerialOutput, line: SerialLine) -> None:
        """line: opened at the output's port."""
        self._output, self._line = output, line
        self._wanted = re.compile(re.escape(output.answer)) if output.answer else None

    def switch(self, on: bool) -> None:
        self._line.ask_text(self._output.on if on else self._output.off, self._wanted)

    def close(self) -> None:
        self._line.close()


class SerialGauge:
    """A value on a line (`gateway.runner.Gauge`)."""

    def __init__(self, source: SerialInput, line: SerialLine) -> None:
        """Raises ChainUnusable for a pattern that is none, or has not one group."""
        self._source, self._line = source, line
        try:
            self._wanted = re.compile(source.pattern)
        except re.error as failure:
            raise ChainUnusable(f"the pattern {source.pattern!r} is not a regular expression: {failure}") from failure
        if self._wanted.groups != 1:
            raise ChainUnusable(f"the pattern {source.pattern!r} must have one group: the number")

    def read(self) -> float:
        answer = self._line.ask_text(self._source.ask, self._wanted)
        try:
            return float(answer[1]) if answer else float("nan")
        except (TypeError, ValueError):
            raise StepFailed(f"serial line {self._line.port}: {answer and answer[1]!r} is not a number") from None

    def close(self) -> None:
        self._line.close()

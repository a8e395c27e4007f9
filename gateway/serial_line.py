"""Devices on a serial line, told and asked in words. The home of pyserial."""

import re
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import serial

from gateway.description import SWITCH_MS, ChainUnusable, SerialInput, SerialOutput
from gateway.runner import StepFailed
from gateway.unanswered import Unanswered

_WITHIN_S = SWITCH_MS / 1000 * 0.9
#: Of what a device says only the last is looked at: one that babbles fills no memory.
_KEPT_BYTES = 4096

T = TypeVar("T")


class SerialLine:
    """One line, shared by all outputs and inputs on it; one speaks at a time."""

    def __init__(self, port: str, baud: int) -> None:
        """Opens it. Raises ChainUnusable."""
        self.port = port
        try:
            self._line = serial.Serial(port, baud, timeout=0.05, write_timeout=_WITHIN_S, exclusive=True)
        except (serial.SerialException, OSError, ValueError) as failure:
            raise ChainUnusable(f"serial line {port}: {failure}") from failure
        self._lock = threading.Lock()

    def say(self, words: str, wanted: re.Pattern[str] | None) -> re.Match[str] | None:
        """Say something, and hear what is wanted. Raises StepFailed when it does not come in time."""
        if wanted is None:
            self.write(words.encode())
            return None
        try:
            return self.ask(words.encode(), lambda said: wanted.search(said.decode("latin-1")), _WITHIN_S)
        except Unanswered as failure:
            heard = failure.heard.decode("latin-1")[-60:]
            said = f"to {words!r} came {heard!r}" if heard else "is silent"
            raise StepFailed(f"serial line {self.port} {said}") from failure

    def write(self, data: bytes) -> None:
        """Say something that is not answered. Raises StepFailed."""
        with self._lock:
            self._told(data)

    def ask(self, data: bytes, found: Callable[[bytes], T | None], within_s: float) -> T:
        """Say something and hear until `found` gives something. Raises Unanswered, StepFailed."""
        with self._lock:
            self._told(data)
            said, ends_s = b"", time.monotonic() + within_s
            try:
                while time.monotonic() < ends_s:
                    said = (said + self._line.read(max(1, min(_KEPT_BYTES, self._line.in_waiting))))[-_KEPT_BYTES:]
                    answer = found(said)
                    if answer is not None:
                        return answer
            except (serial.SerialException, OSError) as failure:
                raise StepFailed(f"serial line {self.port}: {failure}") from failure
            raise Unanswered(said)

    def close(self) -> None:
        """Let go of it. Closing twice does nothing."""
        self._line.close()

    def _told(self, data: bytes) -> None:
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
        """See `Relay`."""
        self._line.say(self._output.on if on else self._output.off, self._wanted)

    def close(self) -> None:
        """See `Relay`."""
        self._line.close()


class SerialGauge:
    """A value on a line (`gateway.runner.Gauge`)."""

    def __init__(self, source: SerialInput, line: SerialLine) -> None:
        """Raises ChainUnusable for a pattern that is none, or has not one group."""
        self._source, self._line = source, line
        try:
            self._wanted = re.compile(source.pattern)
        except re.error as failure:
            raise ChainUnusable(f"the pattern {source.pattern!r} is none: {failure}") from failure
        if self._wanted.groups != 1:
            raise ChainUnusable(f"the pattern {source.pattern!r} must have one group: the number")

    def read(self) -> float:
        """See `Gauge`."""
        found = self._line.say(self._source.ask, self._wanted)
        try:
            return float(found[1]) if found else float("nan")
        except (TypeError, ValueError):
            raise StepFailed(f"serial line {self._line.port}: {found and found[1]!r} is no number") from None

    def close(self) -> None:
        """See `Gauge`."""
        self._line.close()

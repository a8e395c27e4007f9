"""Devices on a serial line, told and asked in words. The home of pyserial."""

import re
import threading
import time

import serial

from gateway.description import SWITCH_MS, ChainUnusable, SerialInput, SerialOutput
from gateway.runner import StepFailed

_WITHIN_S = SWITCH_MS / 1000 * 0.9
#: Of what a device says only the last is looked at: one that babbles fills no memory.
_KEPT_BYTES = 4096


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
        with self._lock:
            try:
                self._line.reset_input_buffer()
                self._line.write(words.encode())
                self._line.flush()
                return self._hear(words, wanted) if wanted is not None else None
            except (serial.SerialException, OSError) as failure:
                raise StepFailed(f"serial line {self.port}: {failure}") from failure

    def close(self) -> None:
        """Let go of it. Closing twice does nothing."""
        self._line.close()

    def _hear(self, words: str, wanted: re.Pattern[str]) -> re.Match[str]:
        said, ends_s = b"", time.monotonic() + _WITHIN_S
        while time.monotonic() < ends_s:
            said = (said + self._line.read(max(1, min(_KEPT_BYTES, self._line.in_waiting))))[-_KEPT_BYTES:]
            found = wanted.search(said.decode("latin-1"))
            if found is not None:
                return found
        heard = said.decode("latin-1")[-60:]
        raise StepFailed(f"serial line {self.port}: to {words!r} came {heard!r}" if heard else f"{self.port} is silent")


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

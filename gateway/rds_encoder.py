"""Opens and closes clusters behind an FM transmitter through its RDS encoder: UECP over a serial line or TCP."""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from gateway.device_description import ANSWER_MS, TRIES, ChainUnusable, RdsOutput
from gateway.no_answer import NoAnswer
from gateway.rds_profiles import RdsProfile, frames_of
from gateway.runner import StepFailed
from gateway.uecp import ACKNOWLEDGEMENT, CODES, DAMAGED, encode_frame, find_frames

T = TypeVar("T")


class EncoderLine(Protocol):
    """How an encoder is reached: a `SerialLine` or a `TcpLine`."""

    port: str

    def write(self, data: bytes) -> None:
        """Send without waiting for an answer. Raises StepFailed."""
        ...

    def ask(self, data: bytes, parse: Callable[[bytes], T | None], within_s: float) -> T:
        """Send, and receive until `parse` returns a value. Raises NoAnswer, StepFailed."""
        ...

    def close(self) -> None: ...


class RdsGroups:
    """Groups of clusters (`gateway.runner.Relay`)."""

    def __init__(self, output: RdsOutput, line: EncoderLine) -> None:
        """line: opened at the output's link. Raises ChainUnusable for a profile that was not read."""
        if not isinstance(output.profile, RdsProfile):
            raise ChainUnusable(f"the RDS profile {output.profile!r} was not read")
        self._output, self._profile, self._line = output, output.profile, line
        self._sequence = 0

    def switch(self, on: bool) -> None:
        """See `Relay`; takes as long as its frames and their pauses."""
        for message in frames_of(self._profile, self._output.groups, on):
            self._send(message)
            time.sleep(self._profile.pause_ms / 1000)

    def close(self) -> None:
        self._line.close()

    def _send(self, message: bytes) -> None:
        self._sequence = self._sequence % 0xFF + 1  # 0 means that frames are not counted
        frame = encode_frame(message, site=self._output.site, encoder=self._output.encoder, sequence=self._sequence)
        if not self._output.answers:
            self._line.write(frame)
            return
        fault = ""
        for _ in range(TRIES):
            try:
                code = self._line.ask(frame, self._code_in, ANSWER_MS / 1000)
            except NoAnswer as failure:
                received = failure.received[-30:].hex(" ")
                fault = f"answers with no frame: {received}" if received else "does not answer"
                continue
            if code == 0:
                return
            fault = CODES[code] if code < len(CODES) else f"answers with code {code}"
            if code not in DAMAGED:
                break
        raise StepFailed(f"RDS encoder at {self._line.port} {fault} (message {message[:8].hex(' ')})")

    def _code_in(self, received: bytes) -> int | None:
        """The code of the acknowledgement of the last frame sent; None when it has not arrived."""
        for frame in find_frames(received):
            kind, code, of = frame.message[:1], frame.message[1:2], frame.message[2:3]
            if kind == bytes([ACKNOWLEDGEMENT]) and code and (code == b"\0" or of in (b"", bytes([self._sequence]))):
                return code[0]
        return None

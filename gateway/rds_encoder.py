"""Clusters behind an FM transmitter, opened and closed through its RDS encoder: UECP over a serial line or TCP."""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from gateway.description import ANSWER_MS, TRIES, ChainUnusable, RdsOutput
from gateway.rds_profiles import RdsProfile, frames_of
from gateway.runner import StepFailed
from gateway.uecp import ACKNOWLEDGEMENT, CODES, DAMAGED, framed, frames_in
from gateway.unanswered import Unanswered

T = TypeVar("T")


class Line(Protocol):
    """What an encoder is told over: a `SerialLine` or a `TcpLine`."""

    port: str

    def write(self, data: bytes) -> None:
        """Say something that is not answered. Raises StepFailed."""
        ...

    def ask(self, data: bytes, found: Callable[[bytes], T | None], within_s: float) -> T:
        """Say something and hear until `found` gives something. Raises Unanswered, StepFailed."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class RdsGroups:
    """Groups of clusters (`gateway.runner.Relay`)."""

    def __init__(self, output: RdsOutput, line: Line) -> None:
        """line: opened at the output's link. Raises ChainUnusable for a profile that was not read."""
        if not isinstance(output.profile, RdsProfile):
            raise ChainUnusable(f"the RDS profile {output.profile!r} was not read")
        self._output, self._profile, self._line = output, output.profile, line
        self._sequence = 0

    def switch(self, on: bool) -> None:
        """See `Relay`; takes as long as its frames and their pauses."""
        for message in frames_of(self._profile, self._output.groups, on):
            self._tell(message)
            time.sleep(self._profile.pause_ms / 1000)

    def close(self) -> None:
        """See `Relay`."""
        self._line.close()

    def _tell(self, message: bytes) -> None:
        self._sequence = self._sequence % 0xFF + 1  # 0 would mean that it is not counted
        frame = framed(message, site=self._output.site, encoder=self._output.encoder, sequence=self._sequence)
        if not self._output.answers:
            self._line.write(frame)
            return
        said = ""
        for _ in range(TRIES):
            try:
                code = self._line.ask(frame, self._code_in, ANSWER_MS / 1000)
            except Unanswered as failure:
                heard = failure.heard[-30:].hex(" ")
                said = f"answers with no frame: {heard}" if heard else "does not answer"
                continue
            if code == 0:
                return
            said = CODES[code] if code < len(CODES) else f"answers with code {code}"
            if code not in DAMAGED:
                break
        raise StepFailed(f"RDS encoder at {self._line.port} {said} (message {message[:8].hex(' ')})")

    def _code_in(self, said: bytes) -> int | None:
        """The code with which our last frame is acknowledged; None: not yet."""
        for frame in frames_in(said):
            kind, code, of = frame.message[:1], frame.message[1:2], frame.message[2:3]
            if kind == bytes([ACKNOWLEDGEMENT]) and code and (code == b"\0" or of in (b"", bytes([self._sequence]))):
                return code[0]
        return None

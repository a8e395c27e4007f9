"""An RDS encoder for tests, on a pseudo-terminal or on TCP: it parses frames strictly, by its own reading of SPB 490.

`manner`: well; deaf (acknowledges nothing); slow (answers after `LATE_S`); refusing (does not accept the message);
damaged once (a wrong checksum at first); damaged (always); babbling; wrong (its own answers have wrong checksums).
"""

import os
import socket
import threading
import time
import tty
from typing import NamedTuple

LATE_S = 1.0
#: Message elements whose data has a fixed length, and how many bytes: MEC → (has DSN and PSN, length).
FIXED = {0x24: (False, 7), 0x42: (False, 7), 0x3E: (True, 8), 0x2C: (False, 1)}
WITH_LENGTH = {0x0A: True, 0x2D: False}


class Element(NamedTuple):
    mec: int
    data: bytes


def checksum(content: bytes) -> int:
    """Bit by bit, as the standard draws it."""
    register = 0xFFFF
    for byte in content:
        for bit in range(7, -1, -1):
            top = (register >> 15) ^ (byte >> bit & 1)
            register = (register << 1 & 0xFFFF) ^ (0x1021 if top else 0)
    return register ^ 0xFFFF


class RdsEncoder:
    def __init__(self, *, tcp: bool, manner: str = "well", site: int = 0, encoder: int = 0) -> None:
        self.manner, self.site, self.encoder = manner, site, encoder
        self.elements: list[Element] = []
        self.sequences: list[int] = []
        self.open: set[int] = set()
        self.refused: list[str] = []
        self._ending = False
        self._said = b""
        self._met: socket.socket | None = None
        if tcp:
            self._listening = socket.create_server(("127.0.0.1", 0))
            self.link = f"tcp:127.0.0.1:{self._listening.getsockname()[1]}"
        else:
            self._ours, self._theirs = os.openpty()
            tty.setraw(self._theirs)
            self.link = f"serial:{os.ttyname(self._theirs)}?baud=9600"
        self._tcp = tcp
        self._thread = threading.Thread(target=self._serve if tcp else self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending = True
        if self._tcp:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self.hang_up()
        else:
            os.write(self._theirs, b"\0")
        self._thread.join(5)
        if not self._tcp:
            os.close(self._ours)
            os.close(self._theirs)

    def hang_up(self) -> None:
        """As a port server does that was switched off and on."""
        met = self._met
        if met is not None:
            try:
                met.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def _serve(self) -> None:
        while True:
            try:
                self._met, _ = self._listening.accept()
            except OSError:
                return
            with self._met as met:
                try:
                    while came := met.recv(512):
                        self._hear(came)
                except OSError:
                    continue

    def _listen(self) -> None:
        while not self._ending:
            came = os.read(self._ours, 512)
            if not self._ending:
                self._hear(came)

    def _say(self, data: bytes) -> None:
        if self._tcp:
            assert self._met is not None
            self._met.sendall(data)
        else:
            os.write(self._ours, data)

    def _hear(self, came: bytes) -> None:
        self._said += came
        while b"\xff" in self._said:
            frame, _, self._said = self._said.partition(b"\xff")
            if self.manner == "babbling":
                for _ in range(20):
                    self._say(b"\xfe\x18\x00??\xfd" * 10)
                    time.sleep(0.02)
                continue
            try:
                sequence, message = self._parsed(frame)
            except ValueError as failure:
                self.refused.append(str(failure))
                self._acknowledge(0, 1)
                continue
            if message is not None:
                self._obey(sequence, message)

    def _parsed(self, frame: bytes) -> tuple[int, bytes | None]:
        """The sequence counter and the message, None when it is not for us. Raises ValueError."""
        if frame[:1] != b"\xfe":
            raise ValueError("it does not begin with FE")
        content, at = bytearray(), 1
        while at < len(frame):
            if frame[at] == 0xFD:
                if frame[at + 1] > 2:
                    raise ValueError("wrong stuffing")
                content.append(0xFD + frame[at + 1])
                at += 2
            elif frame[at] > 0xFD:
                raise ValueError("a byte that must be stuffed")
            else:
                content.append(frame[at])
                at += 1
        if checksum(bytes(content[:-2])) != content[-2] << 8 | content[-1]:
            raise ValueError("wrong checksum")
        site, encoder = content[0] << 2 | content[1] >> 6, content[1] & 0x3F
        if content[3] != len(content) - 6:
            raise ValueError("wrong message length")
        ours = site in (0, self.site) and encoder in (0, self.encoder)
        return content[2], bytes(content[4:-2]) if ours else None

    def _obey(self, sequence: int, message: bytes) -> None:
        if self.manner == "damaged" or (self.manner == "damaged once" and not self.sequences):
            self.sequences.append(sequence)
            self._acknowledge(sequence, 1)
            return
        self.sequences.append(sequence)
        if self.manner == "refusing":
            self._acknowledge(sequence, 9)
            return
        try:
            self._take(message)
        except (ValueError, IndexError) as failure:
            self.refused.append(str(failure))
            self._acknowledge(sequence, 7)
            return
        self._acknowledge(sequence, 0)

    def _take(self, message: bytes) -> None:
        mec = message[0]
        if mec in FIXED:
            named, length = FIXED[mec]
            data = message[3 if named else 1 :]
            if len(data) != length:
                raise ValueError(f"element {mec:02X} with {len(data)} bytes of data, not {length}")
        elif mec in WITH_LENGTH:
            at = 3 if WITH_LENGTH[mec] else 1
            data = message[at + 1 :]
            if message[at] != len(data):
                raise ValueError(f"element {mec:02X} says {message[at]} bytes and has {len(data)}")
        else:
            raise ValueError(f"element {mec:02X} is not known")
        self.elements.append(Element(mec, data))
        if mec in (0x24, 0x42):  # block 2, then block 3 and 4 of the group
            if data[3:5] != data[5:7]:
                raise ValueError("block 3 and 4 differ")
            (self.open.add if data[2] & 1 else self.open.discard)(data[3] << 8 | data[4])

    def _acknowledge(self, sequence: int, code: int) -> None:
        if self.manner == "deaf":
            return
        if self.manner == "slow":
            time.sleep(LATE_S)
        message = bytes([0x18, code] + ([sequence] if code else []))
        content = bytes([0, 0, sequence, len(message)]) + message
        summed = checksum(content) ^ (0x0101 if self.manner == "wrong" else 0)
        content += bytes([summed >> 8, summed & 0xFF])
        said = b"".join(bytes([0xFD, byte - 0xFD]) if byte >= 0xFD else bytes([byte]) for byte in content)
        self._say(b"\xfe" + said + b"\xff")

"""Frames of the Universal Encoder Communication Protocol (SPB 490, EN/IEC 62106-10), which RDS encoders speak.

    STA  ADD ADD  SQC  MFL  MSG …  CRC CRC  STP
    FE                                      FF

ADD: 10 bits site, 6 bits encoder; 0 means all. SQC: sequence counter, 0 when not used. MFL: length of MSG. CRC: CCITT
(x¹⁶ + x¹² + x⁵ + 1) over ADD to MSG, begun with FFFF and inverted, the high byte first. Between STA and STP the bytes
FD, FE and FF are sent as FD 00, FD 01 and FD 02; lengths and CRC are computed before stuffing.
"""

import binascii
from typing import NamedTuple

_START, _STOP, _STUFFED = 0xFE, 0xFF, 0xFD
#: Message element code of an acknowledgement: a code, and unless it is 0 the sequence counter of the frame.
ACKNOWLEDGEMENT = 0x18
#: By code of an acknowledgement; makers use the codes beyond these.
CODES = (
    "is told",
    "found a damaged checksum",
    "did not get the message",
    "does not know the message",
    "does not know the data set",
    "does not know the programme service",
    "finds a value out of range",
    "finds a wrong element length",
    "finds a wrong message length",
    "does not accept the message",
    "found no end of the message",
    "has no room left",
    "found wrong byte stuffing",
    "found the message cut short",
)
#: Codes of a frame that was damaged in transmission: sending it again may succeed.
DAMAGED = (1, 2, 10, 11, 12, 13)
MOST_MESSAGE = 0xFF


class UecpFrame(NamedTuple):
    """A complete frame. message: without byte stuffing."""

    site: int
    encoder: int
    sequence: int
    message: bytes


class FrameDamaged(ValueError):
    """Not a frame of the protocol; the message names the cause."""


def encode_frame(message: bytes, *, site: int = 0, encoder: int = 0, sequence: int = 0) -> bytes:
    """The bytes of a message on the line. message: at most 255 bytes."""
    address = site << 6 | encoder
    content = address.to_bytes(2, "big") + bytes([sequence, len(message)]) + message
    content += _crc(content).to_bytes(2, "big")
    stuffed = b"".join(bytes([_STUFFED, byte - _STUFFED]) if byte >= _STUFFED else bytes([byte]) for byte in content)
    return bytes([_START]) + stuffed + bytes([_STOP])


def find_frames(received: bytes) -> list[UecpFrame]:
    """The complete frames in received bytes. Noise between them and damaged frames are dropped."""
    frames = []
    for piece in received.split(bytes([_START]))[1:]:
        content, stop, _ = piece.partition(bytes([_STOP]))
        if stop:
            try:
                frames.append(decode_frame(content))
            except FrameDamaged:
                continue
    return frames


def decode_frame(stuffed: bytes) -> UecpFrame:
    """stuffed: the bytes between STA and STP. Raises FrameDamaged."""
    content = _unstuffed(stuffed)
    if len(content) < 6:
        raise FrameDamaged(f"{len(content)} bytes are no frame")
    if _crc(content[:-2]) != int.from_bytes(content[-2:], "big"):
        raise FrameDamaged("its checksum is wrong")
    if content[3] != len(content) - 6:
        raise FrameDamaged(f"it says {content[3]} bytes and has {len(content) - 6}")
    address = int.from_bytes(content[:2], "big")
    return UecpFrame(address >> 6, address & 0x3F, content[2], content[4:-2])


def _unstuffed(stuffed: bytes) -> bytes:
    content, at = bytearray(), 0
    while at < len(stuffed):
        byte, at = stuffed[at], at + 1
        if byte == _STUFFED:
            if at == len(stuffed) or stuffed[at] > 2:
                raise FrameDamaged("its byte stuffing is wrong")
            byte, at = _STUFFED + stuffed[at], at + 1
        elif byte > _STUFFED:
            raise FrameDamaged("it has a start or stop inside")
        content.append(byte)
    return bytes(content)


def _crc(content: bytes) -> int:
    return binascii.crc_hqx(content, 0xFFFF) ^ 0xFFFF

"""Recordings whose container says less than they hold."""

import struct
import subprocess
from pathlib import Path


def ogg_that_claims_a_second(path: Path, seconds: int) -> bytes:
    """Silence in Ogg Opus, some 50 B a second; each page's position says that it ends within the first second."""
    content = bytearray(
        subprocess.run(
            [*_silence(seconds), "-f", "ogg", "pipe:1"],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
    )
    at = 0
    while at < len(content):
        segments = content[at + 26]
        end = at + 27 + segments + sum(content[at + 27 : at + 27 + segments])
        (position,) = struct.unpack_from("<q", content, at + 6)
        struct.pack_into("<q", content, at + 6, min(position, 48_000))
        struct.pack_into("<I", content, at + 22, 0)
        struct.pack_into("<I", content, at + 22, _ogg_crc(content[at:end]))
        at = end
    path.write_bytes(content)
    return bytes(content)


def matroska_with_still_timestamps(path: Path, seconds: int) -> bytes:
    """Every block says that it begins at 0."""
    subprocess.run(
        [
            *_silence(seconds),
            "-bsf:a",
            "setts=ts=0",
            "-f",
            "matroska",
            str(path),
        ],
        check=True,
    )
    return path.read_bytes()


def _silence(seconds: int) -> list[str]:
    source = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", f"anullsrc=r=48000:cl=mono:d={seconds}"]
    return [*source, "-c:a", "libopus", "-b:a", "6k", "-frame_duration", "60"]


def _ogg_crc(page: bytes | bytearray) -> int:
    crc = 0
    for byte in page:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _CRC_TABLE[(crc >> 24) ^ byte]
    return crc


def _crc_of(byte: int) -> int:
    value = byte << 24
    for _ in range(8):
        value = ((value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


_CRC_TABLE = [_crc_of(byte) for byte in range(256)]

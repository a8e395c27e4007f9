"""Recordings with faults as offices have them, made by ffmpeg or byte by byte; a few seconds each."""

import random
import struct
import subprocess
from pathlib import Path

#: Syllables at 3 a second with a pause after each, as speech has them.
SYLLABLES = "aevalsrc='{amplitude}*sin(2*PI*300*t)*lt(mod(t\\,0.33)\\,0.2)':d={seconds}:s=48000"


def syllables(seconds: float, amplitude: float = 0.3) -> str:
    """A lavfi graph."""
    return SYLLABLES.format(seconds=seconds, amplitude=amplitude)


def make(path: Path, graph: str, *options: str) -> Path:
    """A recording of a lavfi graph."""
    run("-f", "lavfi", "-i", graph, *options, str(path))
    return path


def run(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", *arguments], check=True)


def without_length(path: Path, riff_size: int) -> Path:
    """A WAV as a program writes it to a pipe: sizes that stand for "not known"."""
    content = bytearray(path.read_bytes())
    data = content.index(b"data")
    content[4:8] = struct.pack("<I", riff_size)
    content[data + 4 : data + 8] = struct.pack("<I", riff_size - 36)
    path.write_bytes(content)
    return path


def zeroed_from_half(path: Path) -> Path:
    """As after a copy that reserved the room and broke off."""
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] + bytes(len(content) - half))
    return path


def joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def late_fragments(path: Path, first_second: int) -> Path:
    """A fragmented MP4 as a live recorder writes it: its clock began long before the recording."""
    run("-f", "lavfi", "-i", syllables(3), "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", str(path))
    content = bytearray(path.read_bytes())
    at = content.find(b"tfdt")
    while at >= 0:
        version = content[at + 4]
        width = 8 if version else 4
        time = int.from_bytes(content[at + 8 : at + 8 + width], "big") + first_second * 48_000
        content[at + 8 : at + 8 + width] = time.to_bytes(width, "big")
        at = content.find(b"tfdt", at + 4)
    path.write_bytes(content)
    return path


def old_phone(path: Path, seconds: int, frames_in_sample: int) -> Path:
    """A 3GP as phones of 2005 wrote it: many AMR frames in each sample."""
    draw = random.Random(5)
    frames = [b"\x3c" + draw.randbytes(31) for _ in range(seconds * 50)]
    samples = [b"".join(frames[k : k + frames_in_sample]) for k in range(0, len(frames), frames_in_sample)]
    length, ticks = len(samples) * frames_in_sample * 160, frames_in_sample * 160
    ftyp = _box(b"ftyp", b"3gp4", _words(512), b"3gp4isom")
    decoder = _box(b"damr", b"LOA ", bytes([0, 0x81, 0xFF, 0, frames_in_sample]))
    entry = _box(b"samr", bytes(6), b"\0\1", bytes(8), b"\0\2\0\x10", bytes(4), b"\x1f\x40\0\0", decoder)
    table = _box(
        b"stbl",
        _box(b"stsd", _words(0, 1), entry),
        _box(b"stts", _words(0, 1, len(samples), ticks)),
        _box(b"stsc", _words(0, 1, 1, len(samples), 1)),
        _box(b"stsz", _words(0, 0, len(samples), *(len(sample) for sample in samples))),
        _box(b"stco", _words(0, 1, len(ftyp) + 8)),
    )
    references = _box(b"dinf", _box(b"dref", _words(0, 1), _box(b"url ", _words(1))))
    media = _box(
        b"mdia",
        _box(b"mdhd", _words(0, 0, 0, 8000, length, 0)),
        _box(b"hdlr", _words(0, 0), b"soun", bytes(12), b"s\0"),
        _box(b"minf", _box(b"smhd", bytes(8)), references, table),
    )
    matrix = _words(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    movie = _box(b"mvhd", _words(0, 0, 0, 8000, length, 0x10000), b"\1\0", bytes(10), matrix, bytes(24), _words(2))
    track = _box(b"tkhd", _words(1, 0, 0, 1, 0, length), bytes(8), b"\0\0\0\0\1\0\0\0", matrix, _words(0, 0))
    moov = _box(b"moov", movie, _box(b"trak", track, media))
    path.write_bytes(ftyp + _box(b"mdat", *samples) + moov)
    return path


def _words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content

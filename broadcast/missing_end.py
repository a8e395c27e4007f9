"""Whether the end of a recording is missing, by the sizes and counts that its own structure declares.

Players say nothing of a file that was not copied to its end. A duration in a container is no evidence: it may be that
of a picture, an estimate, or counted from a clock that began elsewhere.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from runtime.refusal import N_, Refusal

#: How much may be missing: 3 %, and for a count of samples 2 s.
_MISSING_SHARE, MISSING_US = 0.03, 2_000_000
#: Sizes from here on stand for "not known": what streams and interrupted recorders write.
_UNKNOWN_SIZE = 0x7FFF_0000
#: Fewer bytes of zeros at the end are padding.
_LEAST_ZEROS = 4_096
_BLOCK = 1 << 16
_ASF = bytes.fromhex("3026B2758E66CF11A6D900AA0062CE6C")
_MATROSKA, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def truncated() -> Refusal:
    """The refusal for a file whose end is missing."""
    return Refusal(N_("This file is cut off: its end is missing. Copy it again from the recorder."))


def end_is_missing(path: Path) -> bool:
    """Whether the file is shorter than its structure says, or its last part was never written and holds only zeros."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(16)
        end = _declared_end(file, head, size)
        if end is not None and size < end * (1 - _MISSING_SHARE):
            return True
        if head[4:8] == b"ftyp":
            return _mp4_is_cut(file, size)
        return not _is_linear(head) and _zeros_before(file, size) > max(_LEAST_ZEROS, size * _MISSING_SHARE)


def declared_length_us(path: Path) -> int | None:
    """The length that an MP3 or FLAC counts in its header; None in others, and where the count is missing."""
    with path.open("rb") as file:
        head = file.read(10)
        start = 0
        if head[:3] == b"ID3":
            start = 10 + sum((byte & 0x7F) << 7 * (3 - k) for k, byte in enumerate(head[6:10]))
        file.seek(start)
        first = file.read(4096)
    if first[:4] == b"fLaC":
        return _flac_length_us(first)
    return _xing_length_us(first)


def _declared_end(file: IO[bytes], head: bytes, size: int) -> int | None:
    """Where the file ends by the size in its first bytes; None when there is none."""
    end = None
    if head[:4] == b"RIFF":
        end = 8 + int.from_bytes(head[4:8], "little")
    elif head[:4] == b"FORM":
        end = 8 + int.from_bytes(head[4:8], "big")
    elif head == _ASF:
        end = _asf_end(file, size)
    elif head[:4] == _MATROSKA:
        end = _segment_end(file)
    return None if end is None or not 8 < end < _UNKNOWN_SIZE else end


def _is_linear(head: bytes) -> bool:
    """Whether zeros are silence: uncompressed sound."""
    return head[:4] in (b"RIFF", b"RF64", b"FORM", b"caff", b".snd", b"riff")


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


def _mp4_is_cut(file: IO[bytes], size: int) -> bool:
    """Whether the last box reaches beyond the end, the index was never written, or the samples end in zeros."""
    boxes = list(_boxes(file, size))
    if boxes[-1].end * (1 - _MISSING_SHARE) > size or not any(box.kind == b"moov" for box in boxes):
        return True
    samples = [box for box in boxes if box.kind == b"mdat"]
    if not samples:
        return False
    held = samples[-1].end - samples[-1].start
    return _zeros_before(file, samples[-1].end, held) > max(_LEAST_ZEROS, held * _MISSING_SHARE)


def _boxes(file: IO[bytes], size: int) -> Iterator[_Box]:
    start = 0
    while start + 8 <= size:
        file.seek(start)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        end = size if length == 0 else start + max(8, length)
        yield _Box(head[4:8], start, end)
        start = end


def _asf_end(file: IO[bytes], size: int) -> int:
    start = 0
    while start + 24 <= size:
        file.seek(start + 16)
        start += max(24, int.from_bytes(file.read(8), "little"))
    return start


def _segment_end(file: IO[bytes]) -> int | None:
    """Where the segment of a Matroska or WebM file ends; None when it was written as a stream."""
    file.seek(4)
    header, _ = _ebml_size(file)
    file.seek(file.tell() + header)
    if file.read(4) != _SEGMENT:
        return None
    length, known = _ebml_size(file)
    return file.tell() + length if known else None


def _ebml_size(file: IO[bytes]) -> tuple[int, bool]:
    """A number of variable length, and whether it is known: all ones are "unknown"."""
    first = (file.read(1) or b"\x01")[0]
    more = 8 - first.bit_length()
    value = int.from_bytes(bytes([first & (0x7F >> more)]) + file.read(more), "big")
    return value, value != (1 << 7 * (more + 1)) - 1


def _zeros_before(file: IO[bytes], end: int, most: int | None = None) -> int:
    """How many bytes before `end` are zero, at most `most`."""
    end = min(end, file.seek(0, os.SEEK_END))
    lowest, at = (0 if most is None else max(0, end - most)), end
    while at > lowest:
        start = max(lowest, at - _BLOCK)
        file.seek(start)
        block = file.read(at - start)
        kept = block.rstrip(b"\0")
        at = start + len(kept)
        if kept:
            break
    return end - at


def _flac_length_us(first: bytes) -> int | None:
    rate = int.from_bytes(first[18:21], "big") >> 4
    samples = int.from_bytes(first[21:26], "big") & 0xF_FFFF_FFFF
    return samples * 1_000_000 // rate if rate and samples else None


def _xing_length_us(first: bytes) -> int | None:
    """From the frame count of the first, silent frame that encoders write."""
    mark = max(first.find(b"Xing"), first.find(b"Info"))
    frame = next((k for k in range(len(first) - 4) if first[k] == 0xFF and first[k + 1] & 0xE0 == 0xE0), -1)
    if mark < 0 or frame < 0 or not first[mark + 7] & 1 or mark - frame > 40:
        return None
    version, rate_index = first[frame + 1] >> 3 & 3, first[frame + 2] >> 2 & 3
    if version == 1 or rate_index == 3:
        return None
    halvings = {3: 0, 2: 1, 0: 2}[version]
    rate = (44_100, 48_000, 32_000)[rate_index] >> halvings
    samples = 1152 if version == 3 else 576
    return int.from_bytes(first[mark + 8 : mark + 12], "big") * samples * 1_000_000 // rate

"""Frames of a continuous MP3 or AAC stream: where the first one begins, and where another format begins. Pure: no I/O.

A connection begins in the middle of a frame. ffmpeg then reads 64 kB before it takes that for MP3, 8 s of a station of
64 kbit/s; from the beginning of a frame on it decodes within 0.6 s. A decoder for one format hears nothing when the
station changes to another.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: Bytes without frames after which the stream is left to ffmpeg as it is.
MOST_UNKNOWN_BYTES = 16_384
#: So many headers in a row, each where the one before says: no coincidence.
_HEADERS = 3
_HEADER_BYTES = 6
#: kbit/s, by version 1 or 2 (and 2.5), and layer II or III (ISO/IEC 11172-3, 13818-3).
_BIT_RATES = {
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
#: Hz, by the two bits of the version.
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_ADTS_RATES = 13
#: Beginnings of what is no sequence of such frames: Ogg, FLAC, RIFF, ID3, MPEG-TS, Matroska.
_OTHERS = (b"OggS", b"fLaC", b"RIFF", b"ID3", b"\x47", b"\x1a\x45\xdf\xa3")


class AudioFrame(NamedTuple):
    """format: the same for all frames that one decoder can play."""

    format: str
    length: int


def frame_at(data: bytes | bytearray, at: int) -> AudioFrame | None:
    """What the header at this place says, as MP3 (or MP2) or as AAC in ADTS; None when it is none."""
    if at + _HEADER_BYTES > len(data) or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    if data[at + 1] & 0xF6 == 0xF0:
        return _adts_frame(data, at)
    version, layer = data[at + 1] >> 3 & 3, 4 - (data[at + 1] >> 1 & 3)
    bit_rate, rate = data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version not in _RATES or layer not in (2, 3) or not 1 <= bit_rate <= 14 or rate == 3:
        return None
    generation = 1 if version == 3 else 2
    slots = 72 if generation == 2 and layer == 3 else 144
    hertz = _RATES[version][rate]
    length = slots * _BIT_RATES[generation, layer][bit_rate - 1] * 1000 // hertz + (data[at + 2] >> 1 & 1)
    return AudioFrame(f"mp{layer} {hertz}", length)


def _adts_frame(data: bytes | bytearray, at: int) -> AudioFrame | None:
    rate, profile = data[at + 2] >> 2 & 15, data[at + 2] >> 6
    length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    return AudioFrame(f"aac {rate} {profile}", length) if rate < _ADTS_RATES and length > _HEADER_BYTES else None


def begins_in_frames(beginning: bytes) -> bool:
    """Whether a stream may be one of such frames."""
    return not beginning.startswith(_OTHERS) and beginning[4:8] != b"ftyp"


class FrameSync:
    """Passes whole frames on. Bytes between them (metadata, a lost part) are left out."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._format = ""
        self._is_raw = False

    def frames(self, blocks: Iterable[bytes]) -> Iterator[bytes | None]:
        """Of blocks of any length. None where another format begins."""
        for block in blocks:
            if self._is_raw:
                yield block
                continue
            self._data += block
            yield from self._take()
        if self._data:
            yield bytes(self._data)

    def _take(self) -> Iterator[bytes | None]:
        while True:
            if whole := self._whole_frames():
                yield bytes(self._data[:whole])
                del self._data[:whole]
            if len(self._data) < _HEADER_BYTES or ((frame := frame_at(self._data, 0)) and frame.format == self._format):
                return  # the rest of this frame comes with the next block
            begins_at, format_ = self._search()
            if not format_ and len(self._data) < MOST_UNKNOWN_BYTES:
                return
            if self._format and format_ != self._format:
                yield None
            if not format_:
                self._is_raw = True
                yield bytes(self._data)
                self._data.clear()
                return
            self._format = format_
            del self._data[:begins_at]

    def _whole_frames(self) -> int:
        """The length of the frames of this format at the beginning."""
        at = 0
        while (frame := frame_at(self._data, at)) is not None and frame.format == self._format:
            if at + frame.length > len(self._data):
                break
            at += frame.length
        return at

    def _search(self) -> tuple[int, str]:
        """Where frames begin, and of which format; "" when none do."""
        at = self._data.find(0xFF)
        while at >= 0:
            format_, next_at = "", at
            for _ in range(_HEADERS):
                frame = frame_at(self._data, next_at)
                if frame is None or (format_ and frame.format != format_):
                    format_ = ""
                    break
                format_, next_at = frame.format, next_at + frame.length
            if format_:
                return at, format_
            at = self._data.find(0xFF, at + 1)
        return 0, ""

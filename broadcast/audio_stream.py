"""A sound encoded to MP3 while it is listened to, from any byte on.

Frames have one size and depend on nothing before them but the encoder's overlap, so that a byte of the stream names an
instant: a browser can ask for a range and seek in a file that was never written.
"""

import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO

import ffmpeg

from broadcast.audio import RATE

FRAME_SAMPLES, FRAME_BYTES = 1152, 288
_BIT_RATE = 96_000
#: The encoder's delay; the last samples leave it so much later.
_DELAY_SAMPLES = 1105
#: Frames encoded before the first that is sent, for the overlap.
_LEAD_FRAMES = 3
#: A browser keeps a stream open while it does not read it. The oldest is ended for a new one; it is asked for again.
_MOST_OPEN = 6
_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")

_open_streams: deque["subprocess.Popen[bytes]"] = deque()
_lock = threading.Lock()


def stream_bytes(duration_us: int) -> int:
    """The size of the whole stream."""
    samples = duration_us * RATE // 1_000_000 + _DELAY_SAMPLES
    return -(-samples // FRAME_SAMPLES) * FRAME_BYTES


def asked_range(header: str, size: int) -> tuple[int, int] | None:
    """The first byte and the one after the last that a Range header asks for; None for one that asks for no byte."""
    match = _RANGE.match(header.strip())
    if match is None or match[1] == match[2] == "":
        return (0, size)
    if not match[1]:
        first, until = max(0, size - int(match[2])), size
    else:
        first, until = int(match[1]), min(size, int(match[2]) + 1) if match[2] else size
    return (first, until) if first < until else None


def mp3_stream(sound: Callable[[int], Iterator[bytes]], first: int, until: int) -> Iterator[bytes]:
    """Bytes `first` to `until` of the stream. sound: 32-bit floats, mono, 48 kHz, from a sample on."""
    frame = max(0, first // FRAME_BYTES - _LEAD_FRAMES)
    skipped, left = first - frame * FRAME_BYTES, until - first
    child = _start()
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("ffmpeg was started without pipes")
    feeder = threading.Thread(target=_feed, args=(child.stdin, sound, frame * FRAME_SAMPLES), daemon=True)
    feeder.start()
    try:
        while left and (block := child.stdout.read1(65_536)):  # type: ignore[attr-defined]
            part = block[skipped : skipped + left]
            skipped = max(0, skipped - len(block))
            left -= len(part)
            if part:
                yield part
    finally:
        child.kill()
        child.stdout.close()
        child.wait()
        feeder.join()
        with _lock, suppress(ValueError):
            _open_streams.remove(child)


def _start() -> "subprocess.Popen[bytes]":
    command = (
        ffmpeg.input("pipe:0", format="f32le", ar=RATE, ac=1)
        .output(
            "pipe:1",
            format="mp3",
            acodec="libmp3lame",
            audio_bitrate=_BIT_RATE,
            reservoir=0,
            write_xing=0,
            id3v2_version=0,
            flush_packets=1,
        )
        .global_args("-hide_banner", "-loglevel", "error")
        .compile()
    )
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    with _lock:
        _open_streams.append(child)
        if len(_open_streams) > _MOST_OPEN:
            _open_streams.popleft().kill()
    return child


def _feed(pipe: IO[bytes], sound: Callable[[int], Iterator[bytes]], first: int) -> None:
    # A listener who left closed the pipe.
    with suppress(BrokenPipeError), pipe:
        for piece in sound(first):
            pipe.write(piece)
        pipe.write(bytes(4 * FRAME_SAMPLES * 3))  # what the encoder still holds comes out

"""Decoding a relayed stream: an ffmpeg process that reads bytes of any radio codec and writes mono 48 kHz S16_LE.

It opens nothing itself, neither files nor addresses: what it reads was fetched by `relay`.
"""

import contextlib
import subprocess
import threading
from collections.abc import Callable

import ffmpeg

from broadcast.audio import restrain

#: A playlist would make ffmpeg fetch what it names.
_DEMUXERS = "mp3,aac,ogg,mpegts,mov,flac,wav,matroska"
_MOST_MEMORY_BYTES = 700_000_000
#: 40 ms.
_READ_BYTES = 3840
_PROBE_BYTES, _PROBE_US = "65536", "500000"


class StreamDecoder:
    """One stream. `feed` and `finish` are for one thread, `kill` for any."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        """take: receives decoded audio, whole samples, in another thread; it may block for a while."""
        self._take = take
        command = (
            ffmpeg.input(
                "pipe:0",
                format_whitelist=_DEMUXERS,
                protocol_whitelist="pipe",
                probesize=_PROBE_BYTES,
                analyzeduration=_PROBE_US,
                fflags="nobuffer",
            )
            .output("pipe:1", format="s16le", acodec="pcm_s16le", ac=1, ar=48_000, flush_packets=1, map="0:a:0")
            .global_args("-hide_banner", "-loglevel", "error", "-threads", "1")
            .compile()
        )
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        restrain(self._child.pid, most_memory_bytes=_MOST_MEMORY_BYTES)
        self._reader = threading.Thread(target=self._read, name="relay decoder", daemon=True)
        self._reader.start()

    def feed(self, encoded: bytes) -> bool:
        """False when the decoder has ended: it could not read this."""
        if self._child.stdin is None:
            return False
        rest = memoryview(encoded)
        try:
            while rest:
                rest = rest[self._child.stdin.write(rest) or 0 :]
        except (BrokenPipeError, ValueError, OSError):
            return False
        return True

    def finish(self, within_s: float) -> None:
        """No more will be fed: what is left is decoded, and the process ends."""
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        self._reader.join(within_s)
        self.kill()

    def kill(self) -> None:
        self._child.kill()
        self._child.wait()
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()

    def _read(self) -> None:
        stdout, odd = self._child.stdout, b""
        if stdout is None:
            raise RuntimeError("ffmpeg was started without a pipe")
        with stdout:
            while block := stdout.read(_READ_BYTES):
                odd += block
                even = len(odd) // 2 * 2
                self._take(odd[:even])
                odd = odd[even:]

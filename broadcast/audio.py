"""Running ffmpeg on recordings; live sound and streams to listen to start their own."""

import logging
import os
import resource
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ffmpeg

from runtime.refusal import N_, Refusal

log = logging.getLogger(__name__)

RATE = 48_000

#: Only recordings are opened: a playlist would make ffmpeg read the files it names.
DEMUXERS = (
    "mp3,aac,ac3,eac3,mov,mp4,m4a,3gp,3g2,mj2,wav,w64,aiff,caf,flac,ogg,asf,amr,matroska,webm,avi,flv,rm,mpegts,mpeg,au"
)

#: A run that a caller gives no limit ends after this: the longest recording at four times its speed.
_MOST_WALL_S = 3600.0
_SHORTEST_WALL_S = 60.0
#: How slowly honest work may go on a busy machine: times the speed of the sound, and bytes of the file per second.
_LEAST_SPEED, _LEAST_BYTES_A_SECOND = 4, 10_000
#: Address space of one ffmpeg, and the largest file that it may write.
_MOST_MEMORY_BYTES, _MOST_FILE_BYTES = 2_000_000_000, 1_000_000_000
#: Below the controller, which has to be on time.
_NICE = 10

Progress = Callable[[float], None]


class Stopped(Exception):
    """A run ended because the controller is closing."""


def wall_limit_s(*, length_us: int = 0, bytes_: int = 0) -> float:
    """How long ffmpeg may take for a sound of this length, or for a file of this size."""
    return min(_MOST_WALL_S, _SHORTEST_WALL_S + length_us / 1e6 / _LEAST_SPEED + bytes_ / _LEAST_BYTES_A_SECOND)


def source(path: Path, **options: Any) -> Any:
    """An input that reads only this file, only as a recording, whatever its name."""
    return ffmpeg.input(f"file:{path}", format_whitelist=DEMUXERS, protocol_whitelist="file", **options)


def pcm_source(path: Path) -> Any:
    """An input of headerless samples: mono, 48 kHz, 32-bit floats."""
    return ffmpeg.input(f"file:{path}", format="f32le", ar=RATE, ac=1, protocol_whitelist="file")


class Ffmpeg:
    """Runs ffmpeg, reports progress, and ends it when `stopping` is set."""

    def __init__(self, stopping: threading.Event | None = None) -> None:
        self._stopping = stopping or threading.Event()

    def run(
        self,
        streams: Iterable[Any],
        *,
        expected_us: int = 0,
        progress: Progress | None = None,
        on_stdout: Callable[[bytes], None] | None = None,
        wall_s: float = _MOST_WALL_S,
        most_bytes: int = _MOST_FILE_BYTES,
    ) -> None:
        """Run one ffmpeg for these outputs.

        expected_us: the length of the output, for `progress` (0 to 1). on_stdout: receives standard output in blocks
        when one of the outputs is pipe:1; ffmpeg then reports no progress. wall_s: the longest that it may take.
        most_bytes: the largest file that it may write.

        Raises Stopped when the controller is closing, Refusal when it takes too long, subprocess.CalledProcessError
        with ffmpeg's log when it failed.
        """
        # Progress every 0.2 s on standard output, unless audio is written there.
        extra = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"]
        if on_stdout is None:
            extra += ["-progress", "pipe:1", "-stats_period", "0.2"]
        command = ffmpeg.merge_outputs(*streams).global_args(*extra).overwrite_output().compile()
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as child:
            restrain(child.pid, most_bytes)
            log: list[bytes] = []
            too_long = threading.Event()
            timer = threading.Timer(wall_s, _end, (child, too_long))
            timer.start()
            listener = threading.Thread(target=_collect, args=(child.stderr, log), daemon=True)
            listener.start()
            try:
                self._follow(child, expected_us, progress, on_stdout)
            except BaseException:
                child.kill()
                raise
            finally:
                status = child.wait()
                timer.cancel()
                listener.join()
        if too_long.is_set():
            raise _takes_too_long()
        text = b"".join(log).decode(errors="replace")
        if status != 0:
            raise subprocess.CalledProcessError(status, "ffmpeg", stderr=text)

    def _follow(
        self,
        child: subprocess.Popen[bytes],
        expected_us: int,
        progress: Progress | None,
        on_stdout: Callable[[bytes], None] | None,
    ) -> None:
        if child.stdout is None:
            raise RuntimeError("ffmpeg was started without a pipe")
        while block := child.stdout.read1(65_536):  # type: ignore[attr-defined]
            if self._stopping.is_set():
                raise Stopped
            if on_stdout is not None:
                on_stdout(block)
            elif progress is not None and expected_us > 0:
                for line in block.decode(errors="replace").splitlines():
                    name, _, value = line.partition("=")
                    if name == "out_time_us" and value.lstrip("-").isdigit():
                        progress(min(1.0, max(0.0, int(value) / expected_us)))


def unreadable() -> Refusal:
    """The refusal for a file that cannot be decoded."""
    return Refusal(
        N_("This file is damaged or not a recording. Play it on your phone or PC to check, or choose another one.")
    )


def _takes_too_long() -> Refusal:
    return Refusal(
        N_("Reading this recording takes too long, so Loa stopped. Save it as mp3 on a PC and choose that file.")
    )


def _end(child: "subprocess.Popen[bytes]", too_long: threading.Event) -> None:
    too_long.set()
    child.kill()


def restrain(pid: int, most_bytes: int = 0, most_memory_bytes: int = _MOST_MEMORY_BYTES) -> None:
    """Limit a child that runs already: a function called between fork and exec may deadlock beside our threads."""
    try:
        os.setpriority(os.PRIO_PROCESS, pid, _NICE)
        for kind, most in (
            (resource.RLIMIT_AS, most_memory_bytes),
            (resource.RLIMIT_FSIZE, most_bytes),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.prlimit(pid, kind, (most, most))
    except (ProcessLookupError, PermissionError):
        log.debug("ffmpeg %d ended before it was limited", pid)


def _collect(pipe: Any, into: list[bytes]) -> None:
    # ffmpeg's log is short; a file crafted to make it long is cut off.
    size = 0
    for block in iter(lambda: pipe.read1(65_536), b""):
        if size < 2_000_000:
            into.append(block)
            size += len(block)
        else:
            into[-1] = block

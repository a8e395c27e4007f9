"""Live audio input: a file, a pipe or a sound card, as mono 48 kHz S16_LE, read by an ffmpeg process."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO

import ffmpeg

from runtime.refusal import N_, Refusal

#: 10 ms: the read size, small to keep the delay low.
PIECE_BYTES = 960
#: Input options of a sound card or a raw pipe.
_LOW_DELAY = {"fflags": "nobuffer", "probesize": "32", "analyzeduration": "0"}


class LiveSource:
    """An ffmpeg process that reads one input and yields pieces of audio. A context manager."""

    def __init__(self, source: str, *, paced: bool, stdin: IO[bytes] | None = None, options: dict[str, str]) -> None:
        """source: as ffmpeg names it. paced: the input delivers audio in real time (a card, a live pipe)."""
        self.paced = paced
        self._stdin = stdin
        self._arguments: list[str] = (
            ffmpeg.input(source, **options)
            .output("pipe:1", format="s16le", acodec="pcm_s16le", ac=1, ar=48_000, flush_packets=1, map="0:a:0")
            .global_args("-nostdin" if stdin is None else "-hide_banner", "-loglevel", "error")
            .compile()
        )
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    def file(cls, path: Path) -> "LiveSource":
        """Raises Refusal when it does not exist."""
        if not path.is_file():
            raise Refusal(N_("There is no file {name}. Give the path of a recording."), name=str(path))
        return cls(f"file:{path}", paced=False, options={})

    @classmethod
    def pipe(cls, stdin: IO[bytes], *, raw: bool = False, rate: int = 48_000, channels: int = 2) -> "LiveSource":
        """Standard input. raw: S16_LE at this rate and channel count; otherwise any streamable format."""
        if raw:
            options = {"format": "s16le", "ar": str(rate), "ac": str(channels), **_LOW_DELAY}
            return cls("pipe:0", paced=True, stdin=stdin, options=options)
        return cls("pipe:0", paced=True, stdin=stdin, options={})

    @classmethod
    def device(cls, name: str) -> "LiveSource":
        """A sound card, by its ALSA name ("default", "hw:1")."""
        return cls(name, paced=True, options={"format": "alsa", **_LOW_DELAY})

    def __enter__(self) -> "LiveSource":
        self._child = subprocess.Popen(
            self._arguments,
            stdin=self._stdin if self._stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is None:
            return
        self._child.kill()
        self._child.communicate()
        self._child = None

    def stop(self) -> None:
        """End the input, from any thread; `pieces` ends soon after."""
        child = self._child
        if child is not None:
            child.kill()

    def pieces(self) -> Iterator[bytes]:
        """Audio until the input ends, in pieces of at most 10 ms.

        Raises Refusal with ffmpeg's message when nothing could be read.
        """
        if self._child is None or self._child.stdout is None or self._child.stderr is None:
            raise RuntimeError("the input is not open")
        any_sound, odd = False, b""
        while piece := self._child.stdout.read1(PIECE_BYTES):  # type: ignore[attr-defined]
            any_sound = True
            odd += piece
            even = len(odd) // 2 * 2
            yield odd[:even]
            odd = odd[even:]
        if not any_sound:
            words = self._child.stderr.read().decode(errors="replace").strip().splitlines()
            raise Refusal(
                N_("No sound could be read from this input: {why}. Choose another recording or sound card."),
                why=words[-1][:200] if words else "ffmpeg",
            )

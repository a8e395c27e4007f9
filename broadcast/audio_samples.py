"""A recording decoded into memory, for analysis."""

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from broadcast.audio import RATE, Ffmpeg, source, unreadable, wall_limit_s
from broadcast.audio_probe import probe
from runtime.refusal import N_, Refusal

Samples = NDArray[np.float32]


def samples_of(path: Path, run: Ffmpeg, *, most_s: int) -> Samples:
    """Mono, 48 kHz, −1 to 1, at most `most_s` seconds.

    Raises Refusal: empty file, not a recording, no audio in it, damaged.
    """
    probe(path)
    blocks: list[bytes] = []
    received = 0

    def keep(block: bytes) -> None:
        # In a file whose timestamps stand still, ffmpeg's own limit of time never ends.
        nonlocal received
        received += len(block)
        if received > (most_s + 1) * RATE * 4:
            raise Refusal(
                N_("There is more sound in this recording than {most} s. Cut it and choose it again."), most=most_s
            )
        blocks.append(block)

    sound = source(path, t=most_s).audio.filter("aresample", RATE).filter("aformat", channel_layouts="mono")
    try:
        run.run(
            [sound.output("pipe:1", format="f32le", acodec="pcm_f32le")],
            on_stdout=keep,
            wall_s=wall_limit_s(length_us=most_s * 1_000_000),
        )
    except subprocess.CalledProcessError as error:
        raise unreadable() from error
    data = b"".join(blocks)
    return np.frombuffer(data[: len(data) // 4 * 4], "<f4")

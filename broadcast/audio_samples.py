"""A recording decoded into memory, for analysis."""

import subprocess
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from broadcast.audio import RATE, Ffmpeg, source, unreadable
from broadcast.audio_probe import probe

Samples = NDArray[np.float32]


def samples_of(path: Path, run: Ffmpeg, *, most_s: int) -> Samples:
    """Mono, 48 kHz, −1 to 1, at most `most_s` seconds.

    Raises Refusal: empty file, not a recording, no audio in it, damaged.
    """
    probe(path)
    blocks: list[bytes] = []
    sound = source(path, t=most_s).audio.filter("aresample", RATE).filter("aformat", channel_layouts="mono")
    try:
        run.run([sound.output("pipe:1", format="f32le", acodec="pcm_f32le")], on_stdout=blocks.append)
    except subprocess.CalledProcessError as error:
        raise unreadable() from error
    data = b"".join(blocks)
    return np.frombuffer(data[: len(data) // 4 * 4], "<f4")

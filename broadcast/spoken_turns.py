"""Turns: a text that is read aloud several times, in one language after the other, as one sound file."""

import wave
from collections.abc import Sequence
from pathlib import Path

from broadcast.audio import RATE
from broadcast.audio_short import read_short


def join_turns(spoken: Sequence[Path], repeats: int, pause_ms: int, into: Path) -> None:
    """spoken: sound files that follow each other; together they are repeated. into: WAV, mono, 48 kHz."""
    turn = list[bytes]()
    pause = bytes(2 * (RATE * pause_ms // 1000))
    for file in spoken:
        pcm = file.with_suffix(".pcm")
        read_short(file, pcm, "s16le")
        turn += [pcm.read_bytes(), pause]
    with wave.open(str(into), "wb") as joined:
        joined.setnchannels(1)
        joined.setsampwidth(2)
        joined.setframerate(RATE)
        joined.writeframes(b"".join(turn * repeats)[: -len(pause) or None])

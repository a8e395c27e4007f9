"""The table of known sounds: how each is made, duration, level, silence at both ends, and what is heard."""

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Sound(NamedTuple):
    """length_s: of the file. silence_s: at the start and at the end. lufs: loudness, None when it is not certain."""

    name: str
    length_s: float
    silence_s: tuple[float, float]
    lufs: float | None
    heard: str
    make: Callable[[Path], None]


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", *arguments], check=True)


def _lavfi(graph: str, *options: str) -> Callable[[Path], None]:
    return lambda path: _ffmpeg("-f", "lavfi", "-i", graph, *options, str(path))


def amr_frames(seconds: float) -> bytes:
    """An AMR file by hand, for want of a free encoder: 12.2 kbit/s frames whose bits are drawn; a hoarse noise."""
    draw = random.Random(5)
    return b"#!AMR\n" + b"".join(b"\x3c" + draw.randbytes(31) for _ in range(round(seconds * 50)))


def _amr(path: Path) -> None:
    path.write_bytes(amr_frames(4))


def _threegp(path: Path) -> None:
    raw = path.with_suffix(".amr.tmp")
    raw.write_bytes(amr_frames(4))
    _ffmpeg("-f", "amr", "-i", str(raw), "-c", "copy", "-f", "3gp", str(path))
    raw.unlink()


#: A tone of −23 LUFS: EBU Tech 3341 case 1 is a 1 kHz sine at −23 dBFS in stereo; in mono it reads 3 dB less.
_TONE = "sine=frequency=1000:sample_rate=48000:duration={s},volume={db}dB"

TABLE = (
    Sound("tone.wav", 5.0, (0, 0), -26.0, "a steady 1 kHz tone", _lavfi(_TONE.format(s=5, db=-5))),
    Sound("stereo.flac", 5.0, (0, 0), None, "the same in both ears", _lavfi(_TONE.format(s=5, db=-5), "-ac", "2")),
    Sound(
        "ends.wav",
        6.0,
        (2.0, 1.0),
        None,
        "two seconds of nothing, three of tone, one of nothing",
        _lavfi(_TONE.format(s=3, db=-5) + ",adelay=2000,apad=pad_dur=1"),
    ),
    Sound("loud.mp3", 5.0, (0, 0), None, "a tone at full scale", _lavfi(_TONE.format(s=5, db=18))),
    Sound("quiet.ogg", 5.0, (0, 0), None, "a whisper", _lavfi(_TONE.format(s=5, db=-25), "-c:a", "libvorbis")),
    Sound(
        "noise.opus",
        5.0,
        (0, 0),
        None,
        "pink noise",
        _lavfi("anoisesrc=color=pink:seed=2:duration=5:sample_rate=48000:amplitude=0.3", "-c:a", "libopus"),
    ),
    Sound("phone.amr", 4.0, (0, 0), None, "a hoarse noise, as from an old phone", _amr),
    Sound("phone.3gp", 4.0, (0, 0), None, "the same in a phone's container", _threegp),
    Sound(
        "low-rate.wav",
        3.0,
        (0, 0),
        None,
        "a tone at 8 kHz, as from a recorder of 1995",
        _lavfi("sine=frequency=440:sample_rate=8000:duration=3", "-ar", "8000"),
    ),
    Sound(
        "surround.wav",
        3.0,
        (0, 0),
        None,
        "a tone in the middle of six channels",
        _lavfi(
            _TONE.format(s=3, db=-5) + ",pan=5.1|FC=c0",
        ),
    ),
)


def main() -> None:
    """Make them all, to listen to."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for sound in TABLE:
        sound.make(folder / sound.name)
        print(f"{sound.name:14} {sound.length_s:4.1f} s  {sound.heard}")


if __name__ == "__main__":
    main()

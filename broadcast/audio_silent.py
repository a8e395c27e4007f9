"""A recording that nobody hears and that still is one: for the self-test of the receivers."""

from pathlib import Path
from typing import NamedTuple

import ffmpeg

from broadcast.audio import RATE, Ffmpeg
from broadcast.media import Media, Stored

SECONDS = 2
#: RMS. At full volume in a quiet night it would be below what is heard ten metres from a horn; it is not played anyway.
LEVEL_DBFS = -60.0
#: ffmpeg's sine has an amplitude of 1/8.
_SINE_DBFS = -21.07


class SilentSound(NamedTuple):
    """It, in the store. frames: at 48 kHz."""

    stored: Stored
    frames: int
    level_dbfs: float


def make_silent_sound(media: Media, nonce: str) -> SilentSound:
    """Make one and keep it. nonce: stands in the file, so that no two have the same hash and none is on a shelf yet."""
    path = media.incoming(".opus")
    try:
        sine = ffmpeg.input(f"sine=frequency=440:sample_rate={RATE}:duration={SECONDS}", f="lavfi")
        quiet = sine.audio.filter("volume", f"{LEVEL_DBFS - _SINE_DBFS:.2f}dB")
        Ffmpeg().run(
            [
                quiet.output(
                    f"file:{path}", format="opus", acodec="libopus", audio_bitrate="48k", metadata=f"title={nonce}"
                )
            ]
        )
        return SilentSound(media.adopt(path, "opus"), SECONDS * RATE, LEVEL_DBFS)
    finally:
        Path(path).unlink(missing_ok=True)

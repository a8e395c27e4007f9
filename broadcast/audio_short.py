"""Short sounds that Loa makes itself: read to samples, and encoded without measuring."""

from pathlib import Path
from typing import Any

import ffmpeg

from broadcast.audio import RATE, Ffmpeg, pcm_source
from broadcast.audio_encode import MP3_BIT_RATE, OPUS_BIT_RATE
from broadcast.media import Media
from wire.broadcasts import Rendition

_WITHIN_S = 60.0


def read_short(wav: Path, pcm: Path, sample_format: str = "f32le") -> None:
    """Write a sound as headerless samples: mono, 48 kHz; without what horns cannot reproduce.

    sample_format: by default 32-bit floats; s16le for 16 bits.
    """
    source: Any = ffmpeg.input(f"file:{wav}", protocol_whitelist="file")
    sound = source.audio.filter("highpass", f=120)
    Ffmpeg().run([sound.output(f"file:{pcm}", format=sample_format, ar=RATE, ac=1)], wall_s=_WITHIN_S)


def encode_short(pcm: Path, media: Media) -> list[Rendition]:
    """Both renditions, in the media store, best first."""
    opus, mp3 = media.incoming(".opus"), media.incoming(".mp3")
    try:
        sound = pcm_source(pcm).audio.filter_multi_output("asplit")
        outputs = [
            sound.stream(0).output(f"file:{opus}", format="opus", acodec="libopus", audio_bitrate=OPUS_BIT_RATE),
            sound.stream(1).output(f"file:{mp3}", format="mp3", acodec="libmp3lame", audio_bitrate=MP3_BIT_RATE),
        ]
        Ffmpeg().run(outputs, wall_s=_WITHIN_S)
        stored = [("opus", media.adopt(opus, "opus")), ("mp3", media.adopt(mp3, "mp3"))]
    finally:
        opus.unlink(missing_ok=True)
        mp3.unlink(missing_ok=True)
    return [Rendition(sha256=s.sha256, bytes=s.bytes, codec=codec, path=s.path) for codec, s in stored]

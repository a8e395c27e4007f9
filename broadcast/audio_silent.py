"""Silent test recordings for the self-test of the receivers: valid Ogg Opus, inaudible."""

from pathlib import Path

import ffmpeg

from broadcast.audio import RATE, Ffmpeg
from broadcast.media import Media
from devices.nightly_test import SilentRecording

SECONDS = 2
#: RMS. Inaudible ten metres from a horn at full volume in a quiet night; receivers only decode it anyway.
LEVEL_DBFS = -60.0
#: ffmpeg's sine has an amplitude of 1/8.
_SINE_DBFS = -21.07


class SilentRecordings:
    """Makes silent recordings in the media store. See `devices.nightly_test.Recordings`."""

    def __init__(self, media: Media) -> None:
        self._media = media

    def make(self, nonce: str) -> SilentRecording:
        """nonce: written into the file, so that its hash is new and no receiver has it stored yet."""
        path = self._media.incoming(".opus")
        try:
            sine = ffmpeg.input(f"sine=frequency=440:sample_rate={RATE}:duration={SECONDS}", f="lavfi")
            quiet = sine.audio.filter("volume", f"{LEVEL_DBFS - _SINE_DBFS:.2f}dB")
            output = quiet.output(
                f"file:{path}", format="opus", acodec="libopus", audio_bitrate="48k", metadata=f"title={nonce}"
            )
            Ffmpeg().run([output])
            stored = self._media.adopt(path, "opus")
            return SilentRecording(stored.sha256, stored.bytes, SECONDS * RATE, LEVEL_DBFS)
        finally:
            Path(path).unlink(missing_ok=True)

    def remove(self, sha256: str) -> None:
        self._media.remove(sha256, "opus")

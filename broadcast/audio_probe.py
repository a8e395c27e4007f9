"""What a file is: whether there is sound in it, how long it says it is."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from broadcast.audio import DEMUXERS
from runtime.refusal import N_, Refusal

#: Reading a header takes milliseconds; a file that takes longer is made to.
_TIMEOUT_S = 30
SUFFIXES = "mp3, m4a, aac, wav, flac, ogg, opus, wma, amr, 3gp, mp4, webm"


class Probe(NamedTuple):
    """container, codec: ffmpeg's names. duration_us: what the header says, 0 when it says nothing."""

    container: str
    codec: str
    duration_us: int
    channels: int


def probe(path: Path) -> Probe:
    """Look into a file. Raises Refusal: empty, no recording, no sound in it."""
    if path.stat().st_size == 0:
        raise Refusal(N_("This file is empty. Perhaps it was not copied to the end. Choose it again."))
    # Not ffmpeg-python's own probe: it offers no time limit.
    command = [
        "ffprobe", "-loglevel", "error", "-of", "json", "-protocol_whitelist", "file", "-format_whitelist", DEMUXERS,
        "-show_entries", "format=format_name,duration:stream=codec_type,codec_name,channels,duration",
        f"file:{path}",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
        found = json.loads(done.stdout or b"{}")
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        found = {}
    streams = found.get("streams") or []
    if not streams or "format" not in found:
        raise no_recording()
    sounds = [s for s in streams if s.get("codec_type") == "audio" and s.get("codec_name") not in (None, "unknown")]
    if not sounds:
        raise Refusal(
            N_(
                "There is no sound in this file. Choose another recording ({suffixes}).",
            ),
            suffixes=SUFFIXES,
        )
    first = sounds[0]
    seconds = float(found["format"].get("duration") or first.get("duration") or 0)
    return Probe(
        str(found["format"]["format_name"]),
        str(first["codec_name"]),
        int(seconds * 1e6),
        int(first.get("channels") or 1),
    )


def no_recording() -> Refusal:
    """What is said of a picture, a text, an archive."""
    return Refusal(
        N_("This is no recording, whatever its name says. Choose a sound file ({suffixes})."), suffixes=SUFFIXES
    )

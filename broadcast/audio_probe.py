"""Probing an uploaded file: whether it is a recording, and how the audio in it is to be decoded."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

from broadcast.audio import DEMUXERS
from broadcast.missing_end import end_is_missing, truncated
from runtime.refusal import N_, Refusal

#: Reading a header takes milliseconds; only a crafted file takes longer.
_TIMEOUT_S = 30
#: ffmpeg's confidence, 0 to 100; below this almost any file is taken for an MP3.
_LEAST_SCORE = 25
SUFFIXES = "mp3, m4a, aac, wav, flac, ogg, opus, wma, amr, 3gp, mp4, webm, ac3, flv, rm"


class Probe(NamedTuple):
    """container, codec: ffmpeg's names. duration_us: by the container, 0 when unknown; it may be wrong."""

    container: str
    codec: str
    duration_us: int
    channels: int


def probe(path: Path) -> Probe:
    """Raises Refusal: empty file, not a recording, no audio in it, its end missing."""
    if path.stat().st_size == 0:
        raise Refusal(N_("This file is empty. Perhaps it was not copied to the end. Choose it again."))
    # Not ffmpeg-python's own probe: it offers no time limit.
    command = [
        "ffprobe",
        "-loglevel",
        "error",
        "-of",
        "json",
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        DEMUXERS,
        "-show_entries",
        "format=format_name,duration,probe_score:stream=codec_type,codec_name,channels,duration",
        f"file:{path}",
    ]
    try:
        process = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
        report = json.loads(process.stdout or b"{}")
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        report = {}
    streams = report.get("streams") or []
    if not streams or "format" not in report:
        raise truncated() if _is_mp4(path) and end_is_missing(path) else no_recording()
    sounds = [s for s in streams if s.get("codec_type") == "audio" and s.get("codec_name") not in (None, "unknown")]
    if not sounds:
        raise Refusal(
            N_(
                "There is no sound in this file. Choose another recording ({suffixes}).",
            ),
            suffixes=SUFFIXES,
        )
    first = sounds[0]
    if int(report["format"].get("probe_score") or 0) < _LEAST_SCORE:
        raise no_recording()
    if end_is_missing(path):
        raise truncated()
    return Probe(
        container=str(report["format"]["format_name"]),
        codec=str(first["codec_name"]),
        duration_us=int(float(first.get("duration") or report["format"].get("duration") or 0) * 1e6),
        channels=max(1, int(first.get("channels") or 1)),
    )


def no_recording() -> Refusal:
    """The refusal for a picture, a text, an archive."""
    return Refusal(
        N_("This is not a recording, whatever its name. Choose a sound file ({suffixes})."), suffixes=SUFFIXES
    )


def _is_mp4(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"

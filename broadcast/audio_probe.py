"""What a file contains according to ffprobe: whether there is audio in it, and its length by the header."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from broadcast.audio import DEMUXERS
from runtime.refusal import N_, Refusal

#: Reading a header takes milliseconds; only a crafted file takes longer.
_TIMEOUT_S = 30
#: ffmpeg's confidence, 0 to 100; below this almost any file is taken for an MP3.
_LEAST_SCORE = 25
SUFFIXES = "mp3, m4a, aac, wav, flac, ogg, opus, wma, amr, 3gp, mp4, webm"


class Probe(NamedTuple):
    """container, codec: ffmpeg's names. duration_us: from the header, 0 when unknown.

    exact: False when ffmpeg estimated the length from the bit rate.
    """

    container: str
    codec: str
    duration_us: int
    channels: int
    exact: bool


def probe(path: Path) -> Probe:
    """Raises Refusal: empty file, not a recording, no audio in it."""
    if path.stat().st_size == 0:
        raise Refusal(N_("This file is empty. Perhaps it was not copied to the end. Choose it again."))
    # Not ffmpeg-python's own probe: it offers no time limit.
    command = [
        "ffprobe",
        "-loglevel",
        "warning",
        "-of",
        "json",
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        DEMUXERS,
        "-show_entries",
        "format=format_name,duration,probe_score:stream=codec_type,codec_name,channels,start_time,duration:stream_tags=DURATION",
        f"file:{path}",
    ]
    try:
        process = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)
        report = json.loads(process.stdout or b"{}")
        guessed = b"Estimating duration from bitrate" in process.stderr
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        report, guessed = {}, True
    streams = report.get("streams") or []
    if not streams or "format" not in report:
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
    if int(report["format"].get("probe_score") or 0) < _LEAST_SCORE:
        raise no_recording()
    if _riff_cut_off(path):
        raise truncated()
    seconds = _stream_seconds(first) or float(report["format"].get("duration") or 0)
    return Probe(
        container=str(report["format"]["format_name"]),
        codec=str(first["codec_name"]),
        duration_us=int(seconds * 1e6),
        channels=int(first.get("channels") or 1),
        exact=not guessed,
    )


def _stream_seconds(stream: Any) -> float:
    """The length of the sound alone, 0 when unknown: a film's picture may be longer. Matroska keeps it in a tag."""
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", str((stream.get("tags") or {}).get("DURATION", "")))
    if stream.get("duration"):
        return float(stream["duration"])
    if tag is None:
        return 0
    # The tag holds the end, and the sound may begin after the picture.
    end_s = int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3])
    return max(0.0, end_s - max(0.0, float(stream.get("start_time") or 0)))


def no_recording() -> Refusal:
    """The refusal for a picture, a text, an archive."""
    return Refusal(
        N_("This is not a recording, whatever its name. Choose a sound file ({suffixes})."), suffixes=SUFFIXES
    )


def truncated() -> Refusal:
    """The refusal for a file whose end is missing."""
    return Refusal(N_("This file is cut off: its end is missing. Copy it again from the recorder."))


def _riff_cut_off(path: Path) -> bool:
    """Whether a WAV file is shorter than its header says; ffmpeg plays what is there without a warning."""
    with path.open("rb") as file:
        head = file.read(8)
    size = int.from_bytes(head[4:8], "little")
    # Recorders write 0 or the largest number while the length is unknown.
    return head[:4] == b"RIFF" and size not in (0, 0xFFFFFFFF) and path.stat().st_size < (size + 8) * 0.97

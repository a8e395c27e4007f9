"""What an operator should know of a recording that was accepted: it will not sound as a better one would."""

import json
from enum import StrEnum
from typing import NamedTuple

from broadcast.audio_decode import Pcm
from broadcast.audio_encode import MOST_GAIN_DB, TARGET_LUFS, Encoded

#: From here on the noise of an ordinary room is heard.
_NOISE_LIFTED_DB = 15.0
#: The most that a clip may be softer than the target without a word.
_NOTICED_LU = 0.5


class WarningKind(StrEnum):
    """NOISE_LIFTED: by how many decibels. ONE_CHANNEL: which, from 1. STILL_QUIET, UNEVEN: the LUFS reached."""

    NOISE_LIFTED = "noise_lifted"
    ONE_CHANNEL = "one_channel"
    STILL_QUIET = "still_quiet"
    UNEVEN = "uneven"


class ClipWarning(NamedTuple):
    """value: see `WarningKind`."""

    kind: str
    value: float


def warnings_of(pcm: Pcm, encoded: Encoded) -> list[ClipWarning]:
    warnings = []
    if pcm.channel is not None:
        warnings.append(ClipWarning(WarningKind.ONE_CHANNEL, pcm.channel))
    if encoded.gain_db >= _NOISE_LIFTED_DB:
        warnings.append(ClipWarning(WarningKind.NOISE_LIFTED, round(encoded.gain_db)))
    lufs = encoded.opus_level.lufs
    if lufs is not None and lufs < TARGET_LUFS - _NOTICED_LU:
        kind = WarningKind.STILL_QUIET if encoded.gain_db >= MOST_GAIN_DB else WarningKind.UNEVEN
        warnings.append(ClipWarning(kind, round(lufs, 1)))
    return warnings


def warnings_as_text(warnings: list[ClipWarning]) -> str:
    """As a table keeps them: JSON, "" for none."""
    return json.dumps([[str(warning.kind), warning.value] for warning in warnings]) if warnings else ""


def warnings_from_text(text: str) -> list[ClipWarning]:
    return [ClipWarning(kind, value) for kind, value in json.loads(text)] if text else []

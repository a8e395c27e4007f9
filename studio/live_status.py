"""What is asked of a live session, and what it says of itself."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from studio.live_limits import LiveEnd, LiveLimit
from studio.microphone_buffer import MicrophoneCounts
from wire.broadcasts import BroadcastClass, Targets


class LivePhase(StrEnum):
    OPENING = "opening"
    SPEAKING = "speaking"
    CLOSING = "closing"
    ENDED = "ended"


@dataclass(frozen=True)
class LiveRequest:
    """What a person asks for. over: live broadcasts that it may interrupt."""

    commune_id: str
    targets: Targets
    class_: BroadcastClass
    title: str
    with_chime: bool = True
    over: frozenset[str] = field(default_factory=frozenset)


class LiveStatus(NamedTuple):
    """elapsed_us: since it sounds. level_dbfs: of what goes out. age_us, held_us: of the microphone buffer."""

    phase: LivePhase
    end: LiveEnd | None
    limit: LiveLimit
    elapsed_us: int
    level_dbfs: float
    counts: MicrophoneCounts
    age_us: int
    held_us: int
    is_away: bool
    recording_failed: bool


def level_dbfs(pcm: bytes) -> float:
    """Root mean square of S16_LE samples; −100 for silence."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    return float(20 * np.log10(max(1e-5, float(np.sqrt(np.mean(samples**2))))))


def for_monitor(pcm: bytes) -> bytes:
    """A third of the rate, 16 kHz: enough to follow what goes out, over a weak link too."""
    samples = np.frombuffer(pcm, "<i2").reshape(-1, 3).mean(axis=1)
    return bytes(samples.astype("<i2").tobytes())

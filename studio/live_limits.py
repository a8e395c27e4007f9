"""Live limits: when a live broadcast from a browser ends by itself, and the warning before it. Time is passed in."""

from enum import StrEnum
from typing import NamedTuple

#: The warning comes so long before the end, or at half the limit when that is shorter.
WARN_BEFORE_US = 20_000_000
#: Without a connection the broadcast waits so long.
RECONNECT_US = 10_000_000


class LiveEnd(StrEnum):
    """Why a live broadcast ended."""

    BY_SPEAKER = "by_speaker"
    SILENCE = "silence"
    LENGTH = "length"
    CONNECTION = "connection"
    ELSEWHERE = "elsewhere"  # stopped on another page, by the noise budget, or by a rule
    BAD_SOUND = "bad_sound"
    FAILED = "failed"


class LiveLimit(NamedTuple):
    """warning: of what ends it next, None while nothing does soon. left_us: until then. end: it is over, for this."""

    warning: LiveEnd | None = None
    left_us: int = 0
    end: LiveEnd | None = None


class LiveLimits:
    """silence_us: a microphone without a voice for so long is forgotten. length_us: the longest broadcast."""

    def __init__(self, *, silence_us: int, length_us: int, begins_us: int) -> None:
        self._silence_us, self._length_us = silence_us, length_us
        self._begins_us = self._heard_us = begins_us
        self._away_since_us: int | None = begins_us

    def heard(self, now_us: int) -> None:
        """A voice is in the microphone."""
        self._heard_us = max(self._heard_us, now_us)

    def connected(self) -> None:
        self._away_since_us = None

    def disconnected(self, now_us: int) -> None:
        if self._away_since_us is None:
            self._away_since_us = now_us

    def step(self, now_us: int) -> LiveLimit:
        """What ends it soon, or now."""
        ends = {
            LiveEnd.LENGTH: (self._begins_us + self._length_us, self._length_us),
            LiveEnd.SILENCE: (self._heard_us + self._silence_us, self._silence_us),
        }
        if self._away_since_us is not None:
            ends[LiveEnd.CONNECTION] = (max(self._away_since_us, self._begins_us) + RECONNECT_US, 2 * RECONNECT_US)
        reason, (end_us, limit_us) = min(ends.items(), key=lambda item: item[1][0])
        left_us = end_us - now_us
        if left_us <= 0:
            return LiveLimit(end=reason)
        return LiveLimit(reason, left_us) if left_us <= min(WARN_BEFORE_US, limit_us // 2) else LiveLimit()

"""Playback failures: which recordings cannot be played as planned, and from which instant a fallback plays.

This module stores observations only; `fallbacks` computes what plays instead.
"""

import threading
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from receiver.playout.cues import ClipSpec, Cue
from wire.broadcasts import Manifest, Rendition

#: How long a missing recording may take to arrive before a fallback plays. A planned one is looked up four seconds
#: before its start (the playout's horizon), so its time is never silent; one put on air now is usually fetched within
#: this time and should not begin with a fallback.
GRACE_US = 4_000_000


class FailedCue(NamedTuple):
    """A cue whose source failed. playable_until_us: controller time up to which it was read. why: for people."""

    cue: Cue
    playable_until_us: int
    why: str

    @property
    def sha256(self) -> str:
        """Of its file; "" for a cue that plays no file."""
        return self.cue.source.sha256 if isinstance(self.cue.source, ClipSpec) else ""


class FailedRendition(NamedTuple):
    """A rendition that failed in one item. spec, key: of its cue, to play what was read before the failure."""

    sha256: str
    spec: ClipSpec
    key: str
    until_us: int
    why: str


class PlaybackFailures:
    """What cannot be played. Thread-safe: the feeder reads, the agent writes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: dict[tuple[str, int], list[FailedRendition]] = {}
        self._missing: dict[tuple[str, int], int] = {}  # → controller time at which it was first looked for
        self._replacements: Counter[str] = Counter()

    def key(self, broadcast: str, position: int, rendition: Rendition) -> str:
        """The key of a rendition's cue.

        It changes when the file is fetched again, so that the new file may be played.
        """
        times = self._replacements.get(rendition.sha256, 0)  # not [], which would count it in
        return f"{broadcast}/{position}{f'/{times}' if times else ''}/{rendition.sha256[:16]}"

    def note_failed(self, failures: Iterable[FailedCue], now_us: int) -> bool:
        """Note sources that failed. now_us: controller time. True when one of them is new."""
        news = False
        with self._lock:
            for cue, playable_until_us, why in failures:
                if not isinstance(cue.source, ClipSpec):
                    continue
                renditions = self._failed.setdefault((cue.broadcast, cue.position), [])
                if any(failed.key == cue.key for failed in renditions):
                    continue
                until_us = max(playable_until_us, now_us)
                renditions.append(FailedRendition(cue.source.sha256, cue.source, cue.key, until_us, why))
                news = True
        return news

    def note_replaced(self, sha256: str) -> None:
        """Its file was corrupt and removed; the next file of this checksum may be played."""
        with self._lock:
            self._replacements[sha256] += 1

    def failed(self, broadcast: str, position: int, rendition: Rendition) -> list[FailedRendition]:
        """The failures of a rendition in an item, in order."""
        return [f for f in self._failed.get((broadcast, position), []) if f.sha256 == rendition.sha256]

    def fallback_from_us(self, broadcast: str, position: int, starts_at_us: int, now_us: int) -> int:
        """The item's file is missing at now_us. Returns the controller time from which a fallback plays."""
        with self._lock:
            return max(starts_at_us, self._missing.setdefault((broadcast, position), now_us) + GRACE_US)

    def note_arrived(self, broadcast: str, position: int) -> None:
        if (broadcast, position) in self._missing:
            with self._lock:
                self._missing.pop((broadcast, position), None)

    def unreadable(self, rendition: Rendition) -> bool:
        """Whether an intact file could not be played: another rendition is wanted then."""
        with self._lock:
            return any(
                failed.sha256 == rendition.sha256 and failed.key == self.key(*where, rendition)
                for where, renditions in self._failed.items()
                for failed in renditions
            )

    def reason(self, broadcast: str, position: int) -> str:
        """Why an item cannot be played, "" when it can."""
        failed = self._failed.get((broadcast, position))
        if failed:
            return failed[-1].why
        return "its audio is not there" if (broadcast, position) in self._missing else ""

    def fault(self, manifests: Iterable[Manifest], now_us: int) -> str:
        """The fault's detail: the first item that cannot be played now or soon, "" when all can."""
        by_id = {manifest.broadcast: manifest for manifest in manifests}
        with self._lock:
            missing = {at for at, since_us in self._missing.items() if now_us >= since_us + GRACE_US}
            places = sorted(missing | self._failed.keys())
        for broadcast, position in places:
            manifest = by_id.get(broadcast)
            if manifest is None or manifest.withdrawn or now_us >= manifest.sounds_until_us:
                continue
            if position < len(manifest.items):
                name = getattr(manifest.items[position], "title", "") or manifest.title or broadcast
                return f"{name}: {self.reason(broadcast, position)}"
        return ""

    def forget(self, broadcasts: Iterable[str]) -> None:
        gone = set(broadcasts)
        with self._lock:
            for positions in (self._failed, self._missing):
                for at in [at for at in positions if at[0] in gone]:
                    del positions[at]

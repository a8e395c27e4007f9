"""Falls: which recordings cannot be played as planned, and from which instant on something else sounds.

Only what was found out is kept here; what follows from it is worked out in `rungs`.
"""

import threading
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from receiver.playout.cues import ClipSpec, Cue
from wire.broadcasts import Manifest, Rendition

#: A recording that is not there gets so long to come before something else sounds. A planned one is looked for four
#: seconds before its instant (the playout's horizon), so its place is never silent; one put on air now is mostly
#: fetched within this, and should not begin with another.
GRACE_US = 4_000_000


class FailedCue(NamedTuple):
    """A cue whose source failed. playable_until_us: controller time up to which it was read before. why: for people."""

    cue: Cue
    playable_until_us: int
    why: str

    @property
    def sha256(self) -> str:
        """Of its file; "" for a cue that plays no file."""
        return self.cue.source.sha256 if isinstance(self.cue.source, ClipSpec) else ""


class Failed(NamedTuple):
    """A rendition that failed in one item. spec, key: as its cue had them, for sounding what was read before."""

    sha256: str
    spec: ClipSpec
    key: str
    until_us: int
    why: str


class Falls:
    """What cannot be played. Callable from any thread: the feeder asks, the agent tells."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: dict[tuple[str, int], list[Failed]] = {}
        self._missing: dict[tuple[str, int], int] = {}  # → controller time at which it was first looked for
        self._thrown_away: Counter[str] = Counter()

    def key(self, broadcast: str, position: int, rendition: Rendition) -> str:
        """The key of the cue that sounds a rendition: another one after its file was fetched anew."""
        times = self._thrown_away.get(rendition.sha256, 0)  # not [], which would count it in
        return f"{broadcast}/{position}{f'/{times}' if times else ''}/{rendition.sha256[:16]}"

    def take(self, found: Iterable[FailedCue], now_us: int) -> bool:
        """Note sources that failed. now_us: controller time. True when one of them is new."""
        news = False
        with self._lock:
            for cue, playable_until_us, why in found:
                if not isinstance(cue.source, ClipSpec):
                    continue
                known = self._failed.setdefault((cue.broadcast, cue.position), [])
                if any(failed.key == cue.key for failed in known):
                    continue
                until_us = max(playable_until_us, now_us)
                known.append(Failed(cue.source.sha256, cue.source, cue.key, until_us, why))
                news = True
        return news

    def thrown_away(self, sha256: str) -> None:
        """Its file was not what it was: the next one of that name is another, and may be played."""
        with self._lock:
            self._thrown_away[sha256] += 1

    def failed(self, broadcast: str, position: int, rendition: Rendition) -> list[Failed]:
        """How a rendition failed in an item, in order."""
        return [f for f in self._failed.get((broadcast, position), []) if f.sha256 == rendition.sha256]

    def missing_from(self, broadcast: str, position: int, starts_at_us: int, now_us: int) -> int:
        """An item is looked for and not there: controller time from which something else sounds."""
        with self._lock:
            return max(starts_at_us, self._missing.setdefault((broadcast, position), now_us) + GRACE_US)

    def found(self, broadcast: str, position: int) -> None:
        """It came after all."""
        if (broadcast, position) in self._missing:
            with self._lock:
                self._missing.pop((broadcast, position), None)

    def unreadable(self, rendition: Rendition) -> bool:
        """Whether a file that is what it should be could not be played somewhere: another rendition is wanted then."""
        with self._lock:
            return any(
                failed.sha256 == rendition.sha256 and failed.key == self.key(*where, rendition)
                for where, known in self._failed.items()
                for failed in known
            )

    def why(self, broadcast: str, position: int) -> str:
        """What is known of an item that cannot be played, "" for nothing."""
        failed = self._failed.get((broadcast, position))
        if failed:
            return failed[-1].why
        return "its audio is not there" if (broadcast, position) in self._missing else ""

    def fault(self, manifests: Iterable[Manifest], now_us: int) -> str:
        """What to say of the first item that cannot be played now or soon; "" when all can."""
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
                return f"{name}: {self.why(broadcast, position)}"
        return ""

    def forget(self, broadcasts: Iterable[str]) -> None:
        """Their manifests have expired."""
        gone = set(broadcasts)
        with self._lock:
            for kept in (self._failed, self._missing):
                for at in [at for at in kept if at[0] in gone]:
                    del kept[at]

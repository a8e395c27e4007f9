"""Live gaps: when a live broadcast whose frames stop coming gives its place on the ladder back, and when it returns.

Both ends are instants of the stream's own time line, so receivers that lost the same frames decide alike.
"""

from collections.abc import Collection, Iterable, Mapping

from receiver.live.live_input import LiveInput
from wire.broadcasts import LiveItem, Manifest

#: Longer than what a mobile network holds back, and short enough that what was interrupted is soon heard again.
LOST_AFTER_US = 3_000_000
#: The end of a gap that is not over.
OPEN_US = 1 << 62


class LiveGaps:
    """For one thread. What `intervals` gives out is replaced, never changed."""

    def __init__(self, live_input: LiveInput) -> None:
        self._live_input = live_input
        #: By broadcast, [from, until) in controller time, in order; the last one may be open.
        self.intervals: Mapping[str, tuple[tuple[int, int], ...]] = {}

    @property
    def lost(self) -> list[str]:
        """The broadcasts that are in a gap."""
        return sorted(broadcast for broadcast, gaps in self.intervals.items() if gaps[-1][1] == OPEN_US)

    def step(self, manifests: Iterable[Manifest], now_us: int) -> bool:
        """Whether a gap began or ended. manifests: those that target this receiver. now_us: controller time."""
        changed = False
        for manifest in manifests:
            if any(isinstance(item, LiveItem) for item in manifest.items):
                changed |= self._step(manifest, now_us)
        return changed

    def forget(self, broadcasts: Collection[str]) -> None:
        self.intervals = {name: gaps for name, gaps in self.intervals.items() if name not in broadcasts}

    def _step(self, manifest: Manifest, now_us: int) -> bool:
        broadcast = manifest.broadcast
        gaps = self.intervals.get(broadcast, ())
        is_open = bool(gaps) and gaps[-1][1] == OPEN_US
        sound = self._live_input.sound_of(broadcast)
        live = [(start, start + item.duration_us) for start, item in _live_items(manifest)]
        item_start_us = next((start for start, end in live if start <= now_us < end), None)
        if manifest.withdrawn or item_start_us is None or now_us >= manifest.sounds_until_us:
            if is_open:
                ended_us = max((end for _, end in live if end <= now_us), default=manifest.sounds_until_us)
                ended_us = min(ended_us, manifest.sounds_until_us)
                gaps = (*gaps[:-1], (gaps[-1][0], max(gaps[-1][0], ended_us)))
                self.intervals = {**self.intervals, broadcast: gaps}
            return is_open
        if is_open:
            returns_us = sound.packet_from_us(now_us) if sound is not None else None
            if returns_us is None:
                return False
            gaps = (*gaps[:-1], (gaps[-1][0], returns_us))
        else:
            covered_us = max(item_start_us, sound.covered_until_us if sound is not None else 0)
            if now_us <= covered_us + LOST_AFTER_US:
                return False
            gaps = (*gaps, (now_us, OPEN_US))
        self.intervals = {**self.intervals, broadcast: gaps}
        return True


def _live_items(manifest: Manifest) -> Iterable[tuple[int, LiveItem]]:
    """Each with the controller time at which it begins."""
    for item in manifest.items:
        if isinstance(item, LiveItem):
            yield manifest.starts_at_us + item.offset_us, item

"""The ladder: which broadcast is playing at an instant, and which sample of which file.

A pure computation over the stored manifests. `wire.precedence` decides between two broadcasts; the other one resumes
afterwards at the place it would have reached. Joining late, resuming and playing without a network are the same
computation.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from receiver.playout.cues import Cue, LiveSound, LiveSpec
from receiver.playout.fallbacks import item_cues, relay_fallback_cues
from receiver.playout.playback_failures import PlaybackFailures
from receiver.timing.commune_zone import zone_of
from wire.allowed_hours import night_volume_percent, shut
from wire.broadcasts import BroadcastClass, LiveItem, Manifest, Rendition, source_of
from wire.commands import Config
from wire.precedence import Precedence, precedence_of

#: Frames leave the card a quarter of a second after they are handed over; their cue must still be found.
_BEGUN_BEFORE_US = 2_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: By broadcast, the intervals [from, until) in which a live broadcast has no audio (`receiver.live.live_gaps`).
Gaps = Mapping[str, Sequence[tuple[int, int]]]


class PlayingInterval(NamedTuple):
    """The broadcast that plays in [from_us, until_us), controller time; None for silence."""

    from_us: int
    until_us: int
    manifest: Manifest | None


def rank_of(manifest: Manifest) -> Precedence:
    """manifest: from `Manifest.for_receiver`. Its shift does not count: all receivers decide alike."""
    announced_us = manifest.starts_at_us - sum(manifest.shifts_us.values())
    source = source_of(manifest.items)
    return precedence_of(manifest.class_, source, manifest.precedence, announced_us, manifest.broadcast)


def playing_intervals(
    manifests: Iterable[Manifest], config: Config | None, from_us: int, until_us: int, gaps: Gaps | None = None
) -> list[PlayingInterval]:
    """What plays in [from_us, until_us), in order, without a hole between two of them.

    manifests: those that target this receiver. gaps: in which a live broadcast does not count, but for a relay where
    nothing else plays: its backup recording does.
    """
    gaps = gaps or {}
    wishes = [
        m
        for m in manifests
        if not m.withdrawn and m.starts_at_us < until_us and m.sounds_until_us > max(from_us, m.starts_at_us)
    ]
    edges = {from_us, until_us}
    for m in wishes:
        ends = [m.starts_at_us, m.sounds_until_us, *(at for gap in gaps.get(m.broadcast, ()) for at in gap)]
        edges |= {at for at in ends if from_us < at < until_us}
    closed = closed_intervals(config, from_us, until_us)
    edges |= {at for interval in closed for at in interval if from_us < at < until_us}
    ordered, intervals = sorted(edges), list[PlayingInterval]()
    for start, end in pairwise(ordered):
        open_now = [m for m in wishes if m.starts_at_us <= start and m.sounds_until_us >= end]
        if any(since <= start < until for since, until in closed):
            open_now = [m for m in open_now if m.class_ is BroadcastClass.EMERGENCY]
        with_audio = [m for m in open_now if not _is_in(start, gaps.get(m.broadcast, ()))]
        winner = max(with_audio or filter(_has_relay, open_now), key=rank_of, default=None)
        if intervals and intervals[-1].manifest is winner:
            intervals[-1] = intervals[-1]._replace(until_us=end)
        else:
            intervals.append(PlayingInterval(start, end, winner))
    return intervals


def closed_intervals(config: Config | None, from_us: int, until_us: int) -> list[tuple[int, int]]:
    """Where within [from_us, until_us), controller time, only an emergency may sound."""
    if config is None or not config.allowed_hours:
        return []
    intervals = shut(config.allowed_hours, config.days_off, zone_of(config), _at(from_us), _at(until_us))
    return [((since - _EPOCH) // _MICROSECOND, (until - _EPOCH) // _MICROSECOND) for since, until in intervals]


class Ladder:
    """The playout's timeline. Immutable; a change of plan, shelf or streams makes a new one."""

    def __init__(
        self,
        manifests: Sequence[Manifest],
        config: Config | None,
        path_of: Callable[[Rendition], Path | None],
        live_of: Callable[[str], LiveSound | None],
        failures: PlaybackFailures | None = None,
        gaps: Gaps | None = None,
    ) -> None:
        """path_of: the path of a file, None while it is missing. live_of: the stream of a broadcast, if any.

        failures: the recordings that cannot be played. gaps: in which live broadcasts have no audio.
        """
        self._manifests = manifests
        self._config = config
        self._path_of = path_of
        self._live_of = live_of
        self._failures = failures or PlaybackFailures()
        self._gaps = gaps or {}

    def cues(self, controller_us: int, horizon_us: int) -> list[Cue]:
        upcoming: list[Cue] = []
        since_us = controller_us - _BEGUN_BEFORE_US
        for interval in self._intervals(since_us, controller_us + horizon_us):
            if interval.manifest is not None:
                cues = self._cues_of(interval, interval.manifest, controller_us)
                upcoming.extend(cue for cue in cues if cue.until_us > controller_us)
        return upcoming

    def next_manifest(self, controller_us: int, within_us: int) -> Manifest | None:
        """The first that plays in [controller_us, controller_us + within_us): the amplifier is switched on for it."""
        intervals = self._intervals(controller_us, controller_us + within_us)
        return next((interval.manifest for interval in intervals if interval.manifest is not None), None)

    def now(self, controller_us: int) -> Manifest | None:
        """The broadcast that is playing at an instant."""
        return self._intervals(controller_us, controller_us + 1)[0].manifest

    def loudest_percent(self, controller_us: int) -> int:
        """The highest volume at an instant: the night level, which does not limit an emergency."""
        config = self._config
        if config is None or not config.night_levels:
            return 100
        now = self.now(controller_us)
        if now is not None and now.class_ is BroadcastClass.EMERGENCY:
            return 100
        return night_volume_percent(config.night_levels, zone_of(config), _at(controller_us))

    def _intervals(self, from_us: int, until_us: int) -> list[PlayingInterval]:
        return playing_intervals(self._manifests, self._config, from_us, until_us, self._gaps)

    def _cues_of(self, interval: PlayingInterval, manifest: Manifest, controller_us: int) -> Iterable[Cue]:
        for position, item in enumerate(manifest.items):
            starts_at_us = manifest.starts_at_us + item.offset_us
            if interval.from_us >= starts_at_us + item.duration_us or interval.until_us <= starts_at_us:
                continue
            if isinstance(item, LiveItem):
                whole = self._live_cues(manifest, position, item, interval)
            else:
                backup = self._config.backup if self._config is not None else None
                whole = item_cues(manifest, position, item, backup, self._path_of, self._failures, controller_us)
            for cue in whole:
                from_us, until_us = max(interval.from_us, cue.sounds_from_us), min(interval.until_us, cue.until_us)
                if from_us < until_us:
                    yield cue._replace(from_us=from_us, until_us=until_us)

    def _live_cues(self, manifest: Manifest, position: int, item: LiveItem, interval: PlayingInterval) -> Iterable[Cue]:
        sound = self._live_of(manifest.broadcast)
        from_us = manifest.starts_at_us + item.offset_us
        until_us = from_us + item.duration_us
        gaps = self._gaps.get(manifest.broadcast, ())
        if sound is not None:
            origin_us = getattr(sound, "starts_at_us", 0) or from_us
            key = f"{manifest.broadcast}/{position}/{id(sound)}"
            for start, end in _outside(gaps, from_us, until_us):
                yield Cue(manifest.broadcast, origin_us, end, LiveSpec(sound), key, start, position)
        if item.relay:
            backup = self._config.backup if self._config is not None else None
            for since_us, end_us in gaps:
                start, end = max(since_us, from_us, interval.from_us), min(end_us, until_us, interval.until_us)
                if start < end:
                    yield from relay_fallback_cues(
                        manifest, position, item, (start, end), backup, self._path_of, self._failures
                    )


def sounding_share(
    manifest: Manifest, others: Iterable[Manifest], config: Config | None, gaps: Gaps | None = None
) -> tuple[int, int]:
    """Of a broadcast: the µs that its items cover until its end or stop, and the µs of these in which it plays."""
    due_us = own_us = 0
    whole = playing_intervals(
        [manifest, *others],
        config,
        manifest.starts_at_us,
        max(manifest.sounds_until_us, manifest.starts_at_us + 1),
        gaps,
    )
    for item in manifest.items:
        start = manifest.starts_at_us + item.offset_us
        end = min(start + item.duration_us, manifest.sounds_until_us)
        due_us += max(0, end - start)
        for interval in whole:
            if interval.manifest is not None and interval.manifest.broadcast == manifest.broadcast:
                own_us += max(0, min(end, interval.until_us) - max(start, interval.from_us))
    return due_us, own_us


def _is_in(at_us: int, intervals: Iterable[tuple[int, int]]) -> bool:
    return any(since <= at_us < until for since, until in intervals)


def _outside(intervals: Sequence[tuple[int, int]], from_us: int, until_us: int) -> Iterable[tuple[int, int]]:
    """What of [from_us, until_us) is in none of the intervals, which are in order."""
    for since, until in intervals:
        if from_us < min(since, until_us):
            yield from_us, min(since, until_us)
        from_us = max(from_us, until)
    if from_us < until_us:
        yield from_us, until_us


def _has_relay(manifest: Manifest) -> bool:
    return any(isinstance(item, LiveItem) and item.relay for item in manifest.items)


def _at(controller_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=controller_us)

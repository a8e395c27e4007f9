"""A relay whose frames stop: the stored recording plays in step everywhere, and the stream returns on its time line."""

from pathlib import Path

from receiver.live.live_gaps import LOST_AFTER_US, LiveGaps
from receiver.live.live_input import LiveInput
from receiver.playout.cues import ClipSpec, Cue, LiveSpec, Samples
from receiver.playout.ladder import Ladder
from tests.receiver.plans import SECOND_US as SECOND
from tests.receiver.plans import config, manifest
from wire.broadcasts import ClipItem, Item, LiveItem, Rendition
from wire.reports import Fallback

HELD = Rendition(sha256="a" * 64, bytes=10, codec="opus", path="a.opus")
OTHER = Rendition(sha256="b" * 64, bytes=10, codec="opus", path="b.opus")
NEWS = Rendition(sha256="c" * 64, bytes=10, codec="opus", path="c.opus")
AT_US = 1_000 * SECOND


def clip(rendition: Rendition, length_us: int = 10 * SECOND, offset_us: int = 0) -> ClipItem:
    return ClipItem(offset_us=offset_us, duration_us=length_us, clip="x", renditions=[rendition])


def relay(backup: Rendition | None = HELD, offset_us: int = 0, length_us: int = 60 * SECOND) -> LiveItem:
    item = clip(backup) if backup is not None else None
    return LiveItem(offset_us=offset_us, duration_us=length_us, buffer_us=0, relay="1", backup=item)


class Stream:
    def read(self, first: int, frames: int) -> Samples:
        raise NotImplementedError


STREAM = Stream()


def cues(items: list[Item], gaps: list[tuple[int, int]], held: set[Rendition], at_us: int) -> list[Cue]:
    broadcast = manifest("relay", items=items, starts_at_us=AT_US, ends_at_us=AT_US + 90 * SECOND)
    own = config(backup=clip(OTHER))
    ladder = Ladder(
        [broadcast],
        own,
        lambda r: Path(r.path) if r in held else None,
        lambda _: STREAM,
        gaps={"relay": gaps} if gaps else {},
    )
    return ladder.cues(at_us, 30 * SECOND)


def test_the_items_own_recording_plays_over_and_over_on_the_items_grid() -> None:
    gap = (AT_US + 23 * SECOND, 1 << 62)
    playing = cues([relay()], [gap], {HELD, OTHER}, AT_US + 24 * SECOND)
    stored = [cue for cue in playing if isinstance(cue.source, ClipSpec)]
    assert {cue.source.sha256 for cue in stored if isinstance(cue.source, ClipSpec)} == {HELD.sha256}
    assert [cue.starts_at_us for cue in stored] == [AT_US + n * 10 * SECOND for n in (2, 3, 4, 5)]
    assert stored[0].sounds_from_us == gap[0]
    assert stored[-1].until_us <= AT_US + 60 * SECOND
    assert all(cue.fallback == Fallback.BACKUP.value for cue in stored)
    # A receiver that noticed it two seconds later plays the same sample.
    later = cues([relay()], [(gap[0] + 2 * SECOND, 1 << 62)], {HELD}, AT_US + 26 * SECOND)
    assert next(cue.starts_at_us for cue in later if isinstance(cue.source, ClipSpec)) == stored[0].starts_at_us


def test_without_its_own_recording_the_communes_plays_and_before_and_after_the_gap_the_stream() -> None:
    gap = (AT_US + 10 * SECOND, AT_US + 14 * SECOND)
    playing = cues([relay(backup=None)], [gap], {OTHER}, AT_US + 9 * SECOND)
    sources = [type(cue.source) for cue in sorted(playing, key=lambda cue: cue.sounds_from_us)]
    assert sources == [LiveSpec, ClipSpec, LiveSpec]
    assert max(cue.until_us for cue in playing if isinstance(cue.source, ClipSpec)) == gap[1]


def test_a_microphone_that_is_lost_stays_silent() -> None:
    spoken = LiveItem(offset_us=0, duration_us=60 * SECOND, buffer_us=0)
    assert cues([spoken], [(AT_US, 1 << 62)], {HELD, OTHER}, AT_US + 5 * SECOND) == []


def test_the_bulletin_before_a_relay_is_no_gap() -> None:
    gaps = LiveGaps(LiveInput({}, lambda: None))
    items: list[Item] = [clip(NEWS, 20 * SECOND), relay(offset_us=20 * SECOND, length_us=30 * SECOND)]
    broadcast = manifest("relay", items=items, starts_at_us=AT_US, ends_at_us=AT_US + 50 * SECOND)
    assert not gaps.step([broadcast], AT_US + 19 * SECOND)
    assert not gaps.step([broadcast], AT_US + 20 * SECOND + LOST_AFTER_US)
    assert gaps.step([broadcast], AT_US + 20 * SECOND + LOST_AFTER_US + 1)
    assert gaps.lost == ["relay"]
    assert gaps.step([broadcast], AT_US + 50 * SECOND + 1)
    assert gaps.intervals["relay"][-1][1] == AT_US + 50 * SECOND

"""Fallbacks: what plays instead of a recording that cannot be played, so that there is neither silence nor noise.

The other rendition from the same position; else the backup recording, once; else a chime. A fallback ends with its
item: the next item starts on time.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from receiver.playout.cues import RATE, ChimeSpec, ClipSpec, Cue
from receiver.playout.playback_failures import PlaybackFailures
from receiver.playout.sources import CHIME_FRAMES
from wire.broadcasts import ClipItem, LiveItem, Manifest, Rendition
from wire.reports import Fallback

CHIME_US = CHIME_FRAMES * 1_000_000 // RATE


def item_cues(
    manifest: Manifest,
    position: int,
    item: ClipItem,
    backup: ClipItem | None,
    path_of: Callable[[Rendition], Path | None],
    failures: PlaybackFailures,
    now_us: int,
) -> Iterator[Cue]:
    """The cues of an item's whole time, in order, not overlapping. now_us: controller time of the request."""
    broadcast, starts_at_us = manifest.broadcast, manifest.starts_at_us + item.offset_us
    until_us, at_us, failed_before = starts_at_us + item.duration_us, starts_at_us, False
    for rendition in item.renditions:
        key, unreadable = failures.key(broadcast, position, rendition), False
        for failed in failures.failed(broadcast, position, rendition):
            if at_us < failed.until_us:
                # What was read before the failure is still played, from memory.
                end_us = min(failed.until_us, until_us)
                yield Cue(broadcast, starts_at_us, end_us, failed.spec, failed.key, at_us, position)
                at_us = failed.until_us
            failed_before, unreadable = True, failed.key == key
        path = None if unreadable else path_of(rendition)
        if path is not None:
            failures.note_arrived(broadcast, position)
            if at_us < until_us:
                spec = ClipSpec(path, rendition.sha256, rendition.codec)
                yield Cue(broadcast, starts_at_us, until_us, spec, key, at_us, position)
            return
    if not failed_before:
        at_us = failures.fallback_from_us(broadcast, position, starts_at_us, now_us)
    if at_us < until_us:
        yield _fallback_cue(manifest, position, at_us, until_us, backup, path_of, failures)


def relay_fallback_cues(
    manifest: Manifest,
    position: int,
    item: LiveItem,
    between_us: tuple[int, int],
    backup: ClipItem | None,
    path_of: Callable[[Rendition], Path | None],
    failures: PlaybackFailures,
) -> Iterator[Cue]:
    """What plays for a relay while no frames come: its backup recording or the config's, over and over; else a chime.

    between_us: the interval to cover, controller time. A repetition begins at a whole multiple of the recording's
    length from the item's start, so that receivers that noticed the loss at different instants play the same sample.
    """
    broadcast, starts_at_us = manifest.broadcast, manifest.starts_at_us + item.offset_us
    name, (from_us, until_us) = f"{broadcast}/{position}", between_us
    for recording in (item.backup, backup):
        for rendition in recording.renditions if recording is not None else ():
            path = path_of(rendition)
            if path is None or recording is None or failures.failed(broadcast, position, rendition):
                continue
            spec, length_us = ClipSpec(path, rendition.sha256, rendition.codec), max(recording.duration_us, 1_000_000)
            for n in range((from_us - starts_at_us) // length_us, -(-(until_us - starts_at_us) // length_us)):
                begins_us = starts_at_us + n * length_us
                key, end_us = f"{name}/backup/{rendition.sha256[:16]}/{n}", min(until_us, begins_us + length_us)
                start_us = max(from_us, begins_us)
                yield Cue(broadcast, begins_us, end_us, spec, key, start_us, position, 1.0, Fallback.BACKUP.value)
            return
    end_us = min(until_us, from_us + CHIME_US)
    yield Cue(broadcast, from_us, end_us, ChimeSpec(), f"{name}/chime", 0, position, 1.0, Fallback.CHIME.value)


def _fallback_cue(
    manifest: Manifest,
    position: int,
    from_us: int,
    until_us: int,
    backup: ClipItem | None,
    path_of: Callable[[Rendition], Path | None],
    failures: PlaybackFailures,
) -> Cue:
    name = f"{manifest.broadcast}/{position}"
    for rendition in backup.renditions if backup is not None else ():
        path = path_of(rendition)
        if path is not None and not failures.failed(manifest.broadcast, position, rendition):
            end_us = min(until_us, from_us + (backup.duration_us if backup is not None else 0))
            source, key = ClipSpec(path, rendition.sha256, rendition.codec), f"{name}/backup/{rendition.sha256[:16]}"
            return Cue(manifest.broadcast, from_us, end_us, source, key, 0, position, 1.0, Fallback.BACKUP.value)
    end_us = min(until_us, from_us + CHIME_US)
    return Cue(
        manifest.broadcast, from_us, end_us, ChimeSpec(), f"{name}/chime", 0, position, 1.0, Fallback.CHIME.value
    )

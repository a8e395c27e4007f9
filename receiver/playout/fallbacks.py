"""Rungs: what sounds in the place of a recording that cannot be played: never dead silence, never a burst of noise.

Its other rendition from the same place on; then the backup recording, once; where there is none, a chime. Only the
item's own time is filled, and what comes after it begins at its instant.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from receiver.playout.cues import RATE, ChimeSpec, ClipSpec, Cue
from receiver.playout.playback_failures import Falls
from receiver.playout.sources import CHIME_FRAMES
from wire.broadcasts import ClipItem, Manifest, Rendition
from wire.reports import Rung

CHIME_US = CHIME_FRAMES * 1_000_000 // RATE


def item_cues(
    manifest: Manifest,
    position: int,
    item: ClipItem,
    backup: ClipItem | None,
    path_of: Callable[[Rendition], Path | None],
    falls: Falls,
    now_us: int,
) -> Iterator[Cue]:
    """What sounds over an item's whole time, in order, none overlapping. now_us: controller time that is asked for."""
    broadcast, starts_at_us = manifest.broadcast, manifest.starts_at_us + item.offset_us
    until_us, at_us, failed_before = starts_at_us + item.duration_us, starts_at_us, False
    for rendition in item.renditions:
        key, unreadable = falls.key(broadcast, position, rendition), False
        for failed in falls.failed(broadcast, position, rendition):
            if at_us < failed.until_us:
                # What was read before it failed still sounds, from memory.
                end_us = min(failed.until_us, until_us)
                yield Cue(broadcast, starts_at_us, end_us, failed.spec, failed.key, at_us, position)
                at_us = failed.until_us
            failed_before, unreadable = True, failed.key == key
        path = None if unreadable else path_of(rendition)
        if path is not None:
            falls.found(broadcast, position)
            if at_us < until_us:
                spec = ClipSpec(path, rendition.sha256, rendition.codec)
                yield Cue(broadcast, starts_at_us, until_us, spec, key, at_us, position)
            return
    if not failed_before:
        at_us = falls.missing_from(broadcast, position, starts_at_us, now_us)
    if at_us < until_us:
        yield _stand_in(manifest, position, at_us, until_us, backup, path_of, falls)


def _stand_in(
    manifest: Manifest,
    position: int,
    from_us: int,
    until_us: int,
    backup: ClipItem | None,
    path_of: Callable[[Rendition], Path | None],
    falls: Falls,
) -> Cue:
    name = f"{manifest.broadcast}/{position}"
    for rendition in backup.renditions if backup is not None else ():
        path = path_of(rendition)
        if path is not None and not falls.failed(manifest.broadcast, position, rendition):
            end_us = min(until_us, from_us + (backup.duration_us if backup is not None else 0))
            source, key = ClipSpec(path, rendition.sha256, rendition.codec), f"{name}/backup/{rendition.sha256[:16]}"
            return Cue(manifest.broadcast, from_us, end_us, source, key, 0, position, 1.0, Rung.BACKUP.value)
    end_us = min(until_us, from_us + CHIME_US)
    return Cue(manifest.broadcast, from_us, end_us, ChimeSpec(), f"{name}/chime", 0, position, 1.0, Rung.CHIME.value)

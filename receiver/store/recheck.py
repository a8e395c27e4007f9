"""Files that rot: what cannot be played is looked at again, and fetched anew when its hash is not what it was."""

import logging
from collections.abc import Iterable, Iterator

from receiver.playout.playback_failures import Falls
from receiver.store.plan import Plan
from receiver.store.shelf import Shelf
from wire.broadcasts import ClipItem, Rendition

log = logging.getLogger(__name__)


def look_again(keys: Iterable[str], plan: Plan, shelf: Shelf, falls: Falls) -> None:
    """Check the files of the cues that failed (by their keys); those that are not what they were are fetched anew."""
    failed = set(keys)
    for rendition in _renditions(plan):
        path = shelf.path_of(rendition)
        if path is not None and any(key.endswith(rendition.sha256[:16]) for key in failed):
            log.warning("%s cannot be played", path.name)
            if shelf.distrust(path):
                falls.thrown_away(rendition.sha256)


def _renditions(plan: Plan) -> Iterator[Rendition]:
    backup = plan.config.backup if plan.config is not None else None
    for item in [*(item for manifest in plan.for_us() for item in manifest.items), backup]:
        if isinstance(item, ClipItem):
            yield from item.renditions

"""Re-verify files that failed to play; refetch those whose checksum no longer matches."""

import logging
from collections.abc import Collection, Iterator

from receiver.playout.playback_failures import PlaybackFailures
from receiver.store.plan import Plan
from receiver.store.shelf import Shelf
from wire.broadcasts import LiveItem, Rendition

log = logging.getLogger(__name__)


def recheck_files(sha256s: Collection[str], plan: Plan, shelf: Shelf, failures: PlaybackFailures) -> None:
    """sha256s: of the files that failed to play."""
    for rendition in _renditions(plan):
        path = shelf.path_of(rendition)
        if path is not None and rendition.sha256 in sha256s:
            log.warning("%s cannot be played", path.name)
            if shelf.recheck(path):
                failures.note_replaced(rendition.sha256)


def _renditions(plan: Plan) -> Iterator[Rendition]:
    backup = plan.config.backup if plan.config is not None else None
    for item in [*(item for manifest in plan.for_us() for item in manifest.items), backup]:
        recording = item.backup if isinstance(item, LiveItem) else item
        if recording is not None:
            yield from recording.renditions

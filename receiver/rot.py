"""Files that rot: what cannot be played is looked at again, and fetched anew when its hash is not what it was."""

import logging
from collections.abc import Iterable, Mapping

from receiver.shelf import Shelf
from wire.broadcasts import ClipItem, Manifest

log = logging.getLogger(__name__)


def look_again(failures: Mapping[str, str], manifests: Iterable[Manifest], shelf: Shelf) -> bool:
    """Check the files of the cues that failed (by the cue's key: why). True when any was looked at."""
    looked = False
    for manifest in manifests:
        for item in manifest.items:
            for rendition in item.renditions if isinstance(item, ClipItem) else ():
                path = shelf.path_of(rendition)
                if path is not None and any(key.endswith(rendition.sha256[:16]) for key in failures):
                    log.warning("%s cannot be played", path.name)
                    shelf.distrust(path)
                    looked = True
    return looked

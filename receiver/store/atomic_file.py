"""Atomic file replacement: written to a temporary file, synced, renamed."""

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file. After a power cut it holds the old content or the new, never a part. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def keep_whole(path: Path, content: bytes) -> bool:
    """As `write_whole`, for what is only written to outlive a restart: False when the disk does not take it.

    A disk that is full or worn out must not silence a receiver that knows what to play.
    """
    try:
        write_whole(path, content)
    except OSError as error:
        log.error("%s could not be kept: %s", path.name, error)
        path.with_name(path.name + ".new").unlink(missing_ok=True)
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

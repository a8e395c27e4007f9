"""Files that are whole or not there: written beside, made safe, and moved into place in one step."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file. After a power cut it holds the old content or the new, never a part. Raises OSError."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make renames and removals in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

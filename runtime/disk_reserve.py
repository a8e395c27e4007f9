"""A file that keeps some space on the disk for an emergency: deleted when the disk is full, written when there is room.

Everything that is broadcast is first written to the database. On a full disk that fails, an emergency included.
"""

import logging
import os
import shutil
from pathlib import Path

log = logging.getLogger(__name__)

RESERVE_BYTES = 16_000_000
#: The reserve is written again above this much free space, so that it does not fill the disk itself.
ROOM_BYTES = 200_000_000
#: Reported on the first page below this: some 40 hours of recordings, days of work of a commune.
LOW_BYTES = 2_000_000_000
_BLOCK = bytes(1 << 20)


def low_space_mb(folder: Path) -> int | None:
    """MB free on the disk of this folder; None while there is enough."""
    free_bytes = shutil.disk_usage(folder).free
    return None if free_bytes >= LOW_BYTES else free_bytes // 1_000_000


class DiskReserve:
    """folder: on the database's disk."""

    def __init__(self, folder: Path, bytes_: int = RESERVE_BYTES, room_bytes: int = ROOM_BYTES) -> None:
        self._path, self._bytes, self._room_bytes = folder / "reserve", bytes_, room_bytes

    def keep(self) -> bool:
        """Write the reserve where it is missing and there is room. Returns whether it is there."""
        if self._path.exists():
            return True
        if shutil.disk_usage(self._path.parent).free < self._bytes + self._room_bytes:
            return False
        try:
            with self._path.open("wb") as file:
                for _ in range(-(-self._bytes // len(_BLOCK))):
                    file.write(_BLOCK)  # written, not truncated to size: a sparse file holds no space
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        return True

    def release(self) -> bool:
        """Give the space to the next write. Returns whether there was a reserve."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        log.error("the disk is full; the reserve of %d MB is released", self._bytes // 1_000_000)
        return True

"""Audio on disk, by its hash. What is there is whole: files come by one rename after their bytes are safe."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from runtime.refusal import N_, NotFound, Refusal

#: Kept free beside an upload, for its renditions, the database and the system: 200 MB.
SPARE_BYTES = 200_000_000
_BLOCK = 1 << 20


class Stored(NamedTuple):
    """A file of the store. sha256: hex. path: below a media base, "/"-separated."""

    sha256: str
    bytes: int
    path: str


class Media:
    """Content-addressed files below `folder`: media/<first two of sha256>/<sha256>.<extension>."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)

    def incoming(self, suffix: str = "") -> Path:
        """A fresh empty file on the same file system, for writing before it is adopted."""
        handle, name = tempfile.mkstemp(suffix=suffix, dir=self._incoming)
        os.close(handle)
        return Path(name)

    def adopt(self, path: Path, extension: str) -> Stored:
        """Take a finished file into the store; it is moved. The same bytes twice are one file."""
        sha256, size = hash_of(path)
        kept = self._place(sha256, extension)
        if kept.exists():
            path.unlink()
        else:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.chmod(0o644)
            path.replace(kept)
            _sync_folder(kept.parent)
        return Stored(sha256, size, f"{sha256}.{extension}")

    def path_of(self, sha256: str, extension: str) -> Path:
        """Where a file is. Raises NotFound."""
        path = self._place(sha256, extension)
        if not path.is_file():
            raise NotFound(N_("This audio is no longer available."))
        return path

    def has(self, sha256: str, extension: str) -> bool:
        """Whether a file is there."""
        return self._place(sha256, extension).is_file()

    def remove(self, sha256: str, extension: str) -> None:
        """Delete a file; nothing happens when it is not there."""
        self._place(sha256, extension).unlink(missing_ok=True)

    def check_room(self, bytes_: int) -> None:
        """Refuse what would fill the disk."""
        free = shutil.disk_usage(self.folder).free
        if free < bytes_ + SPARE_BYTES:
            raise disk_full(free)

    def sweep(self, keep: Iterable[Path] = ()) -> int:
        """Delete what was left half-written, but `keep`. Gives how many files went."""
        kept, gone = set(keep), 0
        for path in self._incoming.iterdir():
            if path not in kept:
                with suppress(OSError):
                    path.unlink()
                    gone += 1
        return gone

    def _place(self, sha256: str, extension: str) -> Path:
        return self.folder / sha256[:2] / f"{sha256}.{extension}"


def hash_of(path: Path) -> tuple[str, int]:
    """The sha256 (hex) and the size of a file, read in blocks."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def disk_full(free_bytes: int) -> Refusal:
    """What is said when there is no room."""
    return Refusal(
        N_("The controller's disk is full ({free_mb} MB free). Delete recordings, or ask your technician."),
        free_mb=free_bytes // 1_000_000,
    )


def is_disk_full(error: OSError) -> bool:
    """Whether an error of the system means that there is no room."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Audio files stored by their SHA-256. Every stored file is complete: it is renamed into place after an fsync."""

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

#: Kept free in addition to an upload: renditions, database and system need it.
SPARE_BYTES = 200_000_000
_BLOCK = 1 << 20


class Stored(NamedTuple):
    """A stored file. sha256: hex. path: relative to a media base URL."""

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
        """A new empty file on the same file system, to be written and then adopted."""
        handle, name = tempfile.mkstemp(suffix=suffix, dir=self._incoming)
        os.close(handle)
        return Path(name)

    def adopt(self, path: Path, extension: str) -> Stored:
        """Move a finished file into the store. The same bytes twice are stored once."""
        sha256, size = hash_of(path)
        target = self._place(sha256, extension)
        if target.exists():
            path.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.chmod(0o644)
            path.replace(target)
            _sync_folder(target.parent)
        return Stored(sha256, size, f"{sha256}.{extension}")

    def path_of(self, sha256: str, extension: str) -> Path:
        """Raises NotFound when the store lacks the file."""
        path = self._place(sha256, extension)
        if not path.is_file():
            raise NotFound(N_("This audio is no longer available."))
        return path

    def has(self, sha256: str, extension: str) -> bool:
        return self._place(sha256, extension).is_file()

    def remove(self, sha256: str, extension: str) -> None:
        """Delete a file; does nothing when it does not exist."""
        self._place(sha256, extension).unlink(missing_ok=True)

    def check_room(self, bytes_: int) -> None:
        """Raises Refusal when these bytes would fill the disk."""
        free = free_bytes(self.folder)
        if free < bytes_ + SPARE_BYTES:
            raise disk_full(free)

    def sweep(self, keep: Iterable[Path] = ()) -> int:
        """Delete unfinished incoming files except `keep`. Returns how many were deleted."""
        names, deleted = set(keep), 0
        for path in self._incoming.iterdir():
            if path not in names:
                with suppress(OSError):
                    path.unlink()
                    deleted += 1
        return deleted

    def _place(self, sha256: str, extension: str) -> Path:
        return self.folder / sha256[:2] / f"{sha256}.{extension}"


def hash_of(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size of a file, read in blocks."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return digest.hexdigest(), size


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def disk_full(free: int) -> Refusal:
    return Refusal(
        N_("The controller's disk is full ({free_mb} MB free). Delete recordings, or ask your technician."),
        free_mb=free // 1_000_000,
    )


def is_disk_full(error: OSError) -> bool:
    """Whether the system reports that there is no space."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

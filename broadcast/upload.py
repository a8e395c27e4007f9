"""One upload being written to disk."""

from pathlib import Path
from typing import IO, Protocol

from broadcast.media import disk_full, is_disk_full
from runtime.refusal import N_, Refusal


class UploadReceiver(Protocol):
    """The part of the ingest that an upload reports to."""

    def received(self, job_id: str, size: int, *, queued: bool = True) -> None:
        """All bytes are on disk."""

    def refuse(self, job_id: str, refusal: Refusal) -> None:
        """Record why there is no clip."""

    def too_large(self) -> Refusal:
        """The refusal for a file above the limit."""


class Upload:
    """One upload: write blocks, then `finish` or `abandon`. Used by one thread at a time."""

    def __init__(self, ingest: UploadReceiver, job_id: str, path: Path, most_bytes: int) -> None:
        self.job_id = job_id
        self.received = 0
        self._ingest = ingest
        self._path = path
        self._most_bytes = most_bytes
        self._file: IO[bytes] = path.open("wb")

    def write(self, block: bytes) -> None:
        """Write the next bytes. Raises Refusal when too many or the disk is full; the file is then deleted."""
        self.received += len(block)
        try:
            if self.received > self._most_bytes:
                raise self._ingest.too_large()
            self._file.write(block)
        except OSError as error:
            self._fail(disk_full(0) if is_disk_full(error) else cannot_write(error))
        except Refusal as refusal:
            self._fail(refusal)

    def finish(self, *, queued: bool = True) -> None:
        """All bytes arrived. queued: processed by the ingest's thread; otherwise the caller calls `Ingest.work_one`."""
        try:
            self._file.flush()
            self._file.close()
        except OSError as error:
            self._fail(disk_full(0) if is_disk_full(error) else cannot_write(error))
        self._ingest.received(self.job_id, self.received, queued=queued)

    def abandon(self) -> None:
        """The sender disconnected: delete the file and record it."""
        try:
            self._fail(Refusal(N_("The upload was interrupted. Check the connection and choose the file again.")))
        except Refusal:
            return

    def _fail(self, refusal: Refusal) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)
        self._ingest.refuse(self.job_id, refusal)
        raise refusal


def cannot_write(error: OSError) -> Refusal:
    """The refusal for a write error other than a full disk."""
    return Refusal(N_("The file could not be kept ({why}). Ask your technician."), why=error.strerror or str(error))

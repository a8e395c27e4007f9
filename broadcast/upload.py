"""One upload on its way to disk."""

from pathlib import Path
from typing import IO, Protocol

from broadcast.media import disk_full, is_disk_full
from runtime.refusal import N_, Refusal


class UploadReceiver(Protocol):
    """Who an upload tells how it ended: the ingest."""

    def received(self, job_id: str, size: int, *, queued: bool = True) -> None:
        """All bytes are on disk."""
        ...

    def refuse(self, job_id: str, refusal: Refusal) -> None:
        """Nothing came of it, and why."""
        ...

    def too_large(self) -> Refusal:
        """What is said of a file beyond the limit."""
        ...


class Upload:
    """One upload being received: write blocks, then `finish` or `abandon`. One thread at a time."""

    def __init__(self, ingest: UploadReceiver, job_id: str, path: Path, most_bytes: int) -> None:
        self.job_id = job_id
        self.received = 0
        self._ingest = ingest
        self._path = path
        self._most_bytes = most_bytes
        self._file: IO[bytes] = path.open("wb")

    def write(self, block: bytes) -> None:
        """Take the next bytes. Raises Refusal when there are too many, or the disk is full; then nothing is left."""
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
        """All bytes came: the job goes on to be worked, by the ingest's own thread or (queued false) the caller's."""
        try:
            self._file.flush()
            self._file.close()
        except OSError as error:
            self._fail(disk_full(0) if is_disk_full(error) else cannot_write(error))
        self._ingest.received(self.job_id, self.received, queued=queued)

    def abandon(self) -> None:
        """The sender went away in the middle: nothing is left but the word that it did."""
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
    """What is said when the disk refuses for another reason than room."""
    return Refusal(N_("The file could not be kept ({why}). Ask your technician."), why=error.strerror or str(error))

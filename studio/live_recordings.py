"""Live recordings: what was spoken live, written while it is spoken, and brought into the library when it is over.

They are FLAC: without loss, and what was written is decodable when the process is killed (the header then lacks the
length). Home of soundfile on the controller.

A file for each broadcast, named for it, grows in the folder `live` of the originals, locked by the process that writes
it: this one, or `loa live`. Whatever ends the broadcast (its speaker, a power cut, a killed process), `step` finds the
file and hands it to the ingest.
"""

import fcntl
import logging
import os
from pathlib import Path
from typing import IO

import soundfile

from broadcast.broadcasts import Broadcast, BroadcastState, state
from broadcast.ingest import Ingest
from runtime.clock import Clock
from usecases.actors import CONTROLLER
from usecases.broadcasts import stop
from usecases.clips import keep_live_recording
from usecases.services import Services
from wire.live import RATE

log = logging.getLogger(__name__)

SUFFIX = ".flac"
#: The cause of the stop of a broadcast whose controller was restarted.
RESTARTED = "controller_restarted"
#: Handed to the system at least so often: 0.3 s is what a killed process may lose, with the block that is being filled.
_FLUSH_BYTES = RATE * 2 // 5
#: A shorter file holds no sound beyond the header.
_LEAST_BYTES = 512
#: Of a full disk soundfile says nothing but that fewer samples were written.
_FAILURES = (OSError, soundfile.SoundFileError, AssertionError)


def live_folder(originals: Path) -> Path:
    """Where recordings grow; on the same disk as the library, so that one is moved, not copied."""
    folder = originals / "live"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class LiveRecording:
    """One file being written. A failed disk ends the recording, not the broadcast."""

    def __init__(self, folder: Path, broadcast_id: str) -> None:
        self.failed = False
        self._path = folder / f"{broadcast_id}{SUFFIX}"
        self._unflushed = 0
        self._raw: IO[bytes] | None = None  # holds the lock
        self._file: soundfile.SoundFile | None = None
        try:
            self._raw = self._path.open("xb", buffering=0)
            fcntl.flock(self._raw, fcntl.LOCK_EX)
            if os.geteuid() == 0:  # `loa live` of the administrator: the controller must be able to take it
                owner = folder.stat()
                os.fchown(self._raw.fileno(), owner.st_uid, owner.st_gid)
            self._file = soundfile.SoundFile(
                self._raw.fileno(), "w", samplerate=RATE, channels=1, format="FLAC", subtype="PCM_16", closefd=False
            )
        except _FAILURES:
            self._fail()

    def write(self, pcm: bytes) -> None:
        """pcm: mono 48 kHz S16_LE."""
        if self._file is None:
            return
        try:
            self._file.buffer_write(pcm, "int16")
            self._unflushed += len(pcm)
            if self._unflushed >= _FLUSH_BYTES:
                self._file.flush()
                self._unflushed = 0
        except _FAILURES:
            self._fail()

    def close(self) -> None:
        # In this order: the encoder writes the length when it is closed.
        file, self._file, raw, self._raw = self._file, None, self._raw, None
        try:
            if file is not None:
                file.close()
            if raw is not None:
                raw.close()
        except _FAILURES:
            log.exception("live recording %s: not closed", self._path.name)
            self.failed = True

    def _fail(self) -> None:
        log.exception("live recording %s: cannot be written", self._path.name)
        self.failed = True
        self.close()


class LiveRecordings:
    """Hands finished recordings to the ingest."""

    def __init__(self, services: Services, ingest: Ingest, folder: Path) -> None:
        self._services, self._ingest, self._folder = services, ingest, folder

    def recover(self) -> None:
        """At the start, before the ingest's: broadcasts that this controller was sending are over.

        One of `loa live` that goes on is left alone.
        """
        for broadcast in self._found().values():
            if broadcast is not None and self._is_running(broadcast):
                stop(self._services, CONTROLLER, broadcast.commune_id, broadcast.id, cause=RESTARTED)
        self.step()

    def step(self) -> None:
        """Bring those into the library whose broadcast is over."""
        for path, broadcast in self._found().items():
            if broadcast is None:
                log.warning("live recording %s: no such broadcast", path.name)
                path.rename(path.with_suffix(".unknown"))
            elif not self._is_running(broadcast):
                if path.stat().st_size >= _LEAST_BYTES:
                    keep_live_recording(self._services, self._ingest, broadcast, path)
                else:
                    path.unlink()

    def _found(self) -> dict[Path, Broadcast | None]:
        paths = [path for path in sorted(self._folder.glob(f"*{SUFFIX}")) if not _is_being_written(path)]
        if not paths:
            return {}
        with self._services.database.session() as session:
            return {path: session.get(Broadcast, path.stem) for path in paths}

    def _is_running(self, broadcast: Broadcast) -> bool:
        now = self._clock.now()
        return state(broadcast, now) in (BroadcastState.PLANNED, BroadcastState.ANNOUNCED, BroadcastState.ON_AIR)

    @property
    def _clock(self) -> Clock:
        return self._services.clock


def _is_being_written(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False

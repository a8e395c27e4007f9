"""Backups that are made from the pages: one at a time, in a thread, the newest kept in the data folder for download.

A newer one takes the place of the older only when it is complete.
"""

import logging
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runtime.clock import Clock
from runtime.database import Database
from runtime.refusal import N_, Refusal
from transfer.age_file import SHORTEST_PASSPHRASE
from transfer.backup import back_up

log = logging.getLogger(__name__)

FOLDER = "backups"
_NAME = re.compile(r"loa-(\d{8}-\d{6})\.backup")
_STAMP = "%Y%m%d-%H%M%S"


@dataclass(frozen=True)
class KeptBackup:
    """made_at: the instant of its tables."""

    path: Path
    made_at: datetime
    bytes: int


@dataclass(frozen=True)
class BackupStatus:
    """done, of: bytes of audio so far and in all; of is 0 while that is not known. refusal: why the last one failed.

    missing, damaged: how many audio files of this installation the last one lacks or has as they are.
    """

    running: bool = False
    done: int = 0
    of: int = 0
    refusal: Refusal | None = None
    missing: int = 0
    damaged: int = 0


class _Closing(Exception):
    pass


class BackupRuns:
    """Safe from any thread."""

    def __init__(self, database: Database, data_dir: Path, clock: Clock) -> None:
        self._database, self._data_dir, self._clock = database, data_dir, clock
        self._lock = threading.Lock()
        self._status = BackupStatus()
        self._thread: threading.Thread | None = None
        self._closing = False

    @property
    def status(self) -> BackupStatus:
        with self._lock:
            return self._status

    def newest(self) -> KeptBackup | None:
        kept = [(match[1], path) for path in self._files() if (match := _NAME.fullmatch(path.name))]
        if not kept:
            return None
        stamp, path = max(kept)
        return KeptBackup(path, datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC), path.stat().st_size)

    def start(self, passphrase: str) -> None:
        """Raises Refusal for a short passphrase, or while one is being made."""
        if len(passphrase) < SHORTEST_PASSPHRASE:
            raise Refusal(N_("The passphrase needs at least {least} characters."), least=SHORTEST_PASSPHRASE).at(
                "passphrase"
            )
        with self._lock:
            if self._status.running:
                raise Refusal(N_("A backup is being made already. Wait until it is complete."))
            self._status = BackupStatus(running=True)
        self._thread = threading.Thread(target=self._run, args=(passphrase,), name="backup", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Until the one that is being made is complete or has failed."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def close(self) -> None:
        """Give up the one that is being made; nothing of it stays."""
        self._closing = True
        self.wait(10)

    def _run(self, passphrase: str) -> None:
        now, folder = self._clock.now(), self._data_dir / FOLDER
        target = folder / f"loa-{now.astimezone(UTC).strftime(_STAMP)}.backup"
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            made = back_up(
                self._database, self._data_dir, target, now=now, passphrase=passphrase, progress=self._progress
            )
        except Refusal as refusal:
            self._end(BackupStatus(refusal=refusal))
        except _Closing:
            self._end(BackupStatus())
        except Exception:
            log.exception("the backup failed")
            self._end(BackupStatus(refusal=Refusal(N_("The backup failed. Try again; if it persists, see the log."))))
        else:
            for path in self._files():
                if path != target:
                    path.unlink(missing_ok=True)
            self._end(BackupStatus(missing=len(made.missing), damaged=len(made.damaged)))

    def _progress(self, done: int, of: int) -> None:
        if self._closing:
            raise _Closing
        with self._lock:
            self._status = BackupStatus(running=True, done=done, of=of)

    def _end(self, status: BackupStatus) -> None:
        with self._lock:
            self._status = status

    def _files(self) -> list[Path]:
        return [path for path in (self._data_dir / FOLDER).glob("loa-*.backup") if path.is_file()]

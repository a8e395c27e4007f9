"""The data folder of one controller: for its owner alone, with the key that its receivers obey."""

import contextlib
import os
import stat
from pathlib import Path

from sqlmodel import col, select

from devices.receivers import Receiver
from runtime.database import Database
from runtime.refusal import N_, Refusal
from runtime.secret_files import CONTROLLER_KEY, Secrets, has_controller_key
from runtime.settings import Settings

_UMASK = 0o077
_OTHERS, _GROUP_AND_OTHERS = 0o007, 0o077
#: Folders into which people copy files: a group may be allowed there. `secrets` has a check of its own, which refuses.
_LEFT_TO_PEOPLE = ("recordings-to-import", "province", "secrets")


def close_to_others(data_dir: Path) -> None:
    """Make the data folder and what is in it unreadable for others, also when it was made with other rights before."""
    os.umask(_UMASK)
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    _take_away(data_dir, _OTHERS)
    for path in data_dir.iterdir():
        if path.name not in _LEFT_TO_PEOPLE:
            _take_away(path, _GROUP_AND_OTHERS)


def _take_away(path: Path, rights: int) -> None:
    with contextlib.suppress(FileNotFoundError):  # SQLite removes its own files
        status = path.lstat()
        if status.st_uid == os.geteuid() and not stat.S_ISLNK(status.st_mode) and status.st_mode & rights:
            path.chmod(stat.S_IMODE(status.st_mode) & ~rights)


def secrets_folder(settings: Settings) -> Path:
    return settings.data_dir / "secrets"


def installation_secrets(settings: Settings, database: Database) -> Secrets:
    """Raises Refusal when the controller's key is missing although receivers pin it: they would obey no new one."""
    folder = secrets_folder(settings)
    if not has_controller_key(folder) and (count := _receivers_in_service(database)):
        raise Refusal(
            N_(
                "The controller's key {path} is missing, and {count} receivers obey no other key. Bring the file "
                "back from a backup (docs/backup.md). If there is none, make a new key with loa new-key; then every "
                "receiver needs new credentials."
            ),
            path=str(folder / CONTROLLER_KEY),
            count=count,
        )
    return Secrets.load_or_create(folder)


def _receivers_in_service(database: Database) -> int:
    with database.session() as session:
        return len(session.exec(select(Receiver.id).where(col(Receiver.retired_at).is_(None))).all())

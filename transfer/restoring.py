"""Restoring: a backup becomes a data folder again, here or elsewhere, on SQLite or PostgreSQL; all of it or nothing."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import sqlalchemy
from sqlalchemy import MetaData
from sqlmodel import col, update

from broadcast.broadcasts import Broadcast
from broadcast.media import is_disk_full
from devices.receivers import renumber_after_restore
from runtime.database import Database
from runtime.migrations import knows_version, upgrade
from runtime.refusal import N_, Refusal
from runtime.secret_files import Secrets
from transfer import age_file, secretstream_file
from transfer.age_file import AgeReader, DamagedFile
from transfer.archive import Readable, broken_at, members
from transfer.backup import SETTINGS, BackupInfo, Progress, backup_info_of
from transfer.secretstream_file import SecretstreamReader
from transfer.table_rows import count_on, read_rows, tables_of

#: Receivers take only what is newer than what they hold, and they may hold what was set after the backup was made.
NEWER_BY = 1000
_MOST_SMALL_BYTES = 1_000_000
_BLOCK = 1 << 20
#: Kept free beside what is unpacked: 100 MB.
_SPARE_BYTES = 100_000_000


@dataclass(frozen=True)
class Restored:
    """What came out of a backup. settings_beside: the old machine's settings, put aside to be looked through."""

    about: BackupInfo
    files: int
    settings_beside: Path | None


def is_locked(archive: Path) -> bool:
    """Whether a backup asks for a passphrase. Raises Refusal when it cannot be read."""
    with _opened(archive) as file:
        return _reader_of(file) is not None


def check(archive: Path, passphrase: str | None, progress: Progress = lambda _done, _of: None) -> BackupInfo:
    """Read a backup to its end and hold every member against its hash; nothing is written. Raises Refusal."""
    with _opened(archive) as file:
        about = None
        for name, content in members(_unlocked(file, passphrase), _Told(progress, archive)):
            if name == "about.json":
                about = _backup_info(content)
        if about is None:
            raise broken_at("about.json", cut_short=False)
        return about


def restore(
    archive: Path,
    data_dir: Path,
    *,
    database_url: str | None,
    scripts: Path,
    passphrase: str | None,
    now: datetime,
    progress: Progress = lambda _done, _of: None,
) -> Restored:
    """Make a data folder of a backup. data_dir: new or empty. database_url: None for SQLite in it, else an empty one.

    scripts: the folder of the migrations. What is on disk or in the database changes only after every member was held
    against its hash. Raises Refusal, and leaves nothing behind.
    """
    _check_empty(data_dir)
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{data_dir.name}.restoring-", dir=data_dir.parent))  # for its owner alone
    try:
        with _opened(archive) as file:
            about = _unpack(_unlocked(file, passphrase), stage, _Told(progress, archive), archive)
        if not knows_version(scripts, about.tables_version):
            raise Refusal(N_("A newer Loa made this backup ({version}). Install that one first."), version=about.loa)
        beside = None
        if (stage / SETTINGS).exists():
            # Addresses, ports and the database of the old machine would be taken for ours.
            beside = data_dir / f"{SETTINGS}.from-backup"
            (stage / SETTINGS).rename(stage / beside.name)
        if not about.with_secrets:
            Secrets.load_or_create(stage / "secrets")  # chosen when the backup was made: receivers need new credentials
        tables = stage / "tables"
        with _filled(database_url or f"sqlite:///{stage / 'loa.db'}", about, tables, scripts, now):
            shutil.rmtree(tables)
            if data_dir.exists():
                data_dir.rmdir()
            stage.rename(data_dir)
    except OSError as error:
        raise _cannot_restore(data_dir, error) from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    files = sum(1 for store in ("media", "originals") for _ in (data_dir / store).glob("??/*"))
    return Restored(about, files, beside)


@contextmanager
def _filled(url: str, about: BackupInfo, tables: Path, scripts: Path, now: datetime) -> Iterator[None]:
    """An empty database is filled; when the block fails, it is empty again."""
    database = Database(url)
    try:
        with database.engine.connect() as connection:
            if sqlalchemy.inspect(connection).get_table_names():
                raise Refusal(N_("There are tables in this database already. Name an empty one; nothing was changed."))
        try:
            # As the backup's own version had them, so that the migrations then bring what is in them along.
            upgrade(database, scripts, about.tables_version)
            _fill(database, about, tables)
            upgrade(database, scripts)
            _outdo(database, now)
            database.close()  # SQLite tidies its files up before they move
            yield
        except BaseException:
            _empty(database)
            raise
    finally:
        database.close()


def _fill(database: Database, about: BackupInfo, folder: Path) -> None:
    with database.engine.connect().execution_options(loa_immediate=True) as connection, connection.begin():
        tables = tables_of(connection)
        for table in reversed(tables):
            connection.execute(table.delete())  # what migrations put in is in the backup too
        for table in tables:
            if table.name not in about.rows:
                continue
            member = f"tables/{table.name}.jsonl.gz"
            try:
                with (folder / f"{table.name}.jsonl.gz").open("rb") as rows:
                    if read_rows(connection, table, rows) != about.rows[table.name]:
                        raise DamagedFile(cut_short=False)
            except (DamagedFile, FileNotFoundError, sqlalchemy.exc.IntegrityError) as error:
                raise broken_at(member, cut_short=False) from error
        count_on(connection, tables)


def _outdo(database: Database, now: datetime) -> None:
    """Raise revisions above what receivers may hold, and mark everything as unannounced."""
    with database.writing() as session:
        renumber_after_restore(session)
        ahead = update(Broadcast).where(col(Broadcast.ends_at) > now)
        session.exec(ahead.values(revision=col(Broadcast.revision) + NEWER_BY))


def _empty(database: Database) -> None:
    described = MetaData()
    with database.engine.connect().execution_options(loa_immediate=True) as connection, connection.begin():
        described.reflect(connection)
        described.drop_all(connection)


def _unpack(source: Readable, stage: Path, progress: "_Told", archive: Path) -> BackupInfo:
    (stage / "secrets").mkdir(mode=0o700)
    (stage / "tables").mkdir()
    about = None
    for name, content in members(source, progress):
        if name == "about.json":
            about = _backup_info(content)
            _check_room(stage, archive.stat().st_size)
            continue
        if about is None:
            raise broken_at(name, cut_short=False)
        folder, _, file = name.rpartition("/")
        path = stage / folder / (file[:2] if folder in ("media", "originals") else "") / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as unpacked:
            while block := content.read(_BLOCK):
                unpacked.write(block)
        path.chmod(0o644 if folder in ("media", "originals") else 0o600)
    if about is None:
        raise broken_at("about.json", cut_short=False)
    return about


class _Told:
    """Adds up what was read, and tells how far in the file that is."""

    def __init__(self, progress: Progress, archive: Path) -> None:
        self._progress, self._of, self._done = progress, archive.stat().st_size, 0

    def __call__(self, more: int) -> None:
        self._done = min(self._done + more, self._of)
        self._progress(self._done, self._of)


@contextmanager
def _opened(archive: Path) -> Iterator[BinaryIO]:
    try:
        file = archive.open("rb")
    except OSError as error:
        raise Refusal(
            N_("The backup {path} cannot be read: {why}."), path=str(archive), why=error.strerror or str(error)
        ) from error
    with file:
        yield file


_READERS: dict[bytes, type[AgeReader] | type[SecretstreamReader]] = {
    age_file.MAGIC: AgeReader,
    secretstream_file.MAGIC: SecretstreamReader,
}


def _reader_of(file: BinaryIO) -> type[AgeReader] | type[SecretstreamReader] | None:
    """What decrypts the file, which then stands after the format's name; None for one without a passphrase."""
    for magic, reader in _READERS.items():
        file.seek(0)
        if file.read(len(magic)) == magic:
            return reader
    file.seek(0)
    return None


def _unlocked(file: BinaryIO, passphrase: str | None) -> Readable:
    reader = _reader_of(file)
    if reader is None:
        return file
    if passphrase is None:
        raise Refusal(N_("This backup is locked by a passphrase. Name a file that holds it: --passphrase-file."))
    try:
        return reader(file, passphrase)
    except DamagedFile as error:
        raise broken_at("about.json", cut_short=error.cut_short) from error


def _backup_info(content: Readable) -> BackupInfo:
    try:
        return backup_info_of(content.read(_MOST_SMALL_BYTES))
    except ValueError as error:
        raise broken_at("about.json", cut_short=False) from error


def _check_empty(data_dir: Path) -> None:
    if data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir())):
        raise Refusal(
            N_("There is something in {folder} already. Name a new or empty folder; nothing was changed."),
            folder=str(data_dir),
        )


def _check_room(stage: Path, needed: int) -> None:
    free = shutil.disk_usage(stage).free
    if free < needed + _SPARE_BYTES:
        raise Refusal(
            N_("There is too little room: {needed_mb} MB are needed, {free_mb} MB are free. Nothing was changed."),
            needed_mb=(needed + _SPARE_BYTES) // 1_000_000,
            free_mb=free // 1_000_000,
        )


def _cannot_restore(data_dir: Path, error: OSError) -> Refusal:
    if is_disk_full(error):
        return Refusal(N_("The disk is full. Nothing was changed; name a folder on another disk with --data."))
    return Refusal(
        N_("The backup cannot be restored to {folder}: {why}. Nothing was changed."),
        folder=str(data_dir),
        why=error.strerror or str(error),
    )

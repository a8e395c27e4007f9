"""Backup: everything an installation or a commune has, in one file, while it runs."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import BinaryIO

import msgspec
import sqlalchemy
from sqlalchemy import Connection, Table

from broadcast.media import is_disk_full
from runtime.database import Database, version_of
from runtime.refusal import N_, NotFound, Refusal
from transfer.age_file import AgeWriter
from transfer.archive import ArchiveWriter, Writable, is_member
from transfer.commune_rows import rows_of
from transfer.table_rows import tables_of, write_rows

FORMAT = 1
STORES = ("media", "originals")
SECRETS = ("controller.key", "broker.password", "session.key")
SETTINGS = "loa.toml"
#: Who is signed in just now is nobody's past: all sign in again where it is restored.
LEFT_OUT = frozenset({"websession", "notification_delivery"})
_IN_MEMORY = 32_000_000

#: Told how many bytes are done, and of how many about; 0 while that is not known.
Progress = Callable[[int, int], None]


class BackupInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The first member. tables_version: of the migrations. bytes: of all audio. commune: None for all."""

    format: int
    loa: str
    made_at: datetime
    tables_version: str
    commune: str | None
    with_secrets: bool
    rows: dict[str, int]
    bytes: int


@dataclass(frozen=True)
class BackedUp:
    """What went into a backup. missing, damaged: names of audio files that this installation itself lacks or spoilt."""

    about: BackupInfo
    files: int
    size: int
    missing: list[str]
    damaged: list[str]


def back_up(
    database: Database,
    data_dir: Path,
    target: Path,
    *,
    now: datetime,
    passphrase: str | None,
    commune_id: str | None = None,
    with_secrets: bool = True,
    progress: Progress = lambda _done, _of: None,
) -> BackedUp:
    """Write a backup of what is there at this instant into a new file, for its owner alone; the controller may run.

    passphrase: None for a file that anybody who holds it can read. with_secrets: the controller's key, without which
    receivers obey nobody. Raises Refusal (the file is there, no room, unreadable), NotFound (no such commune).
    """
    part = target.with_name(target.name + ".part")
    if target.exists():
        raise Refusal(N_("{path} is there already. Choose another name."), path=str(target))
    try:
        # A part that an earlier run left behind is of no use to anybody.
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            written = _write(database, data_dir, file, now, passphrase, commune_id, with_secrets, progress)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        part.replace(target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    finally:
        part.unlink(missing_ok=True)
    return BackedUp(written.about, written.files, size, written.missing, written.damaged)


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """One view of all tables, as they are at this instant, however long it is read; writers are not held up.

    SQLite in WAL mode gives it to a read transaction (sqlite.org/isolation.html), PostgreSQL to REPEATABLE READ.
    """
    with database.engine.connect() as connection:
        if not database.is_sqlite:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin() as reading:
            yield connection
            reading.rollback()


def _write(
    database: Database,
    data_dir: Path,
    file: BinaryIO,
    now: datetime,
    passphrase: str | None,
    commune_id: str | None,
    with_secrets: bool,
    progress: Progress,
) -> BackedUp:
    into: Writable = file
    encrypted = None
    if passphrase is not None:
        into = encrypted = AgeWriter(file, passphrase)
    counted = _Counted(progress)
    archive = ArchiveWriter(into, counted)
    # 1. The tables, all as of one instant.
    with snapshot(database) as connection:
        tables = [table for table in tables_of(connection) if table.name not in LEFT_OUT]
        chosen = rows_of(tables, commune_id)
        if commune_id is not None and not _rows(connection, chosen["commune"]):
            raise NotFound(N_("Commune {id} does not exist."), id=commune_id)
        named = _audio_named(connection, data_dir, tables, chosen)
        # What no row names (the sound of last night's test, say) comes with the whole, not with one commune.
        files = _audio_there(data_dir, only=named if commune_id is not None else None)
        about = BackupInfo(
            format=FORMAT,
            loa=metadata.version("loa"),
            made_at=now,
            tables_version=version_of(connection),
            commune=commune_id,
            with_secrets=with_secrets,
            bytes=sum(files.values()),
            rows={table.name: _rows(connection, chosen[table.name]) for table in tables},
        )
        archive.add_bytes("about.json", msgspec.json.encode(about))
        _add_small(archive, data_dir, commune_id, with_secrets)
        for table in tables:
            with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as rows:
                write_rows(connection, table, chosen[table.name], rows)  # type: ignore[arg-type]
                size = rows.tell()
                rows.seek(0)
                archive.add(f"tables/{table.name}.jsonl.gz", rows, size)
    # 2. The audio. A file never changes under its name, so nothing is lost by reading it later than the tables.
    counted.of = about.bytes
    missing, damaged, files_written = named - files.keys(), [], 0
    for name, size in sorted(files.items()):
        path = _path(data_dir, name)
        try:
            with path.open("rb") as audio:
                sha256 = archive.add(name, audio, size)
        except FileNotFoundError:  # the sound of a self-test, forgotten meanwhile
            missing |= {name} & named
            continue
        files_written += 1
        if not path.name.startswith(sha256):
            damaged.append(name)
    archive.close()
    if encrypted is not None:
        encrypted.close()
    return BackedUp(about, files_written, 0, sorted(missing), damaged)


class _Counted:
    """Adds up what went by, and tells."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.done, self.of = 0, 0

    def __call__(self, more: int) -> None:
        self.done += more
        self._progress(min(self.done, self.of) if self.of else self.done, self.of)


def _add_small(archive: ArchiveWriter, data_dir: Path, commune_id: str | None, with_secrets: bool) -> None:
    if with_secrets:
        lacking = next((name for name in SECRETS if not (data_dir / "secrets" / name).is_file()), None)
        if lacking is not None:
            raise Refusal(
                N_("{folder} is no data folder of a controller: {name} is not there. Name the right one with --data."),
                folder=str(data_dir),
                name=f"secrets/{lacking}",
            )
        for path in sorted((data_dir / "secrets").iterdir()):
            # Accounts at the province's system stand beside the keys, one for each commune.
            if commune_id in (None, path.stem.removeprefix("province-")) or path.name in SECRETS:
                archive.add_bytes(f"secrets/{path.name}", path.read_bytes())
    settings = data_dir / SETTINGS
    if commune_id is None and settings.is_file():
        archive.add_bytes(SETTINGS, settings.read_bytes())


def _rows(connection: Connection, query: sqlalchemy.Select[tuple[object, ...]]) -> int:
    return connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(query.subquery())).scalar_one()


def _audio_named(
    connection: Connection,
    data_dir: Path,
    tables: list[Table],
    chosen: dict[str, sqlalchemy.Select[tuple[object, ...]]],
) -> set[str]:
    table_named = {table.name: table for table in tables}
    renditions, clips = table_named["cliprendition"].c, table_named["clip"].c
    named = set()
    rendered = chosen["cliprendition"].with_only_columns(renditions.sha256, renditions.extension)
    for sha256, extension in connection.execute(rendered):
        named.add(f"media/{sha256}.{extension}")
    uploaded = chosen["clip"].with_only_columns(clips.original_sha256, clips.original_extension)
    for sha256, extension in connection.execute(uploaded):
        # The original of a chime that Loa made lies beside its renditions.
        store = next((s for s in ("originals", "media") if _path(data_dir, f"{s}/{sha256}.{extension}").exists()), None)
        named.add(f"{store or 'originals'}/{sha256}.{extension}")
    return named


def _audio_there(data_dir: Path, only: set[str] | None) -> dict[str, int]:
    sizes = {}
    for store in STORES:
        for path in (data_dir / store).glob("[0-9a-f][0-9a-f]/*"):
            name = f"{store}/{path.name}"
            if name in only if only is not None else is_member(name):  # no foreign files
                sizes[name] = path.stat().st_size
    return sizes


def _path(data_dir: Path, name: str) -> Path:
    store, _, file = name.partition("/")
    return data_dir / store / file[:2] / file


def _cannot_write(target: Path, error: OSError) -> Refusal:
    if is_disk_full(error):
        return Refusal(
            N_("There is no room for the backup in {folder}. Choose another disk."), folder=str(target.parent)
        )
    return Refusal(
        N_("The backup cannot be written to {path}: {why}."), path=str(target), why=error.strerror or str(error)
    )


def backup_info_of(content: bytes) -> BackupInfo:
    """Read the first member. Raises Refusal for what a newer Loa made, ValueError for what is none."""
    try:
        raw = json.loads(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if isinstance(raw, dict) and isinstance(raw.get("format"), int) and raw["format"] > FORMAT:
        raise Refusal(N_("A newer Loa made this backup ({version}). Install that one first."), version=raw.get("loa"))
    return msgspec.json.decode(content, type=BackupInfo)

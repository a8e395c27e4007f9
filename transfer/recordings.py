"""Recordings by the folder: out of a zip, or out of a folder beside the controller, into the library."""

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, NoReturn

from broadcast.ingest import Ingest
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, NotFound, Refusal
from runtime.sandbox import ParserFailed, run_in_sandbox
from transfer.file_kinds import FileKind, kind_of, kind_of_parts, no_zip
from usecases.actors import Actor
from usecases.services import Services

MOST_FILES = 500
#: Entries of any kind, empty folders included.
_MOST_ENTRIES = 5000
#: A zip that unpacks to more was made to fill the disk: recordings hardly get smaller by packing.
_MOST_RATIO, _UNPACKED_ANYWAY_BYTES = 20, 50_000_000
#: What phones and PCs make. Other methods may take gigabytes of memory for a block.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: What a damaged entry raises, depending on which bytes are wrong.
_DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError)
_BLOCK = 1 << 20
#: What old phones and PCs leave in folders beside recordings.
_LEFT_OVERS = ("thumbs.db", "desktop.ini", ".ds_store")


@dataclass(frozen=True)
class Recording:
    """A file that may be a recording. open: for reading its bytes."""

    name: str
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass
class Handed:
    """What became of a folder. over: names that went on to be worked. refused: name → why not."""

    over: list[str] = field(default_factory=list)
    refused: list[tuple[str, Refusal]] = field(default_factory=list)


def in_zip(file: BinaryIO, *, source: str) -> list[Recording]:
    """What is in a zip, folders within folders too. file: with a file descriptor. source: whose it is.

    Its directory is read in a child process first, and only what is within limits here. Raises Refusal: no zip, locked,
    too many files, too large when unpacked.
    """
    if file.read(2) != b"PK":
        raise no_zip(kind_of(file))
    try:
        names = run_in_sandbox(
            names_in_child, f"/proc/{os.getpid()}/fd/{file.fileno()}", result=list[str], source=source
        )
        kind = kind_of_parts(names)
        if kind is not FileKind.ZIP:
            raise no_zip(kind)
        packed = zipfile.ZipFile(file)
    except (*_DAMAGED, ParserFailed) as error:
        raise Refusal(N_("This zip is damaged. Create it again and choose it again.")) from error
    infos = [info for info in packed.infolist() if not info.is_dir() and _wanted(info.filename)]
    if any(info.flag_bits & 1 for info in infos):
        raise Refusal(N_("This zip is locked by a password. Create it again without a password."))
    unpacked, size = sum(info.file_size for info in infos), file.seek(0, os.SEEK_END)
    if unpacked > size * _MOST_RATIO + _UNPACKED_ANYWAY_BYTES:
        raise Refusal(
            N_("This zip would become {unpacked} MB when unpacked, so Loa does not unpack it. Pack recordings only."),
            unpacked=unpacked // 1_000_000,
        )
    return _checked([Recording(_zip_name(info), info.file_size, _opener(packed, info)) for info in infos])


def names_in_child(path: str) -> list[str]:
    """The names in a zip. Raises Refusal when there are too many."""
    with zipfile.ZipFile(path) as packed:
        names = packed.namelist()
    if len(names) > _MOST_ENTRIES:
        raise Refusal(N_("There are more than {most} files in it. Take them in parts."), most=MOST_FILES)
    return names


def folders(root: Path) -> list[str]:
    """The folders that lie ready below `root`, by name."""
    return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def in_folder(root: Path, name: str) -> list[Recording]:
    """What is in one of them, folders within folders too. Raises NotFound, Refusal (too many files)."""
    if name not in folders(root):
        raise NotFound(N_("There is no folder {name} to import. Load the page again."), name=name[:80])
    files = [path for path in sorted((root / name).rglob("*")) if path.is_file() and not path.is_symlink()]
    wanted = [path for path in files if _wanted(path.relative_to(root).as_posix())]
    return _checked([Recording(path.name, path.stat().st_size, lambda path=path: path.open("rb")) for path in wanted])  # type: ignore[misc]


def hand_over(services: Services, actor: Actor, ingest: Ingest, commune_id: str, recordings: list[Recording]) -> Handed:
    """Give each to the ingest, which works them one by one. A recording that is there already is not made twice.

    Raises NotAllowed, Refusal when there is no room for all.
    """
    actor.need(Action.CLIPS, commune_id)
    ingest.check_room(commune_id, sum(recording.size for recording in recordings))
    handed = Handed()
    for recording in recordings:
        try:
            upload = ingest.open_upload(commune_id, recording.name, by=actor.name, size_hint=recording.size)
            try:
                for block in _blocks(recording):
                    upload.write(block)
            except _DAMAGED:
                upload.abandon()
                raise Refusal(N_("This file is damaged in the zip or on the disk.")) from None
            except BaseException:
                upload.abandon()
                raise
            upload.finish()
        except Refusal as refusal:
            handed.refused.append((recording.name, refusal))
        else:
            handed.over.append(recording.name)
    with services.database.writing() as session:
        actor.note(session, services.clock.now(), commune_id, Deed.IMPORTED, ", ".join(handed.over) or "0")
    return handed


def _blocks(recording: Recording) -> Iterator[bytes]:
    with recording.open() as source:
        while block := source.read(_BLOCK):
            yield block


def _opener(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], AbstractContextManager[IO[bytes]]]:
    if info.compress_type not in _METHODS:
        return _packed_unusually
    return lambda: packed.open(info)


def _packed_unusually() -> NoReturn:
    raise Refusal(N_("This file is packed in an unusual way. Create the zip again on a phone or with Windows."))


def _checked(recordings: list[Recording]) -> list[Recording]:
    if not recordings:
        raise Refusal(N_("There is no file in it."))
    if len(recordings) > MOST_FILES:
        raise Refusal(N_("There are more than {most} files in it. Take them in parts."), most=MOST_FILES)
    return recordings


def _wanted(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not any(part.startswith((".", "__MACOSX")) for part in parts) and parts[-1].lower() not in _LEFT_OVERS


def _zip_name(info: zipfile.ZipInfo) -> str:
    """Old programs write names in UTF-8 or Windows-1258 and do not say so; then they look like code page 437."""
    name = PurePosixPath(info.filename).name
    if info.flag_bits & 0x800 or name.isascii():
        return name
    raw = name.encode("cp437", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1258", "replace")

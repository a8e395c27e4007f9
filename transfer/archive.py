"""The file of a backup: members behind one another (a tar), and at its end their sizes and SHA-256."""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator
from typing import Protocol

from runtime.refusal import N_, Refusal
from transfer.age_file import DamagedFile

MANIFEST = "manifest.json"
#: What a member may be called; nothing else is ever written to a disk.
_NAMES = re.compile(
    r"about\.json|manifest\.json|loa\.toml|secrets/[a-z0-9][a-z0-9.-]{0,99}"
    r"|tables/[a-z0-9_]{1,60}\.jsonl\.gz|(media|originals)/[0-9a-f]{64}\.[a-z0-9]{0,8}"
)
_MOST_MANIFEST_BYTES = 200_000_000
_READ_AT_ONCE = 1 << 20


class Readable(Protocol):
    """What can be read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, fewer only at the end."""
        ...


class Writable(Protocol):
    """What can be written to."""

    def write(self, data: bytes, /) -> int: ...


class _Hashed:
    """A stream that is hashed and counted while it is read."""

    def __init__(self, source: Readable, progress: Callable[[int], None]) -> None:
        self._source, self._progress = source, progress
        self.digest, self.bytes = hashlib.sha256(), 0

    def read(self, size: int, /) -> bytes:
        block = self._source.read(size)
        self.digest.update(block)
        self.bytes += len(block)
        self._progress(len(block))
        return block


class _Member(_Hashed):
    """A member that is read; its errors become a Refusal with its name."""

    def __init__(self, name: str, source: Readable, progress: Callable[[int], None]) -> None:
        super().__init__(source, progress)
        self._name = name

    def read(self, size: int, /) -> bytes:
        try:
            return super().read(size)
        except tarfile.ReadError as error:  # only ever: unexpected end of data
            raise broken_at(self._name, cut_short=True) from error
        except DamagedFile as error:
            raise broken_at(self._name, cut_short=error.cut_short) from error


def is_member(name: str) -> bool:
    """Whether something may stand in a backup under this name."""
    return _NAMES.fullmatch(name) is not None


class ArchiveWriter:
    """Members are added one after the other; `close` writes the manifest."""

    def __init__(self, target: Writable, progress: Callable[[int], None]) -> None:
        """progress: is called with the size of each stretch of bytes that went in."""
        self._tar = tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT)  # type: ignore[call-overload]  # noqa: SIM115
        self._progress = progress
        self._members: list[dict[str, object]] = []

    def add(self, name: str, source: Readable, size: int) -> str:
        """Add a member of `size` bytes. Gives its SHA-256 in hex. Raises OSError when the source is shorter."""
        if not is_member(name):
            raise RuntimeError(f"a backup has no member {name}")
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        hashed = _Hashed(source, self._progress)
        self._tar.addfile(info, hashed)
        sha256 = hashed.digest.hexdigest()
        self._members.append({"name": name, "bytes": size, "sha256": sha256})
        return sha256

    def add_bytes(self, name: str, content: bytes) -> None:
        self.add(name, io.BytesIO(content), len(content))

    def close(self) -> None:
        """Write the manifest, and the end."""
        content = json.dumps({"members": self._members}).encode()
        self.add_bytes(MANIFEST, content)
        self._tar.close()


def members(source: Readable, progress: Callable[[int], None]) -> Iterator[tuple[str, Readable]]:
    """Every member of an archive, in order, but the manifest; each must be read before the next is asked for.

    Only when the iteration ends without an error is what was read as it was written. Raises Refusal, naming the member.
    """
    at, seen = "about.json", set[str]()
    entries: list[dict[str, object]] = []
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:  # type: ignore[call-overload]
            for info in tar:
                at = info.name
                content = tar.extractfile(info) if info.isreg() else None
                if content is None or not is_member(at) or at in seen:
                    raise DamagedFile(cut_short=False)
                seen.add(at)
                hashed = _Member(at, content, progress)
                if at == MANIFEST:
                    _check(hashed.read(_MOST_MANIFEST_BYTES), entries)
                    while source.read(_READ_AT_ONCE):  # to the end, where a locked file says that it is whole
                        continue
                    return
                yield at, hashed
                while hashed.read(_READ_AT_ONCE):
                    continue
                entries.append({"name": at, "bytes": hashed.bytes, "sha256": hashed.digest.hexdigest()})
    except tarfile.ReadError as error:
        raise broken_at(at, cut_short="unexpected end" in str(error) or "empty file" in str(error)) from error
    except DamagedFile as error:
        raise broken_at(at, cut_short=error.cut_short) from error
    raise broken_at(at, cut_short=True)


def broken_at(member: str, *, cut_short: bool) -> Refusal:
    """What is said of a backup that is not as it was written."""
    if cut_short:
        return Refusal(
            N_("The backup is cut short: it ends in or after {member}. Nothing was changed. Take another copy of it."),
            member=member[:100],
        )
    return Refusal(
        N_("The backup was altered or is damaged at {member}. Nothing was changed. Take another copy of it."),
        member=member[:100],
    )


def _check(manifest: bytes, entries: list[dict[str, object]]) -> None:
    try:
        listed = json.loads(manifest)["members"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise broken_at(MANIFEST, cut_short=False) from None
    for listed_entry, entry in zip(listed, entries, strict=False):
        if listed_entry != entry:
            raise broken_at(str(entry["name"]), cut_short=False)
    if len(listed) != len(entries):
        raise broken_at(MANIFEST, cut_short=len(listed) > len(entries))

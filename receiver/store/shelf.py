"""The shelf: audio on the receiver's disk, fetched ahead, resumed after an interruption, verified by checksum."""

import errno
import hashlib
import http.client
import logging
import os
import shutil
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from receiver.store.atomic_file import sync_folder
from transport.worker import BackOff, Worker
from wire.broadcasts import Rendition

log = logging.getLogger(__name__)

_BLOCK = 64 * 1024
_TIMEOUT_S = 10.0
#: Controller time may be set meanwhile: what waits for an instant of it is looked at again.
_RECHECK_S = 60.0
#: Files without a deadline are fetched after all that have one.
NEEDED_LAST_US = 1 << 62
#: Left free on the disk, for plan, reports and the machine itself.
RESERVE_BYTES = 64 << 20
#: Waits after a failure. The first are short: most failures are a phone network's hiccup.
_RETRY = BackOff(1.0, 60.0)


class Wanted(NamedTuple):
    """A file that is needed. needed_at_us: controller time; the soonest is fetched first.

    not_before_us: controller time from which it may be fetched, 0 for at once (`receiver.store.fetch_times`).
    """

    rendition: Rendition
    needed_at_us: int
    not_before_us: int = 0


class FetchFailed(Exception):
    """A file could not be fetched this time: the message says why."""


class WrongHash(FetchFailed):
    """What came is not the file that is named."""


class Shelf:
    """Files by hash, in one folder. `wanted` tells it what to have; a thread of its own fetches."""

    def __init__(
        self,
        folder: Path,
        limit_bytes: int = 2_000_000_000,
        now_us: Callable[[], int | None] = lambda: None,
        *,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        """What was fetched before is taken as it is: it was verified before it got its name.

        now_us: controller time, None while it is not known; then nothing waits. reserve_bytes: left free on the disk.
        """
        self._reserve_bytes = reserve_bytes
        self._now_us = now_us
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._held = {p.name: p.stat().st_size for p in folder.iterdir() if p.is_file() and p.suffix != ".part"}
        self._wanted: list[Wanted] = []
        self._bases: Sequence[str] = ()
        self._worker = Worker(self._step, "shelf")
        self._failures: dict[str, tuple[int, float]] = {}  # file → how often, not before (monotonic s)
        self._why: dict[str, FetchFailed] = {}  # file → the last failure
        self._on_arrival: Callable[[], None] = lambda: None
        #: Files whose hash was not the one that the manifest names.
        self.corrupt = 0
        #: Why the last fetch failed, "" when it did not. full: no room for what is wanted.
        self.last_failure = ""
        self.full = False

    @property
    def used_bytes(self) -> int:
        """How much lies on the shelf."""
        with self._lock:
            return sum(self._held.values())

    def on_arrival(self, handler: Callable[[], None]) -> None:
        """Call `told` from the fetching thread after each file that arrived."""
        self._on_arrival = handler

    def start(self) -> None:
        self._worker.start()

    def close(self) -> None:
        """Stop; what is half fetched is resumed at the next start."""
        self._worker.close(_TIMEOUT_S + 2)

    def want(self, wanted: Iterable[Wanted], bases: Sequence[str]) -> None:
        """All files that are needed from now on, and where they are to be had."""
        ordered = sorted(wanted, key=lambda w: w.needed_at_us)
        with self._lock:
            changed = ordered != self._wanted or list(bases) != list(self._bases)
            self._wanted, self._bases = ordered, tuple(bases)
        if changed:
            self._worker.wake()

    def path_of(self, rendition: Rendition) -> Path | None:
        """Where a file lies, None when it is not there (yet)."""
        name = _name(rendition)
        with self._lock:
            return self._folder / name if self._held.get(name) == rendition.bytes else None

    def failure_of(self, rendition: Rendition) -> FetchFailed | None:
        """Why a file could not be fetched when it was last tried; None when it is there or was not tried."""
        return self._why.get(_name(rendition))

    def discard(self, rendition: Rendition) -> None:
        """Remove a file and its failures; it is fetched again when `want` names it again."""
        name = _name(rendition)
        with self._lock:
            self._held.pop(name, None)
            self._failures.pop(name, None)
            self._why.pop(name, None)
            self._wanted = [wanted for wanted in self._wanted if _name(wanted.rendition) != name]
        (self._folder / name).unlink(missing_ok=True)

    def recheck(self, path: Path) -> bool:
        """Verify a file that failed to play. True when its checksum no longer matches; it is then fetched again."""
        if path.exists() and hash_of(path) == path.stem:
            return False
        with self._lock:
            self._held.pop(path.name, None)
        path.unlink(missing_ok=True)
        self.corrupt += 1
        self._worker.wake()
        return True

    @property
    def lacks_room(self) -> str:
        """Why something has no room, here or for plan and reports; "" when all has."""
        if self.full:
            return self.last_failure
        free = shutil.disk_usage(self._folder).free
        return f"the disk is full: {free // 1_000_000} MB free" if free < self._reserve_bytes // 4 else ""

    @property
    def damaged(self) -> str:
        """Which wanted file came damaged when it was last fetched, and why; "" for none."""
        with self._lock:
            wanted = [_name(w.rendition) for w in self._wanted if w.needed_at_us < NEEDED_LAST_US]
        damaged_name = next((name for name in wanted if isinstance(self._why.get(name), WrongHash)), "")
        return f"{damaged_name[:16]}: {self._why[damaged_name]}" if damaged_name else ""

    def _step(self) -> float:
        next_file, wait_s = self._next()
        if next_file is None:
            return wait_s
        try:
            self._fetch(next_file)
        except (FetchFailed, OSError) as failure:
            name = _name(next_file)
            failures = self._failures.get(name, (0, 0.0))[0] + 1
            wait_s = _RETRY.wait_s(failures)
            self._failures[name] = (failures, time.monotonic() + wait_s)
            self.full = self.full or getattr(failure, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
            self.last_failure = str(failure)
            self._why[name] = failure if isinstance(failure, FetchFailed) else FetchFailed(str(failure))
            log.warning("%s: %s; tried again in %.0f s", name[:16], failure, wait_s)
        else:
            self._failures.pop(_name(next_file), None)
            self._why.pop(_name(next_file), None)
            self.last_failure = ""
            self._on_arrival()
        return 0.0

    def _next(self) -> tuple[Rendition | None, float]:
        """What to fetch now, or how long there is nothing to do."""
        now_s, soonest_s, now_us, lacks = time.monotonic(), _RECHECK_S, self._now_us(), False
        with self._lock:
            for wanted in self._wanted:
                name = _name(wanted.rendition)
                if self._held.get(name) == wanted.rendition.bytes or not self._bases:
                    continue
                not_before_s = self._failures.get(name, (0, 0.0))[1]
                wait_s = max(not_before_s - now_s, 0.0 if now_us is None else (wanted.not_before_us - now_us) / 1e6)
                if wait_s <= 0:
                    return wanted.rendition, 0.0
                soonest_s, lacks = min(soonest_s, wait_s), True
            if not lacks:
                self.full = False  # what had no room is not wanted any more
        return None, soonest_s

    def _fetch(self, rendition: Rendition) -> None:
        self._make_room(rendition)
        failures, kind = [], FetchFailed
        for base in self._bases:
            try:
                self._fetch_from(base, rendition)
            except (
                FetchFailed,
                urllib.error.URLError,
                http.client.HTTPException,
                TimeoutError,
                ConnectionError,
            ) as failure:
                failures.append(str(failure) or type(failure).__name__)
                kind = WrongHash if isinstance(failure, WrongHash) else kind
            else:
                return
        raise kind("; ".join(failures))

    def _fetch_from(self, base: str, rendition: Rendition) -> None:
        if not base.startswith(("http://", "https://")):
            raise FetchFailed("a media base that is neither http nor https")
        part = self._folder / f"{_name(rendition)}.part"
        have = part.stat().st_size if part.exists() else 0
        if have > rendition.bytes:
            part.unlink()
            have = 0
        if have < rendition.bytes:
            request = urllib.request.Request(base + rendition.path)  # noqa: S310 - the scheme is checked above
            if have:
                request.add_header("Range", f"bytes={have}-")
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                mode = "ab" if have and answer.status == http.HTTPStatus.PARTIAL_CONTENT else "wb"
                self._receive(answer, part, mode, rendition.bytes)
        self._adopt(part, rendition)

    def _receive(self, answer: http.client.HTTPResponse, part: Path, mode: str, size: int) -> None:
        have = part.stat().st_size if mode == "ab" else 0
        with part.open(mode) as file:
            while block := answer.read(_BLOCK):
                if self._worker.stopping.is_set():
                    raise FetchFailed("stopping")
                have += len(block)
                if have > size:
                    raise FetchFailed("more bytes than the manifest says")
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        if have < size:
            raise FetchFailed(f"{have} of {size} bytes came")

    def _adopt(self, part: Path, rendition: Rendition) -> None:
        if hash_of(part) != rendition.sha256:
            part.unlink(missing_ok=True)
            self.corrupt += 1
            raise WrongHash("its hash is not the one that the manifest names")
        part.replace(self._folder / _name(rendition))
        sync_folder(self._folder)
        with self._lock:
            self._held[_name(rendition)] = rendition.bytes

    def _make_room(self, rendition: Rendition) -> None:
        """Drop what no manifest wants, the longest unused first. Raises FetchFailed when that is not enough."""
        with self._lock:
            names = {_name(w.rendition) for w in self._wanted}
            for part in self._folder.glob("*.part"):
                if part.stem not in names:
                    part.unlink()  # half of what nobody wants any more
            spare = sorted((n for n in self._held if n not in names), key=lambda n: (self._folder / n).stat().st_mtime)
            while (lacking := self._lacking_bytes(rendition)) > 0 and spare:
                name = spare.pop(0)
                self._held.pop(name)
                (self._folder / name).unlink(missing_ok=True)
        self.full = lacking > 0
        if self.full:
            raise FetchFailed(f"no room: {-(-lacking // 1_000_000)} MB are lacking, all else is needed sooner")

    def _lacking_bytes(self, rendition: Rendition) -> int:
        """What is lacking for a file, by our own limit or on the disk; 0 or less: it fits. Needs the lock."""
        part = self._folder / f"{_name(rendition)}.part"
        to_come = rendition.bytes - (part.stat().st_size if part.exists() else 0)
        free = shutil.disk_usage(self._folder).free - self._reserve_bytes
        return max(sum(self._held.values()) + rendition.bytes - self.limit_bytes, to_come - free)


def _name(rendition: Rendition) -> str:
    suffix = rendition.codec if rendition.codec.isalnum() else "bin"
    return f"{rendition.sha256}.{suffix}"


def hash_of(path: Path) -> str:
    """The sha256 of a file, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

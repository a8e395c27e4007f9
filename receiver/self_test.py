"""The self-test: fetch, verify and decode a recording that was made for it, look at the speaker, and report.

It is inaudible and disturbs no broadcast: its file is fetched after everything a broadcast needs, by the same path, and
decoded in a separate thread.
"""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from receiver.link.outbox import Outbox, report_header
from receiver.playout.cues import RATE, ClipSpec
from receiver.playout.sources import ClipSource, SourceFailed
from receiver.store.shelf import Shelf, Wanted, WrongHash, hash_of
from receiver.store.wanted_files import wanted_last
from wire.commands import SelfTest
from wire.reports import SelfTestReport, SelfTestStep

log = logging.getLogger(__name__)

#: The shelf tries again by itself meanwhile, as for any file.
FETCH_WITHIN_US = 120_000_000
#: One that failed is tried once more, so much later.
AGAIN_AFTER_US = 30_000_000
_ATTEMPTS = 2
#: How far the sound may be from what was announced.
_LENGTH_WITHIN_FRAMES = RATE // 50
_LEVEL_WITHIN_DB = 6.0


class Failure(Exception):
    """A step failed: which, and why."""

    def __init__(self, step: SelfTestStep, detail: str) -> None:
        super().__init__(detail)
        self.step, self.detail = step, detail


@dataclass
class _RunningTest:
    """A test under way. Instants by the local clock, µs. fetching_since: None while it waits to begin."""

    action: SelfTest
    begins_at_us: int
    attempt: int = 1
    first_began_us: int | None = None
    fetching_since_us: int | None = None
    check: "_Check | None" = None


class SelfTester:
    """Carries out one test at a time. One thread, but for the decoding."""

    def __init__(self, receiver: str, shelf: Shelf, outbox: Outbox, speaker_runs: Callable[[], bool]) -> None:
        self._receiver, self._shelf, self._outbox = receiver, shelf, outbox
        self._speaker_runs = speaker_runs
        self._running: _RunningTest | None = None

    def take(self, action: SelfTest, local_us: int) -> None:
        """Begin at some moment of the spread. One that is under way already goes on; another takes its place."""
        if self._running is not None and self._running.action.test == action.test:
            return
        if self._running is not None:
            self._shelf.discard(self._running.action.media)
        # Not all at one instant: they share a network and a controller.
        self._running = _RunningTest(action, local_us + random.randint(0, action.spread_ms) * 1000)  # noqa: S311

    def wanted(self) -> list[Wanted]:
        """What the shelf shall fetch for it now."""
        running = self._running
        return (
            [wanted_last(running.action.media)] if running is not None and running.fetching_since_us is not None else []
        )

    def step(self, now_us: int, local_us: int) -> bool:
        """Go on. now_us: controller time. True when what is wanted has changed."""
        running = self._running
        if running is None or local_us < running.begins_at_us:
            return False
        if running.fetching_since_us is None:
            self._shelf.discard(running.action.media)  # it shall really be fetched
            running.fetching_since_us = local_us
            running.first_began_us = local_us if running.first_began_us is None else running.first_began_us
            return True
        try:
            if not self._passed(running, local_us):
                return False
        except Failure as failure:
            if running.attempt < _ATTEMPTS:
                log.warning("self-test %s: %s; tried again", running.action.test, failure)
                running.attempt += 1
                running.begins_at_us, running.fetching_since_us, running.check = local_us + AGAIN_AFTER_US, None, None
            else:
                self._report(running, now_us, local_us, failure)
            return True
        self._report(running, now_us, local_us, None)
        return True

    def _passed(self, running: _RunningTest, local_us: int) -> bool:
        """Whether it is through. Raises Failure."""
        if running.check is None:
            path = self._shelf.path_of(running.action.media)
            if path is None:
                self._still_coming(running, local_us)
                return False
            running.check = _Check(path, running.action)
            running.check.start()
        if running.check.is_alive():
            return False
        if running.check.failure is not None:
            raise running.check.failure
        if not self._speaker_runs():
            raise Failure(SelfTestStep.SPEAKER, "the sound card does not take sound")
        return True

    def _still_coming(self, running: _RunningTest, local_us: int) -> None:
        why = self._shelf.failure_of(running.action.media)
        if isinstance(why, WrongHash):
            raise Failure(SelfTestStep.VERIFY, str(why))
        if running.fetching_since_us is not None and local_us - running.fetching_since_us >= FETCH_WITHIN_US:
            raise Failure(SelfTestStep.FETCH, str(why) if why else "it did not come in time")

    def _report(self, running: _RunningTest, now_us: int, local_us: int, failure: Failure | None) -> None:
        self._running = None
        self._shelf.discard(running.action.media)
        began_us = local_us if running.first_began_us is None else running.first_began_us
        report = SelfTestReport(
            **report_header(self._receiver, now_us),
            test=running.action.test,
            ok=failure is None,
            at_us=now_us,
            failed_step=failure.step.value if failure else "",
            detail=failure.detail[:200] if failure else "",
            took_ms=(local_us - began_us) // 1000,
            attempts=running.attempt,
        )
        self._outbox.put(report)
        log.info("self-test %s: %s", report.test, report.failed_step or "passed")


class _Check(threading.Thread):
    """Verifies and decodes, beside whatever sounds."""

    def __init__(self, path: Path, action: SelfTest) -> None:
        super().__init__(name="self-test", daemon=True)
        self._path, self._action = path, action
        self.failure: Failure | None = None

    def run(self) -> None:
        try:
            check_file(self._path, self._action)
        except Failure as failure:
            self.failure = failure
        except OSError as error:
            self.failure = Failure(SelfTestStep.VERIFY, str(error))
        except Exception as error:
            log.exception("the self-test itself failed")
            self.failure = Failure(SelfTestStep.DECODE, str(error))


def check_file(path: Path, action: SelfTest) -> None:
    """Read a file back, verify it, decode all of it, and compare length and level. Raises Failure, OSError."""
    if hash_of(path) != action.media.sha256:
        raise Failure(SelfTestStep.VERIFY, "what lies on the disk is not what came")
    square = 0.0
    try:
        source = ClipSource(ClipSpec(path, action.media.sha256, action.media.codec))
        try:
            frames = source.frames
            for first in range(0, min(frames, action.frames), RATE // 2):
                sound = source.read(first, min(RATE // 2, frames - first)).astype(np.float64)
                square += float(np.dot(sound, sound))
        finally:
            source.close()
    except SourceFailed as failure:
        raise Failure(SelfTestStep.DECODE, str(failure)) from failure
    if abs(frames - action.frames) > _LENGTH_WITHIN_FRAMES:
        raise Failure(SelfTestStep.LENGTH, f"{frames} frames, not {action.frames}")
    level_dbfs = 10 * np.log10(max(square / max(frames, 1), 1e-12))
    if abs(level_dbfs - action.level_dbfs) > _LEVEL_WITHIN_DB:
        raise Failure(SelfTestStep.LEVEL, f"{level_dbfs:.0f} dBFS, not {action.level_dbfs:.0f}")

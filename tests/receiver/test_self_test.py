"""The self-test over a real HTTP server and a real decoder; the local clock is turned by hand."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile

from receiver.link.outbox import Outbox
from receiver.playout.cues import RATE
from receiver.self_test import AGAIN_AFTER_US, FETCH_WITHIN_US, SelfTester
from receiver.store.shelf import Shelf
from tests.receiver.store.test_shelf import Server, until
from transport.worker import BackOff
from wire.broadcasts import Rendition
from wire.commands import SelfTest
from wire.messages import CONTROLLER
from wire.reports import SelfTestReport
from wire.sealing import PublicKey, SealingKey, open_sealed

OWN = SealingKey(bytes(32))
NOW_US = 1_795_000_000_000_000


class Bench:
    """A receiver's shelf, outbox and tester, and the server that it fetches from."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.shelf, self.outbox = Shelf(folder / "shelf"), Outbox(folder / "outbox", OWN)
        self.speaker_runs, self.local_us = True, 0
        self.tester = SelfTester("thon-1", self.shelf, self.outbox, lambda: self.speaker_runs)
        self.shelf.start()

    def action(self, content: bytes | None = None, **more: object) -> SelfTest:
        if content is None:
            sound = 1.414e-3 * np.sin(np.arange(RATE) / 10)  # −60 dBFS
            soundfile.write(self.folder / "t.ogg", sound, RATE, format="OGG", subtype="OPUS")
            content = (self.folder / "t.ogg").read_bytes()
        made = SelfTest(test="t1", media=self.server.keep(content), frames=RATE, level_dbfs=-60.0)
        return msgspec.structs.replace(made, **more)

    def step(self, seconds: float = 0.0) -> None:
        """So much passes, and the agent looks."""
        self.local_us += round(seconds * 1e6)
        if self.tester.step(NOW_US, self.local_us):
            self.shelf.want(self.tester.wanted(), [self.server.base])

    def settled(self, rendition: Rendition) -> bool:
        return self.shelf.path_of(rendition) is not None or self.shelf.failure_of(rendition) is not None

    def attempt(self, action: SelfTest) -> None:
        """Until an attempt is through or has failed."""
        self.step()
        until(lambda: self.settled(action.media))
        self.step()
        running = self.tester._running
        if running is not None and running.check is not None:
            running.check.join()
            self.step()

    def reports(self) -> list[SelfTestReport]:
        keys = {OWN.kid: PublicKey(OWN.public)}
        return [
            open_sealed(pending.payload, SelfTestReport, keys, to=CONTROLLER, now_us=NOW_US)
            for pending in self.outbox.due(0)
        ]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr("receiver.store.shelf._RETRY", BackOff(0.05, 0.05))
    server = Server()
    made = Bench(tmp_path, server)
    yield made
    made.shelf.close()
    server.close()


def test_it_fetches_decodes_reports_and_leaves_nothing(bench: Bench) -> None:
    action = bench.action()
    bench.tester.take(action, 0)
    bench.attempt(action)
    [report] = bench.reports()
    assert (report.test, report.ok, report.failed_step, report.attempts) == ("t1", True, "", 1)
    assert bench.server.asked == [(action.media.path, "")]
    assert (bench.shelf.path_of(action.media), bench.tester.wanted()) == (None, [])


@pytest.mark.parametrize(
    ("case", "failed_step"),
    [
        ("gone", "fetch"),
        ("another file", "verify"),
        ("no sound", "decode"),
        ("too long", "length"),
        ("too quiet", "level"),
        ("no speaker", "speaker"),
    ],
)
def test_each_step_that_fails_is_named_after_a_second_try(bench: Bench, case: str, failed_step: str) -> None:
    action = bench.action(b"no sound" * 90) if case == "no sound" else bench.action()
    if case == "gone":
        bench.server.files.clear()
    elif case == "another file":
        bench.server.files[action.media.path] = bytes(action.media.bytes)
    elif case == "too long":
        action = msgspec.structs.replace(action, frames=RATE * 2)
    elif case == "too quiet":
        action = msgspec.structs.replace(action, level_dbfs=-20.0)
    bench.speaker_runs = case != "no speaker"
    bench.tester.take(action, 0)
    for _ in range(2):
        bench.attempt(action)
        if case == "gone":
            bench.step(FETCH_WITHIN_US / 1e6)
        bench.local_us += AGAIN_AFTER_US
    [report] = bench.reports()
    assert (report.ok, report.failed_step, report.attempts) == (False, failed_step, 2)
    assert report.detail


def test_what_failed_once_may_pass_the_second_time(bench: Bench) -> None:
    action = bench.action()
    bench.speaker_runs = False
    bench.tester.take(action, 0)
    bench.attempt(action)
    assert bench.reports() == []
    bench.speaker_runs = True
    bench.step(AGAIN_AFTER_US / 1e6 - 1)
    assert bench.tester.wanted() == []
    bench.step(1)
    bench.attempt(action)
    [report] = bench.reports()
    assert (report.ok, report.attempts) == (True, 2)
    assert len(bench.server.asked) == 2, "fetched anew"


def test_it_begins_within_the_spread_and_is_not_begun_twice(bench: Bench) -> None:
    action = bench.action(spread_ms=600_000)
    bench.tester.take(action, 0)
    begins_us = bench.tester._running.begins_at_us  # type: ignore[union-attr]
    assert 0 <= begins_us <= 600_000_000
    bench.tester.take(action, 100)
    assert bench.tester._running.begins_at_us == begins_us  # type: ignore[union-attr]
    bench.step(begins_us / 1e6 - 0.001)
    assert bench.tester.wanted() == []
    bench.step(0.001)
    assert [wanted.rendition for wanted in bench.tester.wanted()] == [action.media]


def test_the_file_read_back_is_verified_too(bench: Bench) -> None:
    action = bench.action()
    bench.tester.take(action, 0)
    bench.step()
    until(lambda: bench.shelf.path_of(action.media))
    path = bench.shelf.path_of(action.media)
    assert path is not None
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    assert hashlib.sha256(content).hexdigest() != action.media.sha256
    bench.attempt(action)
    assert bench.tester._running.attempt == 2  # type: ignore[union-attr]

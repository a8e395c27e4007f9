"""No commune's uploads hold up another commune's, and none holds up a recording for an emergency."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from broadcast.clip_maker import ClipMaker
from broadcast.ingest import Ingest
from broadcast.ingest_jobs import IngestJob
from broadcast.ingest_queue import IngestQueue
from broadcast.media import Media
from devices.communes import add_commune
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE, COMMUNE_NAME, OPERATOR

NEIGHBOUR = "thieu-duy"


class Bench:
    """Takes the place of the clip maker: notes the order, and holds while `gate` is closed."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.gate = threading.Event()
        self.closed_for = ""

    def make(self, job: IngestJob, path: Path) -> None:
        self.order.append(job.title)
        if job.title == self.closed_for:
            self.gate.wait(20)
        path.unlink()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()
    monkeypatch.setattr(ClipMaker, "make", lambda _, job, path: made.make(job, path))
    return made


@pytest.fixture
def ingest(database: Database, tmp_path: Path, clock: ManualClock) -> Ingest:
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
        add_commune(session, NEIGHBOUR, "Xã Thiệu Duy")
    return Ingest(
        database,
        Media(tmp_path / "media"),
        Media(tmp_path / "originals"),
        clock,
        most_bytes=1_000_000,
        most_hours=4,
    )


def upload(ingest: Ingest, commune_id: str, title: str, *, urgent: bool = False) -> str:
    sent = ingest.open_upload(commune_id, f"{title}.mp3", by=OPERATOR, title=title, urgent=urgent)
    sent.write(title.encode())
    sent.finish()
    return sent.job_id


def wait_until(condition: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline_s:
        time.sleep(0.005)
    return condition()


def test_communes_take_turns_and_within_one_the_oldest_is_first() -> None:
    queue = IngestQueue()
    for job_id in ("a1", "a2", "a3"):
        queue.put("a", job_id)
    queue.put("b", "b1")
    queue.put("c", "c1")
    queue.put("b", "b2")
    assert [queue.take() for _ in range(7)] == ["a1", "b1", "c1", "a2", "b2", "a3", None]


def test_a_commune_with_fifty_uploads_does_not_hold_another_ones(ingest: Ingest, bench: Bench) -> None:
    bench.closed_for = "Bản tin 0"
    ingest.start()
    try:
        upload(ingest, COMMUNE, "Bản tin 0")
        assert wait_until(lambda: bench.order == ["Bản tin 0"])
        for number in range(1, 50):
            upload(ingest, COMMUNE, f"Bản tin {number}")
        upload(ingest, NEIGHBOUR, "Thông báo")
        bench.gate.set()
        assert wait_until(lambda: "Thông báo" in bench.order)
    finally:
        ingest.close()
    assert bench.order[:3] == ["Bản tin 0", "Bản tin 1", "Thông báo"]


def test_communes_take_turns_after_a_restart_too(
    ingest: Ingest, bench: Bench, database: Database, tmp_path: Path, clock: ManualClock
) -> None:
    for number in range(3):
        upload(ingest, COMMUNE, f"Bản tin {number}")
    upload(ingest, NEIGHBOUR, "Thông báo")
    after = Ingest(
        database, Media(tmp_path / "media"), Media(tmp_path / "originals"), clock, most_bytes=1_000_000, most_hours=4
    )
    after.start()
    try:
        assert wait_until(lambda: len(bench.order) == 4)
    finally:
        after.close()
    assert bench.order[1] == "Thông báo"


def test_a_recording_for_an_emergency_waits_for_none_that_is_processed(ingest: Ingest, bench: Bench) -> None:
    bench.closed_for = "Bốn giờ"
    ingest.start()
    try:
        upload(ingest, COMMUNE, "Bốn giờ")
        upload(ingest, NEIGHBOUR, "Thông báo")
        assert wait_until(lambda: bench.order == ["Bốn giờ"])
        upload(ingest, NEIGHBOUR, "Vỡ đê", urgent=True)
        assert wait_until(lambda: bench.order == ["Bốn giờ", "Vỡ đê"])
    finally:
        bench.gate.set()
        ingest.close()

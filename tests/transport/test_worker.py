"""The worker that controller and receiver share."""

import logging
import queue
from collections.abc import Iterator

import pytest

from transport.worker import BackOff, Worker

#: Longer than any of these tests takes: a wait that is reached was not ended by what should have ended it.
NEVER_S = 3600.0
SOON_S = 10.0


class Steps:
    """A step that reports each turn and does what the script says: a wait, None, or an exception."""

    def __init__(self, *script: float | Exception | None) -> None:
        self._script = iter(script)
        self.turns: queue.Queue[int] = queue.Queue()
        self.count = 0

    def __call__(self) -> float | None:
        self.count += 1
        self.turns.put(self.count)
        planned = next(self._script, None)
        if isinstance(planned, Exception):
            raise planned
        return planned


@pytest.fixture
def started() -> Iterator[list[Worker]]:
    workers: list[Worker] = []
    yield workers
    for worker in workers:
        worker.close(SOON_S)


def test_waits_double_up_to_the_limit() -> None:
    back_off = BackOff(2.0, 300.0)
    assert [back_off.wait_s(n) for n in (1, 2, 3, 4)] == [2.0, 4.0, 8.0, 16.0]
    assert back_off.wait_s(60) == back_off.wait_s(5000) == 300.0


def test_with_jitter_half_of_each_wait_is_random() -> None:
    back_off = BackOff(2.0, 300.0, jitter=True)
    for failures, most_s in ((1, 2.0), (3, 8.0), (60, 300.0)):
        waits = [back_off.wait_s(failures) for _ in range(200)]
        assert most_s / 2 <= min(waits) < max(waits) <= most_s
        assert max(waits) - min(waits) > most_s / 4


def test_the_step_is_taken_at_once_and_again_after_its_wait(started: list[Worker]) -> None:
    steps = Steps(0.0, 0.0, NEVER_S)
    started.append(Worker(steps, "test"))
    started[0].start()
    assert [steps.turns.get(timeout=SOON_S) for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("wait_s", [None, NEVER_S])
def test_waking_ends_the_wait(started: list[Worker], wait_s: float | None) -> None:
    steps = Steps(wait_s, NEVER_S)
    started.append(Worker(steps, "test"))
    started[0].start()
    assert steps.turns.get(timeout=SOON_S) == 1
    started[0].wake()
    assert steps.turns.get(timeout=SOON_S) == 2


def test_a_wake_up_during_a_step_is_not_lost(started: list[Worker]) -> None:
    steps = Steps()

    def step() -> float | None:
        if steps.count == 0:
            worker.wake()
        return steps()

    worker = Worker(step, "test")
    started.append(worker)
    worker.start()
    assert [steps.turns.get(timeout=SOON_S) for _ in range(2)] == [1, 2]


def test_failures_are_logged_and_tried_again_later_each_time(caplog: pytest.LogCaptureFixture) -> None:
    steps = Steps(ValueError("one"), ValueError("two"), 7.0, ValueError("three"))
    worker = Worker(steps, "test", back_off=BackOff(1.0, 60.0))
    with caplog.at_level(logging.ERROR):
        assert [worker.turn() for _ in range(4)] == [1.0, 2.0, 7.0, 1.0]
    assert [record.exc_info[1].args for record in caplog.records if record.exc_info and record.exc_info[1]] == [
        ("one",),
        ("two",),
        ("three",),
    ]


def test_closing_ends_a_wait_and_a_step_that_waits_elsewhere() -> None:
    socket: queue.Queue[str] = queue.Queue()
    entered: queue.Queue[bool] = queue.Queue()

    def step() -> float:
        entered.put(True)
        socket.get(timeout=NEVER_S)
        return NEVER_S

    worker = Worker(step, "test", interrupt=lambda: socket.put("wake"))
    worker.start()
    assert entered.get(timeout=SOON_S)
    assert worker.close(SOON_S)
    assert worker.stopping.is_set()
    assert not worker.is_alive


def test_a_step_that_does_not_end_is_reported_by_closing() -> None:
    gate: queue.Queue[None] = queue.Queue()
    entered: queue.Queue[bool] = queue.Queue()

    def step() -> None:
        entered.put(True)
        gate.get(timeout=NEVER_S)

    worker = Worker(step, "test")
    worker.start()
    assert entered.get(timeout=SOON_S)
    assert not worker.close(0.0)
    gate.put(None)
    assert worker.close(SOON_S)


def test_one_that_was_closed_can_be_started_again(started: list[Worker]) -> None:
    steps = Steps()
    started.append(Worker(steps, "test"))
    for turn in (1, 2):
        started[0].start()
        assert steps.turns.get(timeout=SOON_S) == turn
        assert started[0].close(SOON_S)


def test_closing_one_that_was_never_started_does_nothing() -> None:
    assert Worker(Steps(), "test").close(SOON_S)

"""Slots are given to the sources in turn, and one source takes no more than its share."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from runtime.fair_slots import FairSlots, TooManyWaiting


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.002)


class Workers:
    """Threads that note the order in which they got a slot."""

    def __init__(self, slots: FairSlots) -> None:
        self.slots, self.order, self.threads = slots, list[str](), list[threading.Thread]()

    def add(self, source: str) -> None:
        """Waits in line when this returns."""

        def work() -> None:
            with self.slots.slot(source, timeout_s=10):
                self.order.append(source)

        before = self.waiting
        self.threads.append(threading.Thread(target=work))
        self.threads[-1].start()
        wait_until(lambda: self.waiting == before + 1)

    @property
    def waiting(self) -> int:
        return sum(len(turns) for turns in self.slots._waiting.values())

    def join(self) -> list[str]:
        for thread in self.threads:
            thread.join(10)
        return self.order


def test_sources_take_turns() -> None:
    slots = FairSlots(1)
    workers = Workers(slots)
    with slots.slot("a", timeout_s=1):
        for source in ("a", "a", "a", "b", "c", "b"):
            workers.add(source)
    assert workers.join() == ["a", "b", "c", "a", "b", "a"]


def test_one_source_leaves_a_slot_to_another() -> None:
    slots = FairSlots(2, at_once_of_one=1)
    workers = Workers(slots)
    with slots.slot("a", timeout_s=1):
        workers.add("a")
        with slots.slot("b", timeout_s=1):
            assert workers.order == []
        assert workers.order == []
    assert workers.join() == ["a"]


def test_a_source_that_waits_with_too_many_is_refused_and_others_are_not() -> None:
    slots = FairSlots(1, most_waiting_of_one=1)
    workers = Workers(slots)
    with slots.slot("a", timeout_s=1):
        workers.add("a")
        with pytest.raises(TooManyWaiting), slots.slot("a", timeout_s=1):
            pass
        workers.add("b")
    assert workers.join() == ["a", "b"]


def test_all_sources_together_wait_with_so_many_only() -> None:
    slots = FairSlots(1, most_waiting=2)
    workers = Workers(slots)
    with slots.slot("a", timeout_s=1):
        workers.add("b")
        workers.add("c")
        with pytest.raises(TooManyWaiting), slots.slot("d", timeout_s=1):
            pass
    assert workers.join() == ["b", "c"]


def test_who_waited_in_vain_takes_no_slot() -> None:
    slots = FairSlots(1)
    with ExitStack() as held:
        held.enter_context(slots.slot("a", timeout_s=1))
        with pytest.raises(TimeoutError), slots.slot("b", timeout_s=0.01):
            pass
    with slots.slot("b", timeout_s=1), pytest.raises(TimeoutError), slots.slot("c", timeout_s=0.01):
        pass
    with slots.slot("c", timeout_s=0.5):
        pass


def test_a_slot_is_free_again_after_an_error() -> None:
    slots = FairSlots(1)
    with pytest.raises(KeyError), slots.slot("a", timeout_s=1):
        raise KeyError
    with slots.slot("a", timeout_s=0.5):
        pass

"""Time is asked for by datagram where one gets through, and by the broker where none does."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from receiver.timing.station_time import StationTime
from receiver.timing.time_asker import TimeAsker
from receiver.timing.time_link import SILENT_AFTER, TimeLink
from tests.receiver.plans import KEY, KEYS, NOW_US
from wire.sealing import SealingKey
from wire.time import TimeAsk, TimeTell
from wire.time_datagrams import MOST_BYTES, unpack_ask


def local_us() -> int:
    return time.monotonic_ns() // 1000


BEGAN_US = local_us()


def answer(ask: TimeAsk, key: SealingKey = KEY) -> bytes:
    at_us = NOW_US + local_us() - BEGAN_US
    return key.seal(
        TimeTell(
            to="r/loa-1",
            revision=at_us,
            issued_at_us=at_us,
            expires_at_us=at_us + 30_000_000,
            nonce=ask.nonce,
            asked_local_us=ask.asked_local_us,
            heard_at_us=at_us,
            told_at_us=at_us,
        )
    )


class Controller:
    """Answers datagrams in a thread, with the key it is given; with none it only listens."""

    def __init__(self) -> None:
        self.key: SealingKey | None = KEY
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"end", self._socket.getsockname())
            self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while (came := self._socket.recvfrom(MOST_BYTES))[0] != b"end":
            receiver, ask = unpack_ask(came[0])
            assert receiver == "loa-1"
            self.asked += 1
            if self.key is not None:
                self._socket.sendto(answer(ask, self.key), came[1])


class Broker:
    """The way through the broker: what is sent is kept, and answered by hand."""

    def __init__(self) -> None:
        self.is_connected = True
        self.sent: list[TimeAsk] = []

    def send(self, ask: TimeAsk) -> None:
        self.sent.append(ask)


class Ends:
    """A link, and both its ways."""

    def __init__(self, folder: Path) -> None:
        self.controller, self.broker, self.station = Controller(), Broker(), StationTime()
        self.asker = TimeAsker(self.station, "loa-1", KEYS, folder / "time.json")
        self.link = TimeLink(self.asker, "loa-1", self.broker, local_us, try_every_us=300_000)

    def turn_until(self, holds: Callable[[], bool]) -> None:
        for _ in range(400):
            if holds():
                return
            self.link.turn()
        raise AssertionError("it never came to that")


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    made = Ends(tmp_path)
    yield made
    made.link.close()
    made.controller.close()


def test_asked_by_datagram_the_clock_locks_without_any_broker(ends: Ends) -> None:
    ends.broker.is_connected = False
    ends.link.set_address(ends.controller.address)
    ends.turn_until(lambda: ends.station.locked)
    assert ends.link.by_datagram
    assert ends.broker.sent == []
    assert abs(ends.station.to_controller_us(local_us()) - (NOW_US + local_us() - BEGAN_US)) < 5_000


def test_while_no_address_is_known_the_broker_is_asked(ends: Ends) -> None:
    ends.turn_until(lambda: len(ends.broker.sent) >= 2)
    ends.link.answered_by_broker(answer(ends.broker.sent[-1]), local_us())
    assert ends.station.exchanges == 1
    assert not ends.link.by_datagram


def test_datagrams_that_nobody_answers_give_way_to_the_broker_and_are_tried_again(ends: Ends) -> None:
    ends.controller.key = None
    ends.link.set_address(ends.controller.address)
    ends.turn_until(lambda: len(ends.broker.sent) >= 2)
    assert SILENT_AFTER - 1 <= ends.controller.asked <= SILENT_AFTER + 1
    assert not ends.link.by_datagram
    ends.controller.key = KEY
    ends.turn_until(lambda: ends.link.by_datagram)
    by_broker = len(ends.broker.sent)
    ends.turn_until(lambda: ends.station.exchanges > 5)
    assert len(ends.broker.sent) == by_broker


def test_forged_answers_are_no_answers(ends: Ends) -> None:
    ends.controller.key = SealingKey(b"x" * 32)
    ends.link.set_address(ends.controller.address)
    ends.turn_until(lambda: len(ends.broker.sent) >= 1)
    assert not ends.link.by_datagram
    assert ends.asker.refused["unknown_key"] >= 1
    assert ends.station.exchanges == 0


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.0.0.1:no", "127.0.0.1:99999", "::::", "name.invalid:1883", "-:1"]
)
def test_an_address_that_is_none_leaves_the_broker(ends: Ends, address: str) -> None:
    ends.link.set_address(address)
    ends.turn_until(lambda: len(ends.broker.sent) >= 1)
    assert not ends.link.by_datagram


def test_where_nobody_listens_the_broker_is_asked_at_once(ends: Ends) -> None:
    ends.controller.close()
    ends.link.set_address(ends.controller.address)
    ends.turn_until(lambda: len(ends.broker.sent) >= 1)
    assert not ends.link.by_datagram


def test_without_any_way_it_is_tried_again_and_again(ends: Ends) -> None:
    ends.controller.key, ends.broker.is_connected = None, False
    ends.link.set_address(ends.controller.address)
    ends.turn_until(lambda: ends.controller.asked > SILENT_AFTER)
    assert ends.broker.sent == []


def test_the_thread_asks_by_itself_and_ends(ends: Ends) -> None:
    ends.link.set_address(ends.controller.address)
    ends.link.start()
    deadline_s = time.monotonic() + 10
    while not ends.station.locked and time.monotonic() < deadline_s:
        time.sleep(0.01)
    ends.link.close()
    assert ends.station.locked

"""Only the answers to what was asked move the clock; what was known outlives a restart of the program."""

from pathlib import Path

import pytest

from receiver.timing.station_time import StationTime
from receiver.timing.time_asker import TimeAsker
from tests.receiver.plans import KEY, KEYS, NOW_US
from wire.sealing import SealingKey
from wire.time import TimeAsk, TimeTell

LOCAL_US = 5_000_000_000


def tell(ask: TimeAsk, local_us: int, **more: object) -> TimeTell:
    at_us = NOW_US + (local_us - LOCAL_US)
    fields = {
        "to": "r/loa-1",
        "revision": 1,
        "issued_at_us": at_us,
        "expires_at_us": at_us + 30_000_000,
        "nonce": ask.nonce,
        "asked_local_us": ask.asked_local_us,
        "heard_at_us": at_us,
        "told_at_us": at_us,
    }
    return TimeTell(**{**fields, **more})  # type: ignore[arg-type]


@pytest.fixture
def asker(tmp_path: Path) -> TimeAsker:
    return TimeAsker(StationTime(), "loa-1", KEYS, tmp_path / "time.json")


def exchange(asker: TimeAsker, local_us: int) -> None:
    ask = asker.ask(local_us)
    asker.answered(KEY.seal(tell(ask, local_us + 500)), local_us + 1000)


def test_answers_to_what_was_asked_lock_the_clock(tmp_path: Path) -> None:
    station = StationTime()
    asker = TimeAsker(station, "loa-1", KEYS, tmp_path / "time.json")
    for k in range(10):
        exchange(asker, LOCAL_US + k * 60_000)
    assert station.locked
    assert abs(station.to_controller_us(LOCAL_US) - NOW_US) < 5
    assert asker.refused == {}


def test_forged_replayed_and_unasked_answers_are_refused_and_counted(asker: TimeAsker) -> None:
    ask = asker.ask(LOCAL_US)
    good = tell(ask, LOCAL_US + 500)
    asker.answered(SealingKey(b"x" * 32).seal(good), LOCAL_US + 1000)
    asker.answered(KEY.seal(tell(ask, LOCAL_US, to="r/another")), LOCAL_US + 1000)
    asker.answered(KEY.seal(tell(ask, LOCAL_US, nonce="f" * 16)), LOCAL_US + 1000)
    asker.answered(KEY.seal(good), LOCAL_US + 1000)
    asker.answered(KEY.seal(good), LOCAL_US + 2000)  # once more
    assert asker.refused == {"unknown_key": 1, "not_for_us": 1, "old": 2}


def test_what_was_known_is_taken_up_after_a_restart_with_an_error_that_has_grown(tmp_path: Path) -> None:
    before = StationTime()
    asker = TimeAsker(before, "loa-1", KEYS, tmp_path / "time.json")
    for k in range(40):
        exchange(asker, LOCAL_US + k * 60_000)
    asker.keep(LOCAL_US + 3_000_000)
    after, said = StationTime(), list[str]()
    TimeAsker(after, "loa-1", KEYS, tmp_path / "time.json").recall(lambda: LOCAL_US + 63_000_000, said.append)
    assert after.locked
    assert said
    assert abs(after.to_controller_us(LOCAL_US + 63_000_000) - (NOW_US + 63_000_000)) < 2_000
    assert after.error_us(LOCAL_US + 63_000_000) > before.error_us(LOCAL_US + 3_000_000)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"boot": "another"}', b"\xff"])
def test_a_damaged_or_foreign_memory_is_no_memory(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "time.json").write_bytes(content)
    station = StationTime()
    TimeAsker(station, "loa-1", KEYS, tmp_path / "time.json").recall(lambda: LOCAL_US, print)
    assert not station.locked

"""A key switch at the receiver: it starts what is prepared, ends it, and no stuck contact does either."""

from pathlib import Path

import msgspec
import pytest

from receiver.alerts.local_trigger_switch import LocalTriggerSwitch
from tests.receiver.alerts.station import LEAVE, SIREN, STORM, VILLAGE, Station, book
from tests.receiver.plans import KEY, NOW_US, SECOND_US
from wire.alert_books import LocalTrigger


class Key:
    """A switch at a station whose chain needs half a second."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.switch = LocalTriggerSwitch(station.inbox, station.books, lambda: SECOND_US // 2)

    def turn(self, *readings: bool | None, at_s: float = 0.0) -> None:
        self.station.now_us = NOW_US + round(at_s * SECOND_US)
        for closed in readings:
            self.switch.step(closed, self.station.now_us)


@pytest.fixture
def key(tmp_path: Path) -> Key:
    station = Station(tmp_path)
    trigger = LocalTrigger(template=7, slots=[VILLAGE], speech_offset_ms=4_000, repeats=1)
    station.books.take(KEY.seal(msgspec.structs.replace(book(revision=2), local_trigger=trigger)), NOW_US)
    return Key(station)


def test_closing_starts_it_and_opening_ends_it(key: Key) -> None:
    key.turn(False, True, True)
    assert key.station.heard(0, 8, 1) == [SIREN] * 4 + [STORM, STORM, VILLAGE, LEAVE]
    key.turn(None, True, False, at_s=5)
    assert key.station.heard(5, 9, 1) == [0] * 4
    assert [(held.bearer, held.alert.is_end) for held in key.station.inbox.held()] == [
        ("local", False),
        ("local", True),
    ]
    key.turn(True, at_s=20)
    assert key.station.heard(20, 24, 1) == [SIREN] * 4


def test_a_contact_that_is_closed_at_the_start_starts_nothing(key: Key) -> None:
    key.turn(True, None, True)
    assert key.station.inbox.held() == []
    key.turn(False, True)
    assert len(key.station.inbox.held()) == 1


def test_without_something_prepared_nothing_sounds(key: Key) -> None:
    key.station.books.take(KEY.seal(book(revision=3)), NOW_US)
    key.turn(False, True, False)
    assert key.station.inbox.held() == []

"""Faults are told once when they come and once when they go; a clock that was not known is told when it is."""

from pathlib import Path

import pytest

from receiver.fault_reports import CLOCK_UNKNOWN_AFTER_US, FaultReports
from receiver.outbox import Outbox
from tests.receiver.plans import NOW_US, SECOND_US
from wire.reports import FaultReport
from wire.sealing import PublicKey, SealingKey, open_sealed

KEY = SealingKey(b"r" * 32)
LOCAL_US = 7_000_000


class Told:
    """What has gone into the outbox, opened."""

    def __init__(self, folder: Path) -> None:
        self.outbox = Outbox(folder, KEY)
        self.reports = FaultReports("loa-1", self.outbox)

    def all(self) -> list[tuple[str, bool, int]]:
        keys = {KEY.kid: PublicKey(KEY.public)}
        found = [
            open_sealed(letter.payload, FaultReport, keys, to="controller", now_us=None)
            for letter in self.outbox.due(LOCAL_US)
        ]
        return sorted((r.fault, r.present, r.at_us) for r in found)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path / "outbox")


def test_each_fault_is_told_when_it_comes_and_when_it_goes_and_not_between(told: Told) -> None:
    for k in range(3):
        told.reports.tell({"store_full": "no room"}, NOW_US + k, LOCAL_US + k)
    told.reports.tell({}, NOW_US + 9, LOCAL_US + 9)
    assert told.all() == [("store_full", False, NOW_US + 9), ("store_full", True, NOW_US)]


@pytest.mark.parametrize("lasted_us", [CLOCK_UNKNOWN_AFTER_US - 1, CLOCK_UNKNOWN_AFTER_US])
def test_a_clock_that_was_not_known_for_long_is_told_with_from_when_to_when(told: Told, lasted_us: int) -> None:
    for k in range(10):
        told.reports.clock_unknown(LOCAL_US + k)
    assert told.all() == []
    told.reports.tell({}, NOW_US, LOCAL_US + lasted_us)
    told.reports.tell({}, NOW_US + SECOND_US, LOCAL_US + lasted_us + SECOND_US)
    expected = [("clock_unknown", False, NOW_US), ("clock_unknown", True, NOW_US - lasted_us)]
    assert told.all() == (expected if lasted_us >= CLOCK_UNKNOWN_AFTER_US else [])

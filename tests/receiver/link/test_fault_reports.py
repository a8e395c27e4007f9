"""Faults are told once when they come and once when they go; a clock that was not known is told when it is."""

from pathlib import Path

import numpy as np
import pytest

from receiver.link.fault_reports import CLOCK_UNKNOWN_AFTER_US, FOUND_AGAIN_WITHIN_US, FaultReports, present_faults
from receiver.link.outbox import Outbox
from receiver.store.shelf import Shelf
from tests.fakes.speaker import FakeSpeaker
from tests.receiver.plans import NOW_US, SECOND_US
from wire.reports import FaultReport
from wire.sealing import PublicKey, SealingKey, open_sealed

KEY = SealingKey(b"r" * 32)
LOCAL_US = 7_000_000


class Told:
    """What has gone into the outbox, opened."""

    def __init__(self, folder: Path) -> None:
        self.outbox = Outbox(folder / "outbox", KEY)
        self.folder = folder
        self.start_anew(0)

    def start_anew(self, local_us: int) -> None:
        self.reports = FaultReports("loa-1", self.outbox, self.folder / "faults.json", began_local_us=local_us)

    def all(self) -> list[tuple[str, bool, int]]:
        keys = {KEY.kid: PublicKey(KEY.public)}
        found = [
            open_sealed(pending.payload, FaultReport, keys, to="controller", now_us=None)
            for pending in self.outbox.due(LOCAL_US)
        ]
        return sorted((r.fault, r.present, r.at_us) for r in found)


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path)


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


def test_a_fault_that_outlives_a_start_is_not_told_again_and_one_that_does_not_is_told_gone(told: Told) -> None:
    told.reports.tell({"store_full": "no room", "card": "none"}, NOW_US, LOCAL_US)
    told.start_anew(LOCAL_US)
    told.reports.tell({}, NOW_US + 1, LOCAL_US + 1)  # neither was looked for yet
    told.reports.tell({"store_full": "no room"}, NOW_US + 2, LOCAL_US + 2)
    assert told.all() == [("card", True, NOW_US), ("store_full", True, NOW_US)]
    told.outbox.send_all_again()
    told.reports.tell({"store_full": "no room"}, NOW_US + 3, LOCAL_US + FOUND_AGAIN_WITHIN_US)
    assert told.all() == [("card", False, NOW_US + 3), ("card", True, NOW_US), ("store_full", True, NOW_US)]


def test_once_found_again_it_is_told_gone_as_soon_as_it_is(told: Told) -> None:
    told.reports.tell({"media": "rot"}, NOW_US, LOCAL_US)
    told.start_anew(LOCAL_US)
    told.reports.tell({"media": "rot"}, NOW_US + 1, LOCAL_US + 1)
    told.reports.tell({}, NOW_US + 2, LOCAL_US + 2)
    assert told.all() == [("media", False, NOW_US + 2), ("media", True, NOW_US)]


@pytest.mark.parametrize("content", [b"", b"7", b"\xff", b"{"])
def test_a_damaged_memory_of_faults_is_none(told: Told, content: bytes) -> None:
    (told.folder / "faults.json").write_bytes(content)
    told.start_anew(0)
    told.reports.tell({}, NOW_US, FOUND_AGAIN_WITHIN_US)
    assert told.all() == []


def test_a_full_disk_and_audio_that_came_damaged_are_faults_until_they_are_gone(tmp_path: Path) -> None:
    speaker = FakeSpeaker()
    speaker.open(lambda stretch: np.zeros(stretch.frames, np.float32))
    full = Shelf(tmp_path / "full", reserve_bytes=1 << 62)  # no disk has so much left
    assert list(present_faults(speaker, full, "", "")) == ["store_full"]
    shelf = Shelf(tmp_path / "shelf", reserve_bytes=0)
    assert present_faults(speaker, shelf, "", "") == {}
    assert present_faults(speaker, shelf, "", "step 2: pin GPIO17") == {"chain": "step 2: pin GPIO17"}
    assert present_faults(speaker, shelf, "Bản tin: rot", "") == {"media": "Bản tin: rot"}
    speaker.close()
    assert list(present_faults(speaker, shelf, "", "")) == ["card"]

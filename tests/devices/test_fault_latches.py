"""Latched faults: in sight until acknowledged and, once gone, reset; in this order."""

from datetime import timedelta

import pytest

from devices import fault_latches, faults
from devices.fault_latches import LatchState
from devices.faults import FaultKey
from runtime.refusal import NotFound, Refusal
from tests.cast import MORNING
from tests.devices.conftest import Site
from wire.reports import Presence


def at(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


def say(site: Site, present: bool, minutes: int, fault: str = "card", receiver_id: str = "thon-1") -> None:
    with site.database.writing() as session:
        faults.note(session, receiver_id, fault, present=present, at=MORNING + at(minutes))


def seen(site: Site, by: str = "Lan", minutes: int = 10, fault: str = "card") -> None:
    with site.database.writing() as session:
        fault_latches.acknowledge(session, FaultKey(fault, "thon-1"), by=by, now=MORNING + at(minutes))


def mended(site: Site, minutes: int = 20, fault: str = "card") -> None:
    with site.database.writing() as session:
        fault_latches.reset(session, FaultKey(fault, "thon-1"), by="Minh", now=MORNING + at(minutes))


def states(site: Site, *receiver_ids: str) -> list[tuple[str, str, LatchState, int]]:
    with site.database.session() as session:
        found = fault_latches.latches(session, receiver_ids or ("thon-1",))
        return [(latch.newest.receiver_id, latch.newest.fault, latch.state, latch.times) for latch in found]


def test_a_fault_goes_from_new_through_acknowledged_and_gone_to_nothing(site: Site) -> None:
    say(site, True, 0)
    assert states(site) == [("thon-1", "card", LatchState.NEW, 1)]
    seen(site)
    assert states(site) == [("thon-1", "card", LatchState.ACKNOWLEDGED, 1)]
    say(site, False, 15)
    assert states(site) == [("thon-1", "card", LatchState.GONE, 1)]
    mended(site)
    assert states(site) == []
    with site.database.session() as session:
        [row] = faults.history(session, "thon-1")
        assert (row.acknowledged_by, row.acknowledged_at) == ("Lan", MORNING + at(10))
        assert (row.reset_by, row.reset_at) == ("Minh", MORNING + at(20))


def test_one_that_came_and_went_in_the_night_waits_for_the_morning(site: Site) -> None:
    say(site, True, 0)
    say(site, False, 1)
    assert states(site) == [("thon-1", "card", LatchState.NEW, 1)]


def test_what_is_still_there_or_was_seen_by_nobody_cannot_be_reset(site: Site) -> None:
    say(site, True, 0)
    with pytest.raises(Refusal, match="still there"):
        mended(site)
    seen(site)
    with pytest.raises(Refusal, match="still there"):
        mended(site)
    say(site, False, 11)
    say(site, True, 12)
    say(site, False, 13)
    with pytest.raises(Refusal, match="Acknowledge"):
        mended(site)
    assert states(site) == [("thon-1", "card", LatchState.NEW, 2)]


def test_one_that_comes_again_must_be_acknowledged_again_and_names_stay(site: Site) -> None:
    say(site, True, 0)
    seen(site, by="Lan")
    say(site, False, 11)
    say(site, True, 12)
    assert states(site) == [("thon-1", "card", LatchState.NEW, 2)]
    seen(site, by="Hoa", minutes=14)
    with site.database.session() as session:
        [latch] = fault_latches.latches(session, ["thon-1"])
        assert (latch.acknowledged_by, latch.first_at) == ("Hoa", MORNING)
        assert [row.acknowledged_by for row in faults.history(session, "thon-1")] == ["Hoa", "Lan"]


def test_what_is_not_there_can_be_neither_acknowledged_nor_reset(site: Site) -> None:
    with pytest.raises(NotFound):
        seen(site)
    with pytest.raises(NotFound):
        mended(site)


def test_only_the_receivers_asked_for_and_what_nobody_has_seen_first(site: Site) -> None:
    say(site, True, 0)
    seen(site)
    say(site, True, 3, "media")
    say(site, True, 1, "store_full")
    say(site, True, 2, receiver_id="thon-2")
    assert [(name, fault) for name, fault, _, _ in states(site)] == [
        ("thon-1", "media"),
        ("thon-1", "store_full"),
        ("thon-1", "card"),
    ]
    assert len(states(site, "thon-1", "thon-2")) == 4


@pytest.mark.parametrize(("cause", "is_fault"), [("", True), ("stopped", False), ("reboot", False)])
def test_a_link_lost_without_a_farewell_is_latched_and_not_shown_twice(site: Site, cause: str, is_fault: bool) -> None:
    site.enrol("thon-1")
    now = MORNING
    site.watch.presence_received("thon-1", Presence(session=1, online=True), now, retained=False)
    site.watch.sweep(now)
    site.watch.presence_received("thon-1", Presence(session=1, online=False, cause=cause), now + at(1), retained=False)
    site.watch.sweep(now + at(1))
    assert states(site) == ([("thon-1", "link", LatchState.NEW, 1)] if is_fault else [])
    with site.database.session() as session:
        assert faults.current(session) == {}
        assert faults.history(session, "thon-1") == []
    site.watch.presence_received("thon-1", Presence(session=2, online=True), now + at(2), retained=False)
    site.watch.sweep(now + at(2))
    with site.database.session() as session:
        assert [latch.present for latch in fault_latches.latches(session, ["thon-1"])] == [False] * is_fault

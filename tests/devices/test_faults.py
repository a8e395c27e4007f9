"""Faults: which are there now, since when, and what was before."""

from datetime import timedelta

import pytest

from devices.faults import current, history, take_report
from tests.cast import MORNING
from tests.devices.conftest import Site
from wire.messages import CONTROLLER
from wire.reports import FaultReport

MORNING_US = 1_795_471_200_000_000


def report(present: bool, after_s: int, fault: str = "card", detail: str = "") -> FaultReport:
    return FaultReport(
        to=CONTROLLER,
        revision=1,
        issued_at_us=1,
        expires_at_us=2,
        report="r",
        receiver="thon-1",
        fault=fault,
        present=present,
        at_us=MORNING_US + after_s * 1_000_000,
        detail=detail,
    )


def take(site: Site, *reports: FaultReport, receiver_id: str = "thon-1") -> None:
    with site.database.writing() as session:
        for each in reports:
            take_report(session, receiver_id, each)


def now(site: Site) -> dict[str, list[str]]:
    with site.database.session() as session:
        return {name: [fault.fault for fault in found] for name, found in current(session).items()}


def test_a_fault_is_there_until_it_is_said_gone(site: Site) -> None:
    take(site, report(True, 0, detail="no card"))
    assert now(site) == {"thon-1": ["card"]}
    take(site, report(False, 60))
    assert now(site) == {}
    with site.database.session() as session:
        [fault] = history(session, "thon-1")
    assert (fault.began_at, fault.ended_at, fault.detail) == (MORNING, MORNING + timedelta(seconds=60), "no card")


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ([(True, 0), (True, 5)], [(0, None)]),
        ([(False, 0)], []),
        ([(True, 0), (False, 5), (False, 6)], [(0, 5)]),
        ([(True, 0), (False, 5), (True, 9)], [(9, None), (0, 5)]),
    ],
)
def test_saying_it_twice_changes_nothing(
    site: Site, said: list[tuple[bool, int]], kept: list[tuple[int, int | None]]
) -> None:
    take(site, *(report(present, after_s) for present, after_s in said))
    with site.database.session() as session:
        found = [
            ((f.began_at - MORNING).seconds, (f.ended_at - MORNING).seconds if f.ended_at else None)
            for f in history(session, "thon-1")
        ]
    assert found == kept


def test_each_fault_and_each_receiver_stands_for_itself(site: Site) -> None:
    take(site, report(True, 0), report(True, 1, "store_full"))
    take(site, report(True, 2), receiver_id="thon-2")
    take(site, report(False, 3))
    assert now(site) == {"thon-1": ["store_full"], "thon-2": ["card"]}


def test_a_fault_nobody_knows_is_shown_as_it_is_and_a_long_detail_is_cut(site: Site) -> None:
    take(site, report(True, 0, "rain", "x" * 9000))
    with site.database.session() as session:
        [fault] = history(session, "thon-1")
    assert (fault.fault, len(fault.detail)) == ("rain", 500)


def test_the_history_comes_newest_first_and_no_longer_than_asked(site: Site) -> None:
    for k in range(4):
        take(site, report(True, 2 * k), report(False, 2 * k + 1))
    with site.database.session() as session:
        assert [(f.began_at - MORNING).seconds for f in history(session, "thon-1", limit=2)] == [6, 4]


def test_three_thousand_faults_of_one_receiver_are_bounded(site: Site) -> None:
    take(site, *(report(True, k, f"fault-{k}", "x" * 500) for k in range(300)))
    take(site, *(report(k % 2 == 0, 300 + k, "fault-0") for k in range(300)))
    take(site, report(True, 700, "n" * 61))
    with site.database.session() as session:
        kept = current(session)["thon-1"]
        assert len({fault.fault for fault in kept}) <= 50
        assert len(history(session, "thon-1", limit=10_000)) <= 150
    take(site, report(True, 0, "card"), receiver_id="thon-2")  # another receiver's are heard
    assert now(site)["thon-2"] == ["card"]

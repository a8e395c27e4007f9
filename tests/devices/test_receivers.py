"""Receivers: who is meant by a broadcast, and what they are set to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from devices.enrolment import retire_receiver
from devices.receivers import change_receiver, members, reached_by, receiver, receivers
from devices.zones import zones_of
from runtime.database import Database
from runtime.refusal import NotFound, Refusal
from tests.cast import COMMUNE
from tests.devices.conftest import Site
from wire.broadcasts import Targets


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are executed within."""
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture
def four(site: Site) -> Site:
    for name, zones in (("a", ["zone-1"]), ("b", ["zone-1", "zone-2"]), ("c", []), ("gone", ["zone-1"])):
        site.enrol(name, zones=zones)
    with site.database.writing() as session:
        retire_receiver(session, "gone", site.clock.now())
    return site


@pytest.mark.parametrize(
    ("targets", "meant"),
    [
        (Targets(all=True), ["a", "b", "c"]),
        (Targets(zones=["zone-1"]), ["a", "b"]),
        (Targets(zones=["zone-2"], receivers=["c"]), ["b", "c"]),
        (Targets(zones=["zone-1", "zone-2"]), ["a", "b"]),
        (Targets(receivers=["gone"]), []),
        (Targets(zones=["nowhere"], receivers=["nobody"]), []),
        (Targets(), []),
    ],
)
def test_who_is_meant_by_a_broadcast(four: Site, targets: Targets, meant: list[str]) -> None:
    with four.database.session() as session:
        assert [r.id for r in reached_by(session, COMMUNE, targets)] == meant
        assert reached_by(session, "another", targets) == []


def test_the_receiver_works_out_the_same_from_its_config(four: Site) -> None:
    targets = Targets(zones=["zone-2"], receivers=["c"])
    with four.database.session() as session:
        for each in receivers(session):
            meant = each in reached_by(session, COMMUNE, targets)
            assert targets.include(each.id, zones_of(session, each.id)) is meant


@pytest.mark.parametrize(
    "ask",
    [
        lambda site, session: reached_by(session, COMMUNE, Targets(zones=["zone-1"])),
        lambda site, session: site.downlink.configure_all(session, receivers(session)),
    ],
    ids=["reached_by", "configure_all"],
)
def test_the_number_of_queries_does_not_grow_with_the_receivers(site: Site, ask: Callable[..., Any]) -> None:
    counts = []
    for many in (2, 20):
        for k in range(many):
            site.enrol(f"r-{many}-{k}", zones=["zone-1"])
        with site.database.session() as session, counted(site.database) as statements:
            ask(site, session)
        counts.append(len([s for s in statements if s.startswith("SELECT")]))
    assert counts[0] == counts[1] <= 5


def test_those_out_of_service_are_not_listed_and_yet_found(four: Site) -> None:
    with four.database.session() as session:
        assert [r.id for r in receivers(session)] == ["a", "b", "c"]
        assert [r.id for r in members(session, "zone-1")] == ["a", "b"]
        assert receiver(session, "gone").retired_at == four.clock.now()
        with pytest.raises(NotFound, match="Receiver nobody does not exist"):
            receiver(session, "nobody")


def test_each_change_makes_a_newer_config(four: Site) -> None:
    with four.database.writing() as session:
        before = receiver(session, "a").config_revision
        found = change_receiver(
            session, "a", name=" Thôn 3 ", place="nhà văn hóa", zones=["zone-2"], path_delay_ms=12.5
        )
        assert found.config_revision == before + 1
        assert (found.name, found.place, found.path_delay_us) == ("Thôn 3", "nhà văn hóa", 12_500)
        assert zones_of(session, "a") == ["zone-2"]


@pytest.mark.parametrize(
    ("volume", "ceiling", "kept"), [(50, None, 50), (90, 60, 60), (None, 30, 30), (100, None, 100), (0, 0, 0)]
)
def test_the_volume_never_passes_its_ceiling(four: Site, volume: int | None, ceiling: int | None, kept: int) -> None:
    with four.database.writing() as session:
        found = change_receiver(session, "a", volume_percent=volume, volume_ceiling_percent=ceiling)
        assert found.volume_percent == kept


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " "}, "needs a name"),
        ({"volume_percent": 101}, "between 0 and 100"),
        ({"volume_ceiling_percent": -1}, "between 0 and 100"),
        ({"path_delay_ms": -0.1}, "between 0 and 2000 ms"),
        ({"path_delay_ms": 2000.1}, "between 0 and 2000 ms"),
        ({"path_delay_ms": float("nan")}, "between 0 and 2000 ms"),
        ({"amplifier_lead_ms": 60_001}, "between 0 and 60 s"),
        ({"zones": ["nowhere"]}, "not a zone of this commune"),
    ],
)
def test_what_cannot_be_is_refused_with_its_bounds(four: Site, change: dict[str, Any], sentence: str) -> None:
    with four.database.writing() as session, pytest.raises(Refusal, match=sentence):
        change_receiver(session, "a", **change)

"""Communes, stations and zones: short names that can stand in topics, and sentences when they cannot."""

import pytest

from devices.communes import add_commune, commune, communes
from devices.provinces import province_name
from devices.stations import StationKind, add_station, stations
from devices.zones import add_zone, set_zones, zone, zones, zones_of, zones_of_all
from runtime.refusal import NotFound, Refusal
from tests.cast import COMMUNE
from tests.devices.conftest import Site


def test_a_commune_is_found_by_its_short_name(site: Site) -> None:
    with site.database.session() as session:
        found = commune(session, COMMUNE)
        assert (found.name, found.zone.key) == ("Xã Thiệu Trung", "Asia/Ho_Chi_Minh")
        assert province_name(session, found.province_id) == "Thanh Hóa"


def test_communes_come_by_name(site: Site) -> None:
    with site.database.writing() as session:
        add_commune(session, "a-second", "Xã An Bình")
        assert [c.name for c in communes(session)] == ["Xã An Bình", "Xã Thiệu Trung"]


def test_without_a_name_the_short_name_is_shown(site: Site) -> None:
    with site.database.writing() as session:
        assert add_commune(session, "an-binh", "  ").name == "an-binh"


@pytest.mark.parametrize("bad", ["Xã", "thiệu-trung", "-a", "a b", "a/b", "a+", "#", "a" * 64, "A"])
def test_a_short_name_that_cannot_stand_in_a_topic_is_refused_with_what_to_do(site: Site, bad: str) -> None:
    with site.database.writing() as session:
        for add in (lambda: add_commune(session, bad, "x"), lambda: add_zone(session, COMMUNE, bad, "x")):
            with pytest.raises(Refusal, match="Use 1 to 63 of a–z, 0–9 and hyphen"):
                add()


def test_a_short_name_that_is_taken_is_refused(site: Site) -> None:
    with site.database.writing() as session:
        with pytest.raises(Refusal, match="There is a commune thieu-trung already"):
            add_commune(session, COMMUNE, "x")
        with pytest.raises(Refusal, match="There is a zone zone-1 already"):
            add_zone(session, COMMUNE, "zone-1", "x")


@pytest.mark.parametrize("wrong", ["Asia/Hanoi_", "", "../../etc/passwd", "/etc/localtime"])
def test_an_unknown_time_zone_is_refused(site: Site, wrong: str) -> None:
    with site.database.writing() as session, pytest.raises(Refusal, match="no time zone"):
        add_commune(session, "an-binh", "x", time_zone=wrong)


def test_what_is_not_there_is_said_so(site: Site) -> None:
    with site.database.session() as session:
        with pytest.raises(NotFound, match="Commune nowhere does not exist"):
            commune(session, "nowhere")
        with pytest.raises(NotFound, match="Zone nowhere does not exist"):
            zone(session, "nowhere")


def test_a_station_needs_a_name(site: Site) -> None:
    with site.database.writing() as session, pytest.raises(Refusal, match="A station needs a name"):
        add_station(session, COMMUNE, StationKind.FM, " ")


def test_stations_and_zones_are_those_of_one_commune(site: Site) -> None:
    with site.database.writing() as session:
        add_commune(session, "an-binh", "Xã An Bình")
        add_station(session, "an-binh", StationKind.WIRED, "Loa kéo dây")
        add_zone(session, "an-binh", "an-binh-1", "Thôn 1")
        assert [s.name for s in stations(session, COMMUNE)] == ["IP Thiệu Trung"]
        assert [z.id for z in zones(session, COMMUNE)] == ["zone-1", "zone-2"]


def test_a_receiver_is_in_exactly_the_zones_that_were_set_last(site: Site) -> None:
    site.enrol("thon-1", zones=["zone-1"])
    with site.database.writing() as session:
        for wanted in (["zone-2", "zone-1"], ["zone-2"], ["zone-2", "zone-2"], []):
            set_zones(session, "thon-1", COMMUNE, wanted)
            assert zones_of(session, "thon-1") == sorted(set(wanted))
            assert zones_of_all(session, ["thon-1", "other"]) == {"thon-1": sorted(set(wanted)), "other": []}


def test_a_zone_of_another_commune_is_refused(site: Site) -> None:
    site.enrol("thon-1")
    with site.database.writing() as session:
        add_commune(session, "an-binh", "Xã An Bình")
        add_zone(session, "an-binh", "an-binh-1", "Thôn 1")
        with pytest.raises(Refusal, match="an-binh-1 is not a zone of this commune"):
            set_zones(session, "thon-1", COMMUNE, ["zone-1", "an-binh-1"])

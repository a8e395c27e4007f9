"""Stations: what the commune inherited, how each is, and which receivers belong to it."""

from pathlib import Path

import pytest

from devices.communes import add_commune
from devices.enrolment import retire_receiver
from devices.receivers import receiver
from devices.stations import StationKind, add_station, station, stations
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE
from tests.web.office import Office


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    return made


def add(office: Office, name: str = "Đài có dây Thiệu Chính") -> int:
    fields = {"kind": "wired", "maker": "Bình Minh", "former_commune": "Thiệu Chính"}
    assert office.post("/stations", name=name, **fields) == 303
    with office.database.session() as session:
        return next(s.number for s in stations(session, COMMUNE) if s.name == name)


def test_a_station_is_shown_with_kind_maker_former_commune_and_the_states_of_its_receivers(office: Office) -> None:
    add(office)
    office.clock.advance(seconds=30)
    page = office.browser.get("/stations").text
    for said in (
        "Đài có dây Thiệu Chính",
        "Có dây",
        "Hãng: Bình Minh",
        "Xã cũ: Thiệu Chính",
        "3 cụm loa",
        "3 Chậm báo về",
    ):
        assert said in page


def test_a_station_is_named_anew(office: Office) -> None:
    number = add(office)
    fields = {"kind": "ip", "maker": "VTC", "former_commune": ""}
    assert office.post(f"/stations/{number}", name="Cụm IP", **fields) == 303
    with office.database.session() as session:
        found = station(session, number)
        assert (found.name, found.kind, found.maker, found.former_commune) == ("Cụm IP", "ip", "VTC", "")
    assert office.post(f"/stations/{number}", name=" ", **fields) == 422
    assert office.post(f"/stations/{number}", name="x", kind="tin") == 422


def test_receivers_move_to_another_station_without_a_new_config(office: Office) -> None:
    number = add(office)
    with office.database.session() as session:
        before = receiver(session, "loa-1").config_revision
    path = f"/stations/{office.station}/move"
    assert office.post(path, to=str(number)) == 422
    sent = {"to": str(number), "receivers": ["loa-1", "loa-2"], "form_token": office.form_token}
    assert office.browser.post(path, data=sent).status_code == 303
    with office.database.session() as session:
        assert [receiver(session, f"loa-{k}").station_id for k in range(3)] == [office.station, number, number]
        assert receiver(session, "loa-1").config_revision == before


def test_nothing_moves_to_a_station_of_another_commune(office: Office) -> None:
    with office.database.writing() as session:
        add_commune(session, "vinh-loc", "Xã Vĩnh Lộc")
        far = add_station(session, "vinh-loc", StationKind.IP, "Cụm IP").number
    assert office.post(f"/stations/{office.station}/move", to=str(far), receivers="loa-1") == 422
    settings = {"name": "x", "volume_percent": "80", "volume_ceiling_percent": "100", "path_delay_ms": "0"}
    assert office.post("/receivers/loa-1", **settings, station_id=str(far), amplifier_lead_s="5") == 422
    assert office.post(f"/stations/{far}", name="x", kind="ip") == 404
    assert office.post(f"/stations/{far}/remove") == 404
    with office.database.session() as session:
        assert receiver(session, "loa-1").station_id == office.station


def test_only_a_station_that_never_had_a_receiver_goes(office: Office) -> None:
    number = add(office)
    assert office.post(f"/stations/{office.station}/remove") == 422
    with office.database.writing() as session:
        for k in range(3):
            retire_receiver(session, f"loa-{k}", office.clock.now())
    assert office.post(f"/stations/{office.station}/remove") == 422
    assert office.post(f"/stations/{number}/remove") == 303
    assert office.post(f"/stations/{number}/remove") == 404


def test_without_stations_the_page_says_what_one_is(office: Office, database: Database) -> None:
    with database.writing() as session:
        add_commune(session, "vinh-loc", "Xã Vĩnh Lộc")
    office.browser.cookies.set("loa_commune", "vinh-loc")
    assert "Hãy đặt tên cho đài đầu tiên" in office.browser.get("/stations").text


def test_the_api_has_stations_places_border_and_echoes(office: Office) -> None:
    header = {"x-form-token": office.form_token}
    api, browser = "/api/v1", office.browser
    made = browser.post(f"{api}/stations", json={"name": "Cụm IP", "kind": "ip", "maker": "VTC"}, headers=header)
    assert made.status_code == 201
    number = made.json()["station"]
    moved = browser.put(f"{api}/receivers/loa-1/station", json={"station": number}, headers=header)
    assert moved.status_code == 204
    listed = {s["name"]: s for s in browser.get(f"{api}/stations").json()}
    assert listed["Cụm IP"]["receivers"] == ["loa-1"]
    for k, longitude in enumerate((105.68, 105.6824)):
        place = {"latitude_deg": 19.87, "longitude_deg": longitude}
        assert browser.put(f"{api}/receivers/loa-{k}/position", json=place, headers=header).status_code == 204
    assert browser.get(f"{api}/receivers").json()[1]["longitude_deg"] == 105.6824
    (echo,) = browser.get(f"{api}/echoes").json()
    assert echo["receivers"] == ["loa-0", "loa-1"]
    assert echo["difference_ms"] == pytest.approx(731.7, abs=1)
    assert browser.delete(f"{api}/receivers/loa-1/position", headers=header).status_code == 204
    assert browser.get(f"{api}/receivers").json()[1]["latitude_deg"] is None


def test_the_api_refuses_what_the_pages_refuse(office: Office) -> None:
    header = {"x-form-token": office.form_token}
    api, browser = "/api/v1", office.browser
    wrong = {"latitude_deg": 105.6, "longitude_deg": 19.8}
    answer = browser.put(f"{api}/receivers/loa-1/position", json=wrong, headers=header)
    assert answer.status_code == 422
    assert "Vĩ độ" in answer.json()["error"]
    assert browser.put(f"{api}/receivers/loa-9/position", json=wrong, headers=header).status_code == 404
    assert browser.get(f"{api}/outline").status_code == 404
    assert browser.put(f"{api}/outline", content=b"<kml/>", headers=header).status_code == 422
    assert browser.put(f"{api}/outline", content=b" " * 2_000_001, headers=header).status_code == 422
    ring = [[105.66, 19.86], [105.70, 19.86], [105.70, 19.89], [105.66, 19.86]]
    given = browser.put(f"{api}/outline", json={"type": "Polygon", "coordinates": [ring]}, headers=header)
    assert given.status_code == 204
    assert browser.get(f"{api}/outline").json()["coordinates"] == [[ring]]
    assert browser.delete(f"{api}/outline", headers=header).status_code == 204
    assert browser.get(f"{api}/outline").status_code == 404
    assert browser.put(f"{api}/outline", content=b"{}").status_code == 422

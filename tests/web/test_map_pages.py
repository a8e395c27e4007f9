"""The map and what is beside it: places, the border, horns heard as two, commands without leaving it."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from devices import faults
from devices.communes import add_commune, commune
from devices.enrolment import enrol
from devices.positions import Position, place_receiver, position_of
from devices.receivers import receiver
from devices.stations import StationKind, add_station
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.settings import Settings
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.test_pages import queries
from web.app import create_app
from web.assets import Assets
from wire.commands import Command, SetVolume
from wire.commands import TestTone as Clicks
from wire.sealing import PublicKey, SealingKey, open_sealed
from wire.topics import Kind, of_receiver

BORDER = {"type": "Polygon", "coordinates": [[[105.66, 19.86], [105.70, 19.86], [105.70, 19.89], [105.66, 19.86]]]}
HTMX = {"hx-request": "true"}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    return made


def put(office: Office, ident: str, latitude_deg: float, longitude_deg: float) -> None:
    with office.database.writing() as session:
        place_receiver(session, ident, Position(latitude_deg, longitude_deg))


def stands(office: Office, ident: str) -> Position | None:
    with office.database.session() as session:
        return position_of(receiver(session, ident))


def bring(office: Office, content: bytes) -> int:
    data, files = {"form_token": office.form_token}, {"file": ("ranh-gioi.geojson", content)}
    return office.browser.post("/map/outline", data=data, files=files).status_code


def elsewhere(office: Office) -> None:
    """A receiver of another commune."""
    with office.database.writing() as session:
        add_commune(session, "vinh-loc", "Xã Vĩnh Lộc")
        number = add_station(session, "vinh-loc", StationKind.IP, "Cụm IP").number
        enrol(
            session,
            office.deps.issuer,
            receiver_id="xa-khac",
            commune_id="vinh-loc",
            station_id=number,
            name="Xa",
            now=office.clock.now(),
        )


def test_the_list_has_the_facts_of_the_map_for_whoever_has_no_script(office: Office) -> None:
    put(office, "loa-1", 19.8712, 105.6834)
    with office.database.writing() as session:
        faults.note(session, "loa-1", "card", present=True, at=office.clock.now(), detail="")
    page = office.browser.get("/map").text
    assert "Chưa có trên bản đồ (2)" in page
    assert "Trên bản đồ (1)" in page
    row = page[page.index('data-receiver="loa-1"') :]
    row = row[: row.index("</li>")]
    for fact in ("Thôn 1", "Sự cố", "FM Hậu Hiền", "vừa xong", "19.87120, 105.68340", 'data-latitude="19.8712"'):
        assert fact in row
    assert 'data-latitude="' not in page[page.index('data-receiver="loa-0"') :].split("</li>")[0]


def test_a_place_is_typed_kept_and_can_be_undone(office: Office) -> None:
    put(office, "loa-1", 19.8, 105.6)
    assert office.post("/receivers/loa-1/position", latitude="19,8712", longitude="105,6834") == 303
    assert stands(office, "loa-1") == Position(19.8712, 105.6834)
    fields = {"latitude": "19.88", "longitude": "105.69", "form_token": office.form_token}
    answer = office.browser.post("/receivers/loa-1/position", data=fields, headers=HTMX)
    assert answer.headers["hx-trigger-after-swap"] == "placed"
    assert "Đã lưu vị trí" in answer.text
    assert 'name="latitude" value="19.8712"' in answer.text
    assert office.post("/receivers/loa-1/position") == 303
    assert stands(office, "loa-1") is None


@pytest.mark.parametrize(
    "fields", [{"latitude": "19.8"}, {"latitude": "105.68", "longitude": "19.87"}, {"latitude": "x"}]
)
def test_what_is_no_place_is_refused_and_changes_nothing(office: Office, fields: dict[str, str]) -> None:
    put(office, "loa-1", 19.8, 105.6)
    assert office.post("/receivers/loa-1/position", **fields) == 422
    assert stands(office, "loa-1") == Position(19.8, 105.6)


def test_the_settings_of_a_receiver_keep_its_place(office: Office) -> None:
    settings = {
        "name": "Thôn 1",
        "station_id": str(office.station),
        "volume_percent": "80",
        "volume_ceiling_percent": "100",
        "path_delay_ms": "0",
        "amplifier_lead_s": "5",
    }
    assert office.post("/receivers/loa-1", **settings, latitude="19.8712, 105.6834") == 303
    assert stands(office, "loa-1") == Position(19.8712, 105.6834)
    assert 'value="19.8712"' in office.browser.get("/receivers/loa-1").text
    assert office.post("/receivers/loa-1", **settings, latitude="91", longitude="105") == 422
    assert stands(office, "loa-1") == Position(19.8712, 105.6834)


def test_a_new_receiver_may_be_placed_at_once(office: Office) -> None:
    fields = {"receiver_id": "moi", "name": "Thôn mới", "station": str(office.station)}
    assert office.post("/receivers", **fields, latitude="19.87", longitude="105.68") == 200
    assert stands(office, "moi") == Position(19.87, 105.68)
    assert office.post("/receivers", **{**fields, "receiver_id": "sai"}, latitude="19.87") == 422
    assert office.browser.get("/receivers/sai").status_code == 404


def test_a_receiver_of_another_commune_is_neither_shown_nor_moved(office: Office) -> None:
    elsewhere(office)
    assert "xa-khac" not in office.browser.get("/map").text
    assert office.browser.get("/map?receiver=xa-khac").status_code == 404
    assert office.browser.get("/map/receivers/xa-khac").status_code == 404
    assert office.post("/receivers/xa-khac/position", latitude="19.8", longitude="105.6") == 404
    assert stands(office, "xa-khac") is None


def test_a_command_from_the_map_is_answered_beside_it(office: Office) -> None:
    to_result = {**HTMX, "hx-target": "command-result"}
    fields = {"form_token": office.form_token, "volume": "35"}
    for action, said in (("test-tone", "mười tiếng gõ"), ("volume", "giữ âm lượng")):
        answer = office.browser.post(f"/receivers/loa-1/do/{action}", data=fields, headers=to_result)
        assert answer.status_code == 200
        assert said in answer.text
        assert "good" in answer.text
    seal = SealingKey(bytes(range(32)))
    keys, now_us = {seal.kid: PublicKey(seal.public)}, office.clock.now_us()
    topic = of_receiver("loa-1", Kind.DO)
    sent: list[Command] = [
        open_sealed(payload, Command, keys, to="r/loa-1", now_us=now_us)
        for at, payload, *_ in office.broker.log
        if at == topic
    ]
    assert [type(command.action) for command in sent] == [Clicks, SetVolume]
    assert sent[1].action == SetVolume(volume_percent=35)


def test_a_command_to_a_receiver_that_is_away_says_so(office: Office) -> None:
    office.clock.advance(seconds=600)
    answer = office.browser.post(
        "/receivers/loa-1/do/identify",
        data={"form_token": office.form_token},
        headers={**HTMX, "hx-target": "command-result"},
    )
    assert "không kết nối" in answer.text
    assert "warn" in answer.text


def test_what_is_beside_the_map_shows_state_faults_history_and_commands(office: Office) -> None:
    with office.database.writing() as session:
        faults.note(session, "loa-1", "card", present=True, at=office.clock.now(), detail="")
    panel = office.browser.get("/map/receivers/loa-1").text
    for part in (
        "Sự cố",
        "Âm lượng",
        "do/identify",
        "do/test-tone",
        "do/reboot",
        "do/volume",
        "self-test",
        "Diễn biến",
    ):
        assert part in panel
    assert office.browser.get("/map/receivers/loa-1/now").status_code == 200
    assert office.browser.get("/map/nobody").text == ""


def test_a_border_is_brought_served_and_taken_off(office: Office) -> None:
    assert office.browser.get("/map/outline.json").status_code == 404
    assert bring(office, json.dumps(BORDER).encode()) == 303
    address = re.search(r'data-outline="([^"]+)"', office.browser.get("/map").text)
    assert address
    served = office.browser.get(address[1])
    assert served.json() == {"type": "MultiPolygon", "coordinates": [BORDER["coordinates"]]}
    assert bring(office, b"<kml/>") == 422
    assert office.browser.get("/map/outline.json").json() == served.json()
    assert office.post("/map/outline/remove") == 303
    with office.database.session() as session:
        assert commune(session, COMMUNE).outline is None


def test_a_border_that_is_too_large_is_refused(office: Office) -> None:
    assert bring(office, b" " * 2_000_001) == 422


def test_horns_heard_as_two_are_listed_in_words(office: Office) -> None:
    assert "cụm loa đã có trên bản đồ" in office.browser.get("/map").text
    put(office, "loa-0", 19.8700, 105.6800)
    put(office, "loa-1", 19.8700, 105.6824)
    put(office, "loa-2", 19.9700, 105.6824)
    page = office.browser.get("/map").text
    assert "Có 1 cặp loa" in page
    assert re.search(r"Thôn 0 và Thôn 1, cách nhau 251 m: lệch tới 732 ms", page)
    put(office, "loa-1", 19.9800, 105.6824)
    assert "không có hai loa nào" in office.browser.get("/map/echoes").text


def with_settings(office: Office, **given: object) -> TestClient:
    deps = replace(office.deps, settings=Settings(data_dir=office.deps.settings.data_dir, **given))  # type: ignore[arg-type]
    browser = TestClient(create_app(deps), follow_redirects=False)
    browser.cookies = office.browser.cookies
    return browser


def test_the_reach_of_the_horns_is_a_setting(office: Office) -> None:
    put(office, "loa-0", 19.8700, 105.6800)
    put(office, "loa-1", 19.8700, 105.6824)
    assert "Thôn 0 và Thôn 1" not in with_settings(office, horn_reach_m=100).get("/map").text


def test_without_a_server_of_pictures_the_map_loads_nothing_from_elsewhere(office: Office) -> None:
    answer = office.browser.get("/map")
    assert "img-src 'self';" in answer.headers["content-security-policy"]
    assert 'data-tiles=""' in answer.text


def test_pictures_are_let_in_from_the_one_server_that_is_set_and_on_the_map_alone(office: Office) -> None:
    browser = with_settings(
        office, map_tiles_url="https://tiles.example.vn/{z}/{x}/{y}.png?key=a", map_tiles_attribution="© <OSM>"
    )
    answer = browser.get("/map")
    assert "img-src 'self' https://tiles.example.vn;" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "&lt;OSM&gt;" in answer.text
    for path in ("/", "/receivers", "/map/rows", "/map/receivers/loa-1"):
        assert "tiles.example.vn" not in browser.get(path).headers["content-security-policy"]


def test_a_page_may_ask_the_device_where_it_is_and_nothing_more(office: Office) -> None:
    policy = office.browser.get("/map").headers["permissions-policy"]
    assert "geolocation=(self)" in policy
    assert "camera=()" in policy


def test_the_number_of_queries_does_not_grow_with_the_receivers(office: Office) -> None:
    few = {
        path: queries(office, path) for path in ("/map", "/map/rows", "/map/echoes", "/stations", "/api/v1/stations")
    }
    office.add_receivers(60, first=100)
    for k in range(100, 160):
        put(office, f"loa-{k}", 19.87 + k / 1e4, 105.68)
    assert {path: queries(office, path) for path in few} == few


def test_two_hundred_receivers_on_the_map_with_everything_are_under_200_kb(office: Office) -> None:
    office.add_receivers(200, first=100)
    for k in range(100, 300):
        put(office, f"loa-{k}", 19.85 + k % 14 / 300, 105.65 + k // 14 / 300)
    page = gzip.compress(office.browser.get("/map").content)
    shipped = sum(len(asset.packed) for asset in Assets()._by_name.values())
    assert len(page) + shipped < 200_000
    assert len(gzip.compress(office.browser.get("/map/rows").content)) < 15_000

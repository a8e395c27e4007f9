"""Success is said once, on the page that follows a change; and in which commune one is."""

from pathlib import Path

import pytest

from broadcast.programmes import Item, ItemKind, add_programme
from devices.communes import add_commune
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, COMMUNE_NAME
from tests.web.office import KEY, Office
from web.flash import FLASH_COOKIE, Flash, packed, unpacked


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    office = Office(database, clock, tmp_path)
    office.add_receivers(2)
    return office


def test_a_change_is_confirmed_on_the_next_page_and_on_no_further_one(office: Office) -> None:
    assert office.post("/zones", zone_id="thon-9", name="Thôn <9>") == 303
    part = office.browser.get("/receivers", headers={"hx-target": "receivers", "hx-request": "true"}).text
    assert "data-flash" not in part
    page = office.browser.get("/receivers").text
    assert "data-flash" in page
    assert "Thôn &lt;9&gt;" in page
    assert "data-flash" not in office.browser.get("/receivers").text


def test_a_removal_can_be_undone_from_the_message(office: Office) -> None:
    assert office.post("/programmes", title="Bản tin") == 303
    assert office.post("/programmes/1/retire") == 303
    assert 'action="/programmes/1/restore"' in office.browser.get("/programmes").text
    assert office.post("/programmes/1/restore") == 303
    assert "Đã khôi phục" in office.browser.get("/programmes").text


def test_a_form_that_is_sent_twice_is_confirmed_too(office: Office) -> None:
    fields = {"zone_id": "thon-9", "name": "Thôn 9", "once": "k1", "form_token": office.form_token}
    for _ in range(2):
        office.browser.cookies.delete(FLASH_COOKIE)
        answer = office.browser.post("/zones", data=fields)
        assert (answer.status_code, FLASH_COOKIE in answer.cookies) == (303, True)


def test_a_message_of_another_key_is_not_shown() -> None:
    flash = Flash("Saved:", href="/x", link="Bản tin")
    assert unpacked(packed(flash, KEY), KEY) == flash
    assert unpacked(packed(flash, b"other"), KEY) is None
    assert unpacked("", KEY) is None


def test_the_header_names_the_commune_and_a_change_is_said(office: Office) -> None:
    assert (
        f'<span class="commune-shown" title="{COMMUNE_NAME}">{COMMUNE_NAME}</span>'
        in office.browser.get("/receivers").text
    )
    with office.database.writing() as session:
        add_commune(session, "khac", "Xã khác")
    assert office.post("/commune", commune="khac") == 303
    page = office.browser.get("/receivers").text
    assert "Đang xem Xã khác" in page
    assert '<option value="khac" selected>' in page


def test_a_printed_page_names_the_commune_and_the_time_of_printing(office: Office) -> None:
    page = " ".join(office.browser.get("/play-log").text.split())
    assert f'<p class="printed"> <span>{COMMUNE_NAME}</span> <span>In lúc 05:00, 24/11/2026</span> </p>' in page


def test_a_commune_that_is_no_longer_there_is_not_left_in_silence(office: Office) -> None:
    office.browser.cookies.set("loa_commune", "gone")
    assert "Bạn không còn xem được xã đã mở" in office.browser.get("/receivers").text


def test_the_pulse_of_a_page_tells_faults_and_the_commune(office: Office) -> None:
    answer = office.browser.get("/pulse", params={"commune": "another"}).json()
    assert answer["faults"] == 0
    assert answer["same_commune"] is False


#: What is sent, and what the page it leads to then says or shows.
SAID = [
    ("/programmes", {"title": "Bản tin sáng"}, "data-flash"),
    ("/programmes/1", {"title": "Bản tin trưa"}, "data-flash"),
    ("/clips/ban-tin", {"title": "Bản tin", "language": "vi", "field": "1"}, "data-flash"),
    ("/clips/ban-tin/backup", {}, "data-flash"),
    ("/stations", {"name": "Cụm IP", "kind": "ip"}, "data-flash"),
    ("/zones", {"name": "Thôn 9"}, "data-flash"),
    ("/receivers/loa-1/position", {"latitude": "19.8", "longitude": "105.6"}, "data-flash"),
    ("/receivers/self-test/all", {}, "data-flash"),
    ("/receivers/loa-1/do/identify", {}, "data-flash"),
    ("/allowed-hours/commune", {"minutes_a_day": "60"}, "data-flash"),
    ("/put-on-air", {"what": "programme 1"}, "data-flash"),
    ("/operators/1/contact", {"full_name": "Nguyễn Thị Lan"}, "data-flash"),
    ("/timetable", {"programme_id": "1", "repeat": "daily", "times": "06:00", "from_day": "25/11/2026"}, "data-flash"),
]


@pytest.mark.parametrize(("path", "fields", "shown"), SAID)
def test_each_success_is_said(office: Office, path: str, fields: dict[str, str], shown: str) -> None:
    with office.database.writing() as session:
        add_clip(session, "ban-tin", 60, now=office.clock.now())
        add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "ban-tin")], now=office.clock.now())
    answer = office.browser.post(path, data={**fields, "form_token": office.form_token})
    assert answer.status_code == 303
    assert shown in office.browser.get(answer.headers["location"]).text

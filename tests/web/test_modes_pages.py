"""How a broadcast sounds is chosen where it is planned and put on air, and said before and while it sounds."""

import re
from pathlib import Path

import pytest
from sqlmodel import select

from broadcast.broadcasts import Broadcast
from broadcast.modes import Mode
from broadcast.programmes import Item, ItemKind, add_programme
from devices.positions import Position, place_receiver
from devices.receivers import change_receiver
from devices.zones import add_zone
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.schedules import Schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office

PLANNED = {"repeat": "daily", "times": "05:30", "from_day": "2026-11-25", "where": "all", "class": "normal"}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    with database.writing() as session:
        add_zone(session, COMMUNE, "thon-2", "Thôn 2")
        change_receiver(session, "loa-1", zones=["thon-2"])
        place_receiver(session, "loa-0", Position(19.87, 105.68))
        place_receiver(session, "loa-1", Position(19.871, 105.68))
        add_clip(session, "bulletin", 300, now=clock.now())
        add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "bulletin")], now=clock.now())
    return made


def test_the_turns_and_the_end_are_shown_before_it_is_kept(office: Office) -> None:
    fields = {**PLANNED, "programme_id": "1", "mode": "staggered", "gap_s": "60", "form_token": office.form_token}
    shown = office.browser.post("/timetable/preview", data=fields).text
    assert "Phát lần lượt theo vùng: 2 lượt, hết 05:41. 1. Thôn 1; 2. Thôn 2" in shown


def test_it_is_kept_with_the_schedule_and_shown_in_its_form(office: Office) -> None:
    assert office.post("/timetable", **PLANNED, programme_id="1", mode="staggered", gap_s="60") == 303
    with office.database.session() as session:
        assert session.exec(select(Schedule)).one().time_spread.gap_s == 60
    shown = office.browser.get("/timetable/1").text
    assert re.search(r'value="staggered"\s+data-shows\s+checked', shown)
    assert 'name="gap_s" type="number" min="0" max="600" value="60"' in shown


def test_the_place_to_align_for_is_a_receiver_or_typed(office: Office) -> None:
    for place in ({"point": "loa-1"}, {"latitude": "19,871", "longitude": "105.68"}):
        assert office.post("/put-on-air", what="programme 1", mode="aligned", **place) == 303
    with office.database.session() as session:
        for one in session.exec(select(Broadcast)).all():
            assert one.time_spread.mode is Mode.ALIGNED
            assert one.shifts_us["loa-1"] == pytest.approx(111.2 / 343 * 1e6, rel=0.01)
    office.clock.advance(seconds=20)
    assert "canh theo khoảng cách" in office.browser.get("/").text


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "aligned"},
        {"mode": "sideways"},
        {"mode": "staggered", "gap_s": "-1"},
        {"mode": "aligned", "point": "x"},
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_planned(office: Office, wrong: dict[str, str]) -> None:
    assert office.post("/put-on-air", what="programme 1", **wrong) in (404, 422)
    assert office.post("/timetable", **PLANNED, programme_id="1", **wrong) in (404, 422)
    with office.database.session() as session:
        assert session.exec(select(Broadcast)).all() == []
        assert session.exec(select(Schedule)).all() == []


def test_who_says_nothing_is_in_step(office: Office) -> None:
    assert office.post("/put-on-air", what="programme 1") == 303
    with office.database.session() as session:
        assert session.exec(select(Broadcast)).one().shifts is None


def test_what_is_put_on_air_says_its_turns_before(office: Office) -> None:
    def said(**fields: str) -> str:
        return office.browser.post("/put-on-air/preview", data={**fields, "form_token": office.form_token}).text

    assert "2 lượt, hết 05:10." in said(what="programme 1", mode="staggered")
    assert "2 lượt, hết 05:10." in said(what="clip bulletin", mode="staggered")
    assert "nghe cùng lúc" in said(what="programme 1", mode="aligned", point="loa-0")
    assert "lượt" not in said(what="programme 1")
    assert said(mode="staggered").strip() == ""

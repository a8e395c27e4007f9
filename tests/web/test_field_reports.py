"""Reports from the field that no other file of tests has by name."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from broadcast.broadcasts import Broadcast
from broadcast.on_air import on_air_now
from broadcast.programmes import Item, ItemKind, add_programme
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.recurrence import instants
from schedules.schedules import Schedule, schedules
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.page_forms import form_of, forms_of

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "ban-tin")], now=clock.now())
        pauses = [Item(ItemKind.GAP, gap_ms=5000), Item(ItemKind.GAP, gap_ms=1000)]
        add_programme(session, COMMUNE, "Chỉ có nghỉ", pauses, now=clock.now())
    return made


def test_8c_stop_after_a_double_click_on_broadcast_now_leaves_nothing_sounding(office: Office) -> None:
    form = form_of(office, "/put-on-air", "/put-on-air", what="programme 1", where="all")
    for _ in range(2):
        assert office.browser.post(form.action, data=form.fields).status_code == 303
    office.clock.advance(seconds=60)
    stops = [form for form in forms_of(office.browser.get("/").text) if form.action.endswith("/stop")]
    assert len(stops) == 1
    assert office.browser.post(stops[0].action, data=stops[0].fields).status_code == 303
    office.clock.advance(seconds=3)
    with office.database.session() as session:
        assert on_air_now(session, COMMUNE, office.clock.now()) == []
        assert len(session.exec(select(Broadcast)).all()) == 1


def test_8c_of_two_on_air_stop_ends_the_one_whose_card_it_is_on(office: Office) -> None:
    for title in ("Một", "Hai"):
        with office.database.writing() as session:
            add_clip(session, title, 600, now=office.clock.now())
        assert office.post("/put-on-air", what=f"clip {title}", where="all") == 303
    office.clock.advance(seconds=60)
    page = office.browser.get("/").text
    first_id = next(form.action for form in forms_of(page) if form.action.endswith("/stop")).split("/")[2]
    assert office.post(f"/broadcasts/{first_id}/stop") == 303
    office.clock.advance(seconds=3)
    with office.database.session() as session:
        assert first_id not in [b.id for b in on_air_now(session, COMMUNE, office.clock.now())]


@pytest.mark.parametrize("path", ["/timetable", "/put-on-air"])
def test_a_programme_of_pauses_only_is_not_planned(office: Office, path: str) -> None:
    fields = {"programme_id": "2", "what": "programme 2", "where": "all", "class": "normal"}
    rule = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-25"}
    assert office.post(path, **fields, **rule) == 422
    with office.database.session() as session:
        assert session.exec(select(Broadcast)).all() == []
        assert session.exec(select(Schedule)).all() == []


def test_another_time_on_29_february_holds_on_that_day_of_leap_years_alone(office: Office) -> None:
    rule = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-25"}
    season = {"season_first": "29/2", "season_last": "29/2", "season_times": "06:00"}
    assert office.post("/timetable", programme_id="1", where="all", **{"class": "normal"}, **rule, **season) == 303
    with office.database.session() as session:
        [planned] = schedules(session, COMMUNE)
    for year, days in ((2027, {}), (2028, {date(2028, 2, 29): time(6)})):
        start, end = datetime(year, 2, 26, tzinfo=UTC), datetime(year, 3, 3, tzinfo=UTC)
        due = [at.astimezone(HANOI) for at in instants(planned.recurrence, HANOI, start, end)]
        assert len(due) >= 4
        assert all(at.time() == days.get(at.date(), time(5)) for at in due)

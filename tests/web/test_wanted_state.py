"""Buttons say what is wanted: the second of two clicks, or of two people, does not undo the first."""

from pathlib import Path

import pytest

from broadcast.programmes import Item, ItemKind, add_programme
from people.audit import Deed, entries
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.schedules import Schedule, schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.page_forms import PageForm, form_of

DAILY = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-25", "where": "all", "class": "normal"}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(1)
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        programme = add_programme(
            session, COMMUNE, "Bản tin sáng", [Item(ItemKind.CLIP, "ban-tin")], now=clock.now()
        ).number
    assert made.post("/timetable", programme_id=str(programme), **DAILY) == 303
    return made


def send(office: Office, form: PageForm) -> int:
    return office.browser.post(form.action, data=form.fields).status_code


def state(office: Office) -> Schedule:
    with office.database.session() as session:
        return schedule(session, 1)


def deeds(office: Office) -> list[str]:
    with office.database.session() as session:
        return [entry.action for entry in reversed(entries(session, [COMMUNE]))]


@pytest.mark.parametrize("clicks", [1, 2, 3])
def test_however_often_pause_is_clicked_the_schedule_is_paused(office: Office, clicks: int) -> None:
    button = form_of(office, "/timetable", "/timetable/1/pause")
    for _ in range(clicks):
        send(office, button)
    assert state(office).paused
    assert deeds(office).count(Deed.SCHEDULE_PAUSED) == 1


@pytest.mark.parametrize("clicks", [1, 2, 3])
def test_however_often_remove_is_clicked_the_schedule_is_off_the_timetable(office: Office, clicks: int) -> None:
    button = form_of(office, "/timetable", "/timetable/1/retire")
    for _ in range(clicks):
        send(office, button)
    assert state(office).retired_at is not None
    assert deeds(office).count(Deed.SCHEDULE_RETIRED) == 1


def test_two_people_who_pause_one_schedule_pause_it(office: Office) -> None:
    first, second = (form_of(office, "/timetable", "/timetable/1/pause") for _ in range(2))
    assert send(office, first) == send(office, second) == 303
    assert state(office).paused


def test_a_removed_schedule_is_restored_on_its_own_page(office: Office) -> None:
    send(office, form_of(office, "/timetable", "/timetable/1/retire"))
    assert send(office, form_of(office, "/timetable/1", "/timetable/1/restore")) == 303
    assert state(office).retired_at is None


def test_a_button_without_a_wanted_state_is_refused(office: Office) -> None:
    assert office.post("/timetable/1/pause") == 422
    assert not state(office).paused

"""Every removal can be undone where it was made, and later from the list of removed items."""

from pathlib import Path

import pytest
from sqlmodel import select

from broadcast.programmes import Item, ItemKind, add_programme, items_of
from devices.communes import add_commune
from people.operators import add_operator, appoint
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.schedules import Schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.page_forms import PageForm, form_of, forms_of

DAILY = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-25", "where": "all", "class": "normal"}
#: kind → where it is removed, the list that follows, its name, what its page changes while it is in use.
REMOVALS = {
    "schedule": ("/timetable/1", "/timetable", "Bản tin sáng", "/timetable"),
    "programme": ("/programmes/2", "/programmes", "Ca nhạc", "/programmes/2"),
    "clip": ("/clips/ban-tin", "/clips", "Ban-Tin", "/clips/ban-tin"),
    "receiver": ("/receivers/loa-1", "/receivers", "Thôn 1", "/receivers/loa-1"),
    "zone": ("/zones/thon-1", "/zones", "Thôn 1", "/zones/thon-1"),
    "operator": ("/operators/2", "/operators", "tho", ""),
}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        items = [Item(ItemKind.CLIP, "ban-tin"), Item(ItemKind.GAP, gap_ms=3000), Item(ItemKind.CLIP, "ban-tin")]
        number = add_programme(session, COMMUNE, "Bản tin sáng", items, now=clock.now()).number
        add_programme(session, COMMUNE, "Ca nhạc", items, now=clock.now())
        person, _ = add_operator(session, "tho", clock.now())
        appoint(session, person.number, COMMUNE, Role.VIEWER)
    assert made.post("/timetable", programme_id=str(number), **DAILY) == 303
    return made


def forms_to(office: Office, page: str, action: str) -> list[PageForm]:
    return [form for form in forms_of(office.browser.get(page).text) if form.action == action]


@pytest.mark.parametrize("kind", REMOVALS)
def test_a_removal_is_undone_where_it_was_made(office: Office, kind: str) -> None:
    path, after, name, change = REMOVALS[kind]
    answer = office.browser.post(f"{path}/retire", data={"form_token": office.form_token})
    assert answer.status_code == 303
    assert answer.headers["location"] == after
    page = office.browser.get(after).text
    assert f"Đã bỏ “{name}”." in page
    undo = next(form for form in forms_of(page) if form.action == f"{path}/restore")
    assert undo.fields["revision"]
    # Its own page says so and is no live form.
    assert f"{path}/restore" in {form.action for form in forms_of(office.browser.get(path).text)}
    if change:
        assert not forms_to(office, path, change)
    # In the list of removed items too, until it is restored.
    assert forms_to(office, f"/removed?kind={kind}", f"{path}/restore")
    assert office.browser.post(undo.action, data=undo.fields).status_code == 303
    assert not forms_to(office, f"/removed?kind={kind}", f"{path}/restore")
    if change:
        assert forms_to(office, path, change)


def test_what_another_commune_removed_is_not_offered(office: Office) -> None:
    office.post("/receivers/loa-1/retire")
    assert "/receivers/loa-1/restore" in office.browser.get("/receivers").text  # the message is shown once
    with office.database.writing() as session:
        add_commune(session, "vinh-loc", "Xã Vĩnh Lộc")
    office.browser.cookies.set("loa_commune", "vinh-loc")
    assert "restore" not in office.browser.get("/removed?kind=receiver").text
    assert office.browser.get("/removed?kind=letters").status_code == 404


def test_an_item_of_a_programme_comes_back_to_its_place(office: Office) -> None:
    def kinds() -> list[tuple[str, int]]:
        with office.database.session() as session:
            return [(item.kind.value, item.duration_us) for item in items_of(session, 2)]

    before = kinds()
    with office.database.session() as session:
        gap = items_of(session, 2)[1].key
    answer = office.browser.post(f"/programmes/2/items/{gap}/remove", data={"form_token": office.form_token})
    assert len(kinds()) == 2
    undo = form_of(office, answer.headers["location"], "/programmes/2/put-back")
    assert office.browser.post(undo.action, data=undo.fields).status_code == 303
    assert kinds() == before
    # With script the part of the page offers the same.
    with office.database.session() as session:
        first = items_of(session, 2)[0].key
    part = office.browser.post(
        f"/programmes/2/items/{first}/remove", data={"form_token": office.form_token}, headers={"hx-request": "true"}
    )
    assert "Đã bỏ “Ban-Tin”." in part.text
    assert office.post("/programmes/2/put-back", removed_item="x") == 422


def test_retiring_a_scheduled_programme_asks_what_its_schedules_play_instead(office: Office) -> None:
    assert not forms_to(office, "/programmes/1", "/programmes/1/retire")
    asked = office.browser.post("/programmes/1/retire", data={"form_token": office.form_token})
    assert asked.headers["location"] == "/programmes/1/retire"
    page = office.browser.get("/programmes/1/retire").text
    assert "1 lịch đang phát chương trình này" in page
    assert "Hằng ngày" in page or "hằng ngày" in page
    form = form_of(office, "/programmes/1/retire", "/programmes/1/retire")
    assert form.fields["instead 1"] == "1"
    sent = {"form_token": office.form_token, "asked": "1", "instead 1": "2"}
    answer = office.browser.post("/programmes/1/retire", data=sent)
    assert answer.headers["location"] == "/programmes"
    with office.database.session() as session:
        assert session.exec(select(Schedule)).one().programme_id == 2

"""What a form showed is compared with what is there: an old form is told what changed and by whom; nothing is lost."""

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from broadcast.clips import clip
from broadcast.programmes import Item, ItemKind, add_programme, items_of, programme
from devices.receivers import receiver
from devices.stations import station
from noise.noise_rules import rules_of
from people.operators import Operator, add_operator
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.schedules import Schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.page_forms import PageForm, form_of, forms_of
from tests.web.test_rights_of_pages import Guest

DAILY = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-25", "where": "all", "class": "normal"}
CLIPS = ("loi-mo-dau", "ban-tin", "v2", "v3")


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(1)
    with database.writing() as session:
        for title in CLIPS:
            add_clip(session, title, 600, now=clock.now())
        items = [Item(ItemKind.CLIP, title) for title in CLIPS]
        number = add_programme(session, COMMUNE, "Bản tin sáng", items, now=clock.now()).number
    assert made.post("/timetable", programme_id=str(number), **DAILY) == 303
    return made


def send(office: Office, form: PageForm) -> Any:
    return office.browser.post(form.action, data=form.fields)


def schedule(office: Office) -> Schedule:
    with office.database.session() as session:
        return session.exec(select(Schedule)).one()


def titles(office: Office) -> list[str]:
    with office.database.session() as session:
        return [item.clip.id for item in items_of(session, 1) if item.clip]


def test_a_schedule_moved_in_another_tab_is_not_moved_back(office: Office) -> None:
    first = form_of(office, "/timetable/1", "/timetable", times="06:00")
    second = form_of(office, "/timetable/1", "/timetable", until_day="2027-01-31")
    assert send(office, first).status_code == 303
    refused = send(office, second)
    assert refused.status_code == 409
    assert schedule(office).recurrence.times[0].hour == 6
    # It says who changed what; what was typed is kept, and can be sent all the same.
    assert "lan" in refused.text
    assert "06:00" in refused.text
    again = next(form for form in forms_of(refused.text) if form.action == "/timetable")
    assert again.fields["until_day"] == "2027-01-31"
    assert send(office, again).status_code == 303
    assert schedule(office).recurrence.times[0].hour == 5
    assert str(schedule(office).recurrence.until_day) == "2027-01-31"


def test_another_person_s_change_is_told_with_their_name(office: Office) -> None:
    hoa = Guest(office, Role.OPERATOR)
    mine = form_of(office, "/timetable/1", "/timetable", times="07:00")
    theirs = {**mine.fields, "times": "06:00", "form_token": hoa.form_token}
    assert hoa.browser.post("/timetable", data=theirs).status_code == 303
    refused = send(office, mine)
    assert refused.status_code == 409
    assert "operator</strong>" in refused.text


def test_a_second_change_that_was_made_while_all_the_same_was_asked_is_told_too(office: Office) -> None:
    tabs = [form_of(office, "/timetable/1", "/timetable", times=f"0{hour}:00") for hour in (6, 7, 8)]
    assert send(office, tabs[0]).status_code == 303
    again = next(f for f in forms_of(send(office, tabs[1]).text) if f.action == "/timetable")
    other = next(f for f in forms_of(send(office, tabs[2]).text) if f.action == "/timetable")
    assert send(office, other).status_code == 303
    assert send(office, again).status_code == 409
    assert schedule(office).recurrence.times[0].hour == 8


def test_a_schedule_that_was_taken_off_is_not_silently_kept(office: Office) -> None:
    form = form_of(office, "/timetable/1", "/timetable", times="07:00")
    assert send(office, form_of(office, "/timetable", "/timetable/1/retire")).status_code == 303
    refused = send(office, form)
    assert refused.status_code == 409
    assert "khôi phục" in refused.text
    assert "/timetable/1" in refused.text
    assert schedule(office).recurrence.times[0].hour == 5
    without_revision = {name: value for name, value in form.fields.items() if name != "revision"}
    assert office.browser.post("/timetable", data=without_revision).status_code == 409


def test_by_script_the_form_stays_and_the_notice_stands_beside_it(office: Office) -> None:
    first, second = (form_of(office, "/timetable/1", "/timetable", times=f"0{hour}:00") for hour in (6, 7))
    assert send(office, first).status_code == 303
    refused = office.browser.post(second.action, data=second.fields, headers={"HX-Request": "true"})
    assert (refused.status_code, refused.headers["HX-Retarget"]) == (200, "#notices")
    assert "<html" not in refused.text


def test_a_button_of_an_old_list_does_not_pause_what_was_moved(office: Office) -> None:
    button = form_of(office, "/timetable", "/timetable/1/pause")
    assert send(office, form_of(office, "/timetable/1", "/timetable", times="06:00")).status_code == 303
    assert send(office, button).status_code == 409
    assert not schedule(office).paused


def test_an_item_is_named_by_its_key_so_an_old_page_removes_what_it_shows(office: Office) -> None:
    page = forms_of(office.browser.get("/programmes/1").text)
    removes = [form for form in page if form.action.endswith("/remove")]
    assert send(office, removes[0]).status_code == 303
    assert send(office, removes[2]).status_code == 303
    assert titles(office) == ["ban-tin", "v3"]
    assert send(office, removes[2]).status_code == 303
    assert titles(office) == ["ban-tin", "v3"]


def test_moving_an_item_of_an_old_order_is_told(office: Office) -> None:
    page = forms_of(office.browser.get("/programmes/1").text)
    downs = [form for form in page if form.action.endswith("/down")]
    assert send(office, downs[0]).status_code == 303
    order = titles(office)
    assert send(office, downs[1]).status_code == 409
    assert titles(office) == order


def test_an_item_keeps_its_key_when_others_move(office: Office) -> None:
    with office.database.session() as session:
        before = {item.clip.id: item.key for item in items_of(session, 1) if item.clip}
    downs = [f for f in forms_of(office.browser.get("/programmes/1").text) if f.action.endswith("/down")]
    assert send(office, downs[0]).status_code == 303
    with office.database.session() as session:
        assert {item.clip.id: item.key for item in items_of(session, 1) if item.clip} == before
    assert len(set(before.values())) == len(CLIPS)


@pytest.mark.parametrize("what", ["programme", "item", "clip"])
def test_what_was_retired_meanwhile_is_not_changed_without_a_word(office: Office, what: str) -> None:
    page, form_at = ("/clips/ban-tin",) * 2 if what == "clip" else ("/programmes/1", "/programmes/1")
    if what == "item":
        form_at = "/programmes/1/items"
    form = form_of(office, page, form_at, title="Tên mới", what="clip v2")
    assert office.post(f"{page}/retire", asked="1") == 303
    assert send(office, form).status_code == 409
    with office.database.session() as session:
        assert programme(session, 1).title == "Bản tin sáng"
        assert clip(session, "ban-tin").title != "Tên mới"
    assert len(titles(office)) == len(CLIPS)


def test_receivers_stations_rules_and_clips_are_compared_too(office: Office) -> None:
    for page, action, name, values in (
        ("/receivers/loa-0", "/receivers/loa-0", "name", ("Một", "Hai")),
        ("/stations", f"/stations/{office.station}", "name", ("Một", "Hai")),
        ("/allowed-hours/commune", "/allowed-hours/commune", "minutes_a_day", ("60", "90")),
        ("/allowed-hours/thon-1", "/allowed-hours/thon-1", "minutes_a_day", ("60", "90")),
        ("/clips/ban-tin", "/clips/ban-tin", "title", ("Một", "Hai")),
        ("/programmes/1", "/programmes/1", "title", ("Một", "Hai")),
    ):
        first, second = (form_of(office, page, action, **{name: value}) for value in values)
        assert send(office, first).status_code == 303, page
        refused = send(office, second)
        assert refused.status_code == 409, page
        again = next(form for form in forms_of(refused.text) if form.action == action)
        assert again.fields[name] == values[1]
    with office.database.session() as session:
        assert receiver(session, "loa-0").name == "Một"
        assert station(session, office.station).name == "Một"
        assert [rules.minutes_a_day for rules in rules_of(session, COMMUNE).values()] == [60, 60]


def test_two_chairs_who_change_one_person_are_told(office: Office) -> None:
    with office.database.writing() as session:
        number = add_operator(session, "hoa", office.clock.now())[0].number
    first = form_of(office, f"/operators/{number}", f"/operators/{number}", commune=COMMUNE, role="operator")
    second = form_of(office, f"/operators/{number}", f"/operators/{number}", commune=COMMUNE, role="viewer")
    assert send(office, first).status_code == 303
    assert send(office, second).status_code == 409
    with office.database.session() as session:
        assert session.get(Operator, number) is not None


def test_the_api_compares_if_match_and_works_without(office: Office) -> None:
    listed = office.browser.get("/api/v1/schedules").json()[0]
    assert send(office, form_of(office, "/timetable/1", "/timetable", times="06:00")).status_code == 303
    headers = {"X-Form-Token": office.form_token, "If-Match": f'"{listed["revision"]}"'}
    refused = office.browser.delete("/api/v1/schedules/1", headers=headers)
    assert refused.status_code == 409
    assert refused.json()["changes"][0]["by"] == "lan"
    headers["If-Match"] = f'"{refused.json()["revision"]}"'
    assert office.browser.delete("/api/v1/schedules/1", headers=headers).status_code == 204
    assert schedule(office).retired_at is not None


def test_what_was_typed_is_shown_where_it_was_refused(office: Office) -> None:
    page, action = "/receivers/loa-0", "/receivers/loa-0"
    first = form_of(office, page, action, name="Một")
    second = form_of(office, page, action, name="Chợ <b>", place="Ngã ba", path_delay_ms="12,5")
    assert send(office, first).status_code == 303
    refused = send(office, second).text
    typed = refused.partition('id="typed"')[2].partition("</dl>")[0]
    assert "Bạn đã nhập:" in refused
    for label, value in (("Tên", "Chợ &lt;b&gt;"), ("Địa điểm", "Ngã ba"), ("Độ trễ đường tiếng (ms)", "12,5")):
        assert f"<dt>{label}</dt><dd>{value}</dd>" in typed
    assert "form_token" not in typed

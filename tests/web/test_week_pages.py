"""The week's page: where each schedule is heard, pauses that end, and moving one airing or all."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from broadcast.programmes import Item, ItemKind, add_programme
from devices.zones import add_zone
from people.operators import Operator, OperatorCommune
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule, schedules
from schedules.timetable import add_schedule
from tests.broadcast.studio import ALL, add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.page_forms import forms_of
from tests.web.test_pages import queries
from wire.broadcasts import BroadcastClass, Targets

TUESDAY = date(2026, 11, 24)
DAILY = Rule(repeat=Repeat.DAILY, times=[time(6)], from_day=TUESDAY)
MOVE = "/timetable/1/move?from_day=2026-11-25&from_time=06:00"


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    """Monday morning."""
    clock.set(datetime(2026, 11, 23, 3, 0, tzinfo=UTC))
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        add_programme(session, COMMUNE, "Bản tin sáng", [Item(ItemKind.CLIP, "ban-tin")], now=clock.now())
        for number in (2, 3, 4):
            add_zone(session, COMMUNE, f"thon-{number}", f"Thôn {number}")
    return made


def plan(office: Office, rule: Rule = DAILY, targets: Targets = ALL) -> int:
    with office.database.writing() as session:
        return add_schedule(
            session,
            COMMUNE,
            programme_id=1,
            rule=rule,
            targets=targets,
            class_=BroadcastClass.NORMAL,
            now=office.clock.now(),
        ).number


def kept(office: Office) -> list[Schedule]:
    with office.database.session() as session:
        return schedules(session, COMMUNE)


def week(office: Office, query: str = "") -> str:
    return office.browser.get(f"/timetable{query}").text


def test_each_schedule_and_each_airing_says_where_it_is_heard(office: Office) -> None:
    plan(office)
    plan(office, targets=Targets(zones=["thon-1", "thon-2", "thon-3", "thon-4"]))
    plan(office, targets=Targets(receivers=["loa-2"]))
    page = week(office)
    for where in ("Toàn xã", "Thôn 1, Thôn 2, 2 nơi nữa", "Thôn 2"):
        assert f"<strong>{where}</strong>" in page
        assert page.count(f'<span class="where">{where}</span>') == 6
    assert "lịch số" not in page


def test_rows_that_read_the_same_are_told_apart(office: Office) -> None:
    """As after a merger of two communes that played the same at the same time."""
    first, second = plan(office), plan(office)
    page = week(office)
    assert f"lịch số {first})" in page
    assert f"lịch số {second})" in page


def test_a_schedule_is_paused_until_a_day_and_its_airings_are_shown_hatched_until_then(office: Office) -> None:
    plan(office)
    assert office.post("/timetable/1/pause", paused="1", until="26/11/2026") == 303
    assert kept(office)[0].paused_until == datetime(2026, 11, 25, 17, tzinfo=UTC)
    page = week(office)
    assert "Tạm dừng, phát lại từ thứ Năm 26/11." in page
    assert page.count(" paused") == 2
    assert page.count('data-move="1"') == 4, "a paused airing cannot be moved"
    assert office.post("/timetable/1/pause", paused="0") == 303
    assert week(office).count('data-move="1"') == 6


@pytest.mark.parametrize(("until", "status"), [("22/11/2026", 422), ("hôm qua", 422), ("", 303)])
def test_a_pause_without_a_day_has_no_end_and_a_day_that_has_passed_is_refused(
    office: Office, until: str, status: int
) -> None:
    plan(office)
    assert office.post("/timetable/1/pause", paused="1", until=until) == status
    assert (kept(office)[0].paused, kept(office)[0].paused_until) == (status == 303, None)


def test_the_api_pauses_until_a_day_and_says_so(office: Office) -> None:
    plan(office)
    headers = {"X-Form-Token": office.form_token}
    body = {"paused": True, "until": "2026-11-26"}
    paused = office.browser.post("/api/v1/schedules/1/pause", json=body, headers=headers).json()
    assert (paused["paused"], paused["paused_until"]) == (True, "2026-11-25T17:00:00Z")
    assert paused["next"][0] == "2026-11-25T23:00:00Z"
    office.clock.set(datetime(2026, 11, 25, 17, tzinfo=UTC))
    assert office.browser.get("/api/v1/schedules").json()[0]["paused"] is False
    wrong = office.browser.post("/api/v1/schedules/1/pause", json={"paused": True, "until": "x"}, headers=headers)
    assert wrong.status_code == 422
    assert office.browser.post("/api/v1/schedules/9/pause", json=body, headers=headers).status_code == 404


def test_the_page_of_a_move_judges_both_ways_and_its_forms_do_it(office: Office) -> None:
    plan(office)
    page = office.browser.get(f"{MOVE}&to_day=2026-11-25&to_time=7h30").text
    one, every = [form for form in forms_of(page) if form.fields.get("scope")]
    assert "Cả lịch sẽ thành: Phát lúc 07:30, hằng ngày" in page
    assert office.browser.post(every.action, data=every.fields).status_code == 303
    assert [s.recurrence.times for s in kept(office)] == [[time(7, 30)]]
    late = office.browser.post(one.action, data=one.fields)
    assert late.status_code == 409, "the schedule has changed since the page was shown"
    assert len(kept(office)) == 1


def test_moving_one_leads_to_its_week_and_says_what_was_saved(office: Office) -> None:
    plan(office)
    form = next(
        f for f in forms_of(office.browser.get(f"{MOVE}&to_day=5/12/2026").text) if f.fields.get("scope") == "one"
    )
    answer = office.browser.post(form.action, data=form.fields)
    assert answer.headers["location"] == "/timetable?week_of=2026-12-05"
    page = office.browser.get(answer.headers["location"]).text
    assert "Đã lưu:" in page
    assert "Phát lúc 06:00 ngày 05/12/2026" in page
    assert page.count(" saved") == 1
    assert "Đã lưu:" not in office.browser.get(answer.headers["location"]).text
    assert len(kept(office)) == 2


def test_while_it_is_dragged_only_the_judgement_is_sent(office: Office) -> None:
    plan(office)
    plan(office, Rule(repeat=Repeat.ONCE, times=[time(9)], from_day=date(2026, 11, 26)))
    good = office.browser.get(f"{MOVE}&to_day=2026-11-26&to_time=08:00&brief=1").text
    clash = office.browser.get(f"{MOVE}&to_day=2026-11-26&to_time=09:05&brief=1").text
    gone = office.browser.get(f"{MOVE}&to_day=2026-11-23&to_time=09:05&brief=1").text
    assert [page.split('data-verdict="')[1].split('"')[0] for page in (good, clash, gone)] == [
        "good",
        "warning",
        "refused",
    ]
    assert "<form" not in good
    assert "Giờ này đã qua" in gone
    assert office.browser.get("/timetable/9/move?from_day=2026-11-25&from_time=06:00").status_code == 404
    assert office.browser.get("/timetable/1/move?from_day=x&from_time=06:00").status_code == 422


def test_free_space_fills_the_form_in(office: Office) -> None:
    form = office.browser.get("/timetable/new?day=2026-11-28&time=17h15&minutes=12").text
    assert 'value="17:15"' in form
    assert 'value="28/11/2026"' in form
    assert "Đã chọn 12 phút" in form
    assert office.browser.get("/timetable/new?day=hôm+nay").status_code == 422


def test_a_village_head_sees_the_week_without_the_buttons(office: Office) -> None:
    plan(office)
    with office.database.writing() as session:
        operator = session.get_one(Operator, 1)
        operator.admin = False
        session.add(operator)
        session.add(OperatorCommune(operator_id=1, commune_id=COMMUNE, role=Role.VIEWER.value))
    page = week(office)
    assert 'class="slot' in page
    for button in (
        "data-move",
        "data-plans",
        "/timetable/new",
        "/timetable/1/pause",
        "/timetable/copy",
        'href="/import"',
    ):
        assert button not in page


def test_the_number_of_queries_of_a_week_does_not_grow_with_the_schedules(office: Office) -> None:
    plan(office)
    plan(office, targets=Targets(zones=["thon-2"]))
    few = queries(office, "/timetable")
    for minute in range(10):
        plan(office, Rule(repeat=Repeat.DAILY, times=[time(8, minute)], from_day=TUESDAY), Targets(zones=["thon-2"]))
    assert queries(office, "/timetable") == few

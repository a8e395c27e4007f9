"""What people type is read alike by forms, allowed hours and the API, or refused with a sentence."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from broadcast.programmes import Item, ItemKind, add_programme, items_of
from noise.noise_rules import rules_of
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.recurrence import Rule
from schedules.schedules import schedules
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office

DAILY = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-24", "where": "all", "class": "normal"}
HOURS = {"weekdays0": ["0", "1", "2", "3", "4", "5", "6"], "days_off": ["alike"], "refuses": "no"}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    clock.set(datetime(2026, 11, 23, 3, 0, tzinfo=UTC))
    office = Office(database, clock, tmp_path)
    office.add_receivers(1)
    return office


@pytest.fixture
def programme(office: Office, clock: ManualClock, database: Database) -> int:
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        item = Item(ItemKind.CLIP, "ban-tin")
        return add_programme(session, COMMUNE, "Bản tin sáng", [item], now=clock.now()).number


def send(office: Office, programme: int, **more: str) -> tuple[int, str]:
    fields = {**DAILY, "programme_id": str(programme), **more, "form_token": office.form_token}
    answer = office.browser.post("/timetable", data=fields)
    return answer.status_code, answer.text


def only_rule(office: Office) -> Rule:
    with office.database.session() as session:
        [schedule] = schedules(session, COMMUNE)
        return schedule.recurrence


def send_json(office: Office, programme: int, **more: object) -> tuple[int, str]:
    body = {
        "programme": programme,
        "repeat": "daily",
        "times": ["05:00"],
        "from_day": "2026-11-24",
        "targets": {"all": True},
        **more,
    }
    answer = office.browser.post("/api/v1/schedules", json=body, headers={"X-Form-Token": office.form_token})
    return answer.status_code, answer.text


@pytest.mark.parametrize("typed", ["17.30", "17h30", "17g30", "17:30", "1730", "17 giờ 30"])
def test_half_past_five_is_planned_at_half_past_five_however_it_is_written(
    office: Office, programme: int, typed: str
) -> None:
    status, _ = send(office, programme, times=typed, season_times=typed, season_first="1/12", season_last="31/12")
    assert status == 303
    assert only_rule(office).times == only_rule(office).seasons[0].times == [time(17, 30)]


@pytest.mark.parametrize("typed", ["5:00", "5h00", "05h00", "5h", "0500"])
def test_five_o_clock_may_be_written_without_its_zero(office: Office, programme: int, typed: str) -> None:
    assert send(office, programme, times=typed)[0] == 303
    assert only_rule(office).times == [time(5)]


@pytest.mark.parametrize("typed", ["17,05", "17.3", "05:00+07:00", "05:00Z", "²", "25:00"])
def test_an_ambiguous_or_zoned_time_is_refused_by_form_and_api(office: Office, programme: int, typed: str) -> None:
    for status, text in (send(office, programme, times=typed), send_json(office, programme, times=[typed])):
        assert status == 422
        assert "Hãy ghi" in text


@pytest.mark.parametrize("times", [[0], [61200], [17.5], [True], [None], [["05:00"]], ["05:00Z"], []])
def test_a_time_in_the_api_is_text_without_a_zone(office: Office, programme: int, times: list[object]) -> None:
    assert send_json(office, programme, times=times)[0] == 422


@pytest.mark.parametrize("typed", ["05.30", "5h30", "05:30"])
def test_allowed_hours_begin_when_they_say(office: Office, typed: str) -> None:
    fields = {**HOURS, "from_time": [typed], "until_time": ["21.30"], "form_token": office.form_token}
    assert office.browser.post("/allowed-hours/commune", data=fields).status_code == 303
    with office.database.session() as session:
        [hours] = rules_of(session, COMMUNE)[""].allowed_hours
    assert (hours.from_minute, hours.until_minute) == (330, 1290)


def test_a_year_of_two_digits_is_of_this_century(office: Office, programme: int) -> None:
    status, _ = send(office, programme, from_day="2-12-26", except_days="3/12/26, 4/12/2026", until_day="24/12/26")
    assert status == 303
    rule = only_rule(office)
    assert (rule.from_day, rule.until_day) == (date(2026, 12, 2), date(2026, 12, 24))
    assert rule.except_days == [date(2026, 12, 3), date(2026, 12, 4)]


@pytest.mark.parametrize(
    "more",
    [
        {"from_day": "0001-01-01"},
        {"from_day": "9999-12-31"},
        {"until_day": "9999-12-31"},
        {"except_days": "1/1/0001"},
        {"from_day": "2026-11-24T05:00+07:00"},
    ],
)
def test_years_beyond_the_calendar_are_refused(office: Office, programme: int, more: dict[str, str]) -> None:
    assert send(office, programme, **more)[0] == 422
    more_json = {name: [value] if name == "except_days" else value for name, value in more.items()}
    assert send_json(office, programme, **more_json)[0] == 422


def test_the_last_day_of_the_month_needs_no_diacritics(office: Office, programme: int) -> None:
    assert send(office, programme, repeat="monthly_by_day", month_days="15, cuoi")[0] == 303
    assert only_rule(office).month_days == [-1, 15]


def test_a_first_day_in_years_to_come_is_taken(office: Office, programme: int) -> None:
    assert send(office, programme, from_day="1/1/2033")[0] == 303


def test_every_0_days_is_refused_with_both_ends(office: Office, programme: int) -> None:
    status, text = send(office, programme, every="0")
    assert (status, "từ 1 đến 52" in text) == (422, True)


@pytest.mark.parametrize(("typed", "gap_ms"), [("2,5", 2500), ("2.5", 2500), ("1,5 giây", 1500)])
def test_a_pause_is_typed_with_comma_or_point(office: Office, programme: int, typed: str, gap_ms: int) -> None:
    assert office.post(f"/programmes/{programme}/items", what="gap", gap_s=typed) == 303
    with office.database.session() as session:
        assert items_of(session, programme)[-1].duration_us == gap_ms * 1000


@pytest.mark.parametrize("typed", ["nan", "inf", "-1", "1e9", "2²", "hai"])
def test_a_pause_that_is_no_length_is_refused_beside_the_form(office: Office, programme: int, typed: str) -> None:
    fields = {"what": "gap", "gap_s": typed, "form_token": office.form_token}
    answer = office.browser.post(f"/programmes/{programme}/items", data=fields, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (200, "#notices")
    with office.database.session() as session:
        assert len(items_of(session, programme)) == 1

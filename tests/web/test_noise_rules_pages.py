"""Allowed hours on the pages: set, shown, and refused with a sentence that says what to do."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from broadcast.programmes import Item, ItemKind, add_programme
from devices.zones import add_zone
from noise.noise_rules import NoiseRules, rules_of
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from wire.allowed_hours import AllowedHours, NightLevel, OnDaysOff

DAILY = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-24", "where": "all", "class": "normal"}
#: Two rows, the second one unused.
FORM: dict[str, object] = {
    "from_time": ["05:00", ""],
    "until_time": ["21:00", ""],
    "weekdays0": ["0", "1", "2", "3", "4", "5", "6"],
    "days_off": ["alike", "alike"],
    "season_first": ["", ""],
    "season_last": ["", ""],
    "night_from": "",
    "night_until": "",
    "night_volume": "40",
    "minutes_a_day": "",
    "minutes_a_week": "",
    "refuses": "no",
}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    clock.set(datetime(2026, 11, 23, 3, 0, tzinfo=UTC))
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    return made


@pytest.fixture
def programme(office: Office, clock: ManualClock, database: Database) -> int:
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        item = Item(ItemKind.CLIP, "ban-tin")
        return add_programme(session, COMMUNE, "Bản tin sáng", [item], now=clock.now()).number


def keep(office: Office, place: str = "commune", **more: object) -> tuple[int, str]:
    fields = {**FORM, **more, "form_token": office.form_token}
    answer = office.browser.post(f"/allowed-hours/{place}", data=fields, follow_redirects=False)
    return answer.status_code, answer.text


def kept(office: Office) -> dict[str, NoiseRules]:
    with office.database.session() as session:
        return rules_of(session, COMMUNE)


def test_hours_are_set_shown_in_words_and_in_the_week(office: Office) -> None:
    assert keep(office)[0] == 303
    assert kept(office)[""].allowed_hours == [AllowedHours(weekdays=list(range(7)), from_minute=300, until_minute=1260)]
    assert "05:00–21:00, hằng ngày" in office.browser.get("/allowed-hours").text
    week = office.browser.get("/timetable").text
    assert week.count("Được phát 05:00–21:00") == 1
    assert week.count('<i class="closed h0 m0 k5 n0">') == 7
    assert week.count('<i class="closed h21 m0 k3 n0">') == 7


def test_seasons_holidays_the_night_and_the_budget_are_kept_as_they_were_written(office: Office) -> None:
    status, _ = keep(
        office,
        from_time=["05:30", "15:00"],
        until_time=["24:00", "20:00"],
        weekdays1=["5", "6"],
        season_first=["16/10", ""],
        season_last=["14/4", ""],
        days_off=["not", "only"],
        night_from="21:00",
        night_until="05:30",
        night_volume="35",
        minutes_a_day="30",
        minutes_a_week="150",
        refuses="yes",
    )
    assert status == 303
    rules = kept(office)[""]
    first, second = rules.allowed_hours
    assert (first.from_minute, first.until_minute) == (330, 1440)
    assert (first.season_first, first.season_last) == ("10-16", "04-14")
    assert (first.days_off, second.days_off, second.weekdays) == (OnDaysOff.NOT, OnDaysOff.ONLY, [5, 6])
    assert rules.night_level == NightLevel(from_minute=1260, until_minute=330, volume_percent=35)
    assert (rules.minutes_a_day, rules.minutes_a_week, rules.refuses) == (30, 150, True)
    shown = office.browser.get("/allowed-hours/commune").text
    for written in ("05:30", "24:00", "16/10", "14/4", 'value="35"', 'value="30"', 'value="150"'):
        assert written in shown
    listed = office.browser.get("/allowed-hours").text
    assert "từ 16/10 đến 14/4" in listed
    assert "âm lượng nhiều nhất 35 %" in listed


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"until_time": ["", ""]}, "từ giờ nào đến giờ nào"),
        ({"from_time": ["5h3", ""]}, "5:03 hoặc 5:30"),
        ({"from_time": ["21:00", ""], "until_time": ["05:00", ""]}, "chia làm hai khung"),
        ({"weekdays0": []}, "ngày"),
        ({"season_first": ["31/13", ""], "season_last": ["1/1", ""]}, "15/10"),
        ({"season_first": ["15/10", ""]}, "15/10"),
        ({"minutes_a_day": "-1"}, "từ 1 đến 1440"),
        ({"minutes_a_week": "many"}, "bằng chữ số"),
        ({"night_from": "21:00", "night_until": "05:00", "night_volume": "101"}, "100"),
    ],
)
def test_what_is_no_rule_is_refused_with_a_sentence_and_nothing_is_kept(
    office: Office, wrong: dict[str, object], said: str
) -> None:
    status, text = keep(office, **wrong)
    assert status == 422
    assert said in text
    assert kept(office) == {}


def test_the_form_says_before_that_a_schedule_lies_outside_and_keeping_it_is_refused(
    office: Office, programme: int
) -> None:
    keep(office, from_time=["06:00", ""])
    fields = {**DAILY, "programme_id": str(programme), "form_token": office.form_token}
    preview = office.browser.post("/timetable/preview", data=fields).text
    assert "Lúc 05:00 24/11/2026 nằm ngoài khung giờ cho phép" in preview
    answer = office.browser.post("/timetable", data=fields, follow_redirects=False)
    assert answer.status_code == 422
    assert "nằm ngoài khung giờ cho phép" in answer.text
    assert office.post("/timetable", programme_id=str(programme), **{**DAILY, "class": "emergency"}) == 303


def test_a_schedule_that_hours_set_later_leave_outside_is_named_on_their_page(office: Office, programme: int) -> None:
    assert office.post("/timetable", programme_id=str(programme), **DAILY) == 303
    keep(office, from_time=["06:00", ""])
    shown = office.browser.get("/allowed-hours").text
    assert "Bản tin sáng" in shown
    assert "Lúc 05:00 24/11/2026" in shown


def test_the_form_warns_of_too_many_minutes_and_a_strict_budget_refuses(office: Office, programme: int) -> None:
    keep(office, minutes_a_day="5")
    fields = {**DAILY, "programme_id": str(programme), "form_token": office.form_token}
    assert "10 phút; chỉ cho phép 5 phút" in office.browser.post("/timetable/preview", data=fields).text
    assert office.post("/timetable", programme_id=str(programme), **DAILY) == 303
    keep(office, minutes_a_day="5", refuses="yes")
    answer = office.browser.post("/timetable", data={**fields, "times": "07:00"}, follow_redirects=False)
    assert answer.status_code == 422
    assert "chỉ cho phép 5 phút" in answer.text
    now = office.browser.post(
        "/put-on-air",
        data={"what": f"programme {programme}", "where": "all", "class": "normal", "form_token": office.form_token},
        follow_redirects=False,
    )
    assert now.status_code == 422


def test_a_zone_has_a_form_of_its_own_and_one_of_another_commune_is_not_found(office: Office) -> None:
    with office.database.writing() as session:
        add_zone(session, COMMUNE, "thon-9", "Thôn 9")
    assert keep(office, "thon-9", until_time=["12:00", ""])[0] == 303
    assert [h.zone for h in kept(office)["thon-9"].allowed_hours] == ["thon-9"]
    assert "Theo khung giờ của xã" not in office.browser.get("/allowed-hours").text.split("Thôn 9")[1].split("</li>")[0]
    assert office.browser.get("/allowed-hours/no-such").status_code == 404
    assert keep(office, "no-such")[0] == 404

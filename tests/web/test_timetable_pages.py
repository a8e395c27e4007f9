"""The timetable's pages: what is shown before a schedule is kept, and what becomes of it."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from broadcast.programmes import Item, ItemKind, add_programme
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.recurrence import Holidays, Repeat
from schedules.schedules import Schedule, schedules
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office

DAILY = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-24", "where": "all", "class": "normal"}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    clock.set(datetime(2026, 11, 23, 3, 0, tzinfo=UTC))
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    return made


@pytest.fixture
def programme(office: Office, clock: ManualClock, database: Database) -> int:
    """Ten minutes of news."""
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        item = Item(ItemKind.CLIP, "ban-tin")
        return add_programme(session, COMMUNE, "Bản tin sáng", [item], now=clock.now()).number


def kept(office: Office) -> list[Schedule]:
    with office.database.session() as session:
        return schedules(session, COMMUNE)


def add(office: Office, programme: int, **more: str) -> int:
    return office.post("/timetable", programme_id=str(programme), **{**DAILY, **more})


def preview(office: Office, programme: int, **more: str) -> str:
    fields = {**DAILY, "programme_id": str(programme), **more, "form_token": office.form_token}
    answer = office.browser.post("/timetable/preview", data=fields)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_next_ten_times_are_shown_with_their_holidays(office: Office, programme: int) -> None:
    shown = preview(office, programme)
    assert shown.count("<li>") == 10
    assert "Ngày Văn hóa Việt Nam" in shown
    assert "Phát lúc 05:00, hằng ngày" in shown


def test_whom_it_meets_who_wins_why_and_what_becomes_of_the_other(office: Office, programme: int) -> None:
    assert add(office, programme, **{"class": "priority"}) == 303
    shown = preview(office, programme, times="05:05")
    assert "“Bản tin sáng” phát thay cho lịch này" in shown
    assert "mức cao hơn được phát" in shown
    assert "trong 365 ngày của năm tới" in shown
    assert "mất đoạn trùng nhau" in shown
    assert "phát thay cho lịch này" not in preview(office, programme, times="05:10")


def test_two_of_one_class_are_put_in_order_by_the_user(office: Office, programme: int) -> None:
    assert add(office, programme, **{"class": "priority"}) == 303
    later = preview(office, programme, times="05:05", **{"class": "priority"})
    assert "Lịch này phát thay cho “Bản tin sáng”" in later
    gives_way = preview(office, programme, times="05:05", precedence="-1", **{"class": "priority"})
    assert "“Bản tin sáng” phát thay cho lịch này" in gives_way
    assert "được đặt ưu tiên trước" in gives_way


def test_nobody_to_hear_it_and_an_empty_zone_are_said(office: Office, programme: int) -> None:
    assert office.post("/zones", name="Thôn 9", zone_id="thon-9") == 303
    shown = preview(office, programme, where="some", zones="thon-9")
    assert "Thôn 9 chưa có cụm loa nào" in shown
    assert "không ai nghe thấy" in shown


def test_a_receiver_that_is_away_before_the_first_time_is_named(office: Office, programme: int) -> None:
    office.clock.advance(timedelta(minutes=10))
    office.presence.sweep(office.clock.now())
    assert "Thôn 0 đang mất kết nối" in preview(office, programme)
    assert "mất kết nối" not in preview(office, programme, from_day="2026-12-24")


def test_the_same_clip_too_often_on_a_day_is_said(office: Office, programme: int) -> None:
    often = preview(office, programme, times="05:00, 06:00, 07:00, 08:00, 09:00, 10:00, 11:00")
    assert "sẽ phát 7 lần" in often
    assert "sẽ phát" not in preview(office, programme, times="05:00, 06:00, 07:00, 08:00, 09:00, 10:00")


def test_all_that_a_rule_can_say_is_kept_and_shown_again_in_the_form(office: Office, programme: int) -> None:
    more = {
        "repeat": "monthly_by_weekday",
        "which": "-1",
        "weekdays": "6",
        "every": "2",
        "holidays": "not",
        "tet": "not",
        "except_days": "29/11/2026",
        "extra_days": "2026-12-24",
        "season_first": "16/10",
        "season_last": "14/4",
        "season_times": "05:30",
    }
    assert add(office, programme, **more) == 303
    [found] = kept(office)
    rule = found.recurrence
    assert (rule.repeat, rule.which, rule.weekdays, rule.every) == (Repeat.MONTHLY_BY_WEEKDAY, [-1], [6], 2)
    assert (rule.holidays, rule.tet, rule.seasons[0].first) == (Holidays.NOT, Holidays.NOT, (10, 16))
    form = office.browser.get(f"/timetable/{found.id}").text
    for value in ("29/11/2026", "24/12/2026", "16/10", "14/4", "05:30"):
        assert f'value="{value}"' in form
    listed = office.browser.get("/timetable").text
    assert "Chủ nhật cuối cùng, cách 2 tháng một lần" in listed
    assert "không phát ngày lễ" in listed


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"repeat": "monthly_by_day", "month_days": "32"}, "từ 1 đến 31"),
        ({"repeat": "monthly_by_day", "month_days": "x"}, "từ 1 đến 31"),
        ({"season_times": "05:30", "season_first": "31/2", "season_last": "1/4"}, "không có thật"),
        ({"season_times": "05:30", "season_first": "x", "season_last": "1/4"}, "dạng 15/10"),
        ({"season_times": "17.3", "season_first": "1/2", "season_last": "1/4"}, "17:03 hoặc 17:30"),
        ({"except_days": "hôm nay"}, "không phải là ngày"),
        ({"every": "99"}, "ít nhất mỗi 52"),
    ],
)
def test_what_makes_no_rule_is_refused_with_what_to_write(
    office: Office, programme: int, bad: dict[str, str], says: str
) -> None:
    fields = {**DAILY, "programme_id": str(programme), **bad, "form_token": office.form_token}
    answer = office.browser.post("/timetable", data=fields)
    assert answer.status_code == 422
    assert says in answer.text
    assert kept(office) == []


def test_one_airing_is_moved_and_the_others_stay(office: Office, programme: int) -> None:
    assert add(office, programme, times="05:00, 17:00") == 303
    [daily] = kept(office)
    move = {"from_day": "2026-11-25", "from_time": "05:00:00", "to_day": "2026-11-26", "to_time": "06:15"}
    assert office.post(f"/timetable/{daily.id}/move", **move) == 303
    week = office.browser.get("/timetable?week_of=2026-11-23").text
    days = {
        day.split('data-day="')[1][:10]: day.count('<a class="slot') for day in week.split('<section class="day')[1:]
    }
    assert (days["2026-11-25"], days["2026-11-26"]) == (1, 3)
    assert len(kept(office)) == 3
    assert office.post(f"/timetable/{daily.id}/move", **move) == 422, "it is not there any more"


def test_a_week_is_copied_once_and_what_is_there_already_is_not_doubled(office: Office, programme: int) -> None:
    assert add(office, programme, repeat="once", from_day="2026-11-25") == 303
    copy = {"from_day": "2026-11-24", "to_day": "2026-12-01", "span": "week"}
    assert office.post("/timetable/copy", **copy) == 303
    assert [s.recurrence.from_day.isoformat() for s in kept(office)] == ["2026-11-25", "2026-12-02"]
    assert office.post("/timetable/copy", **copy) == 422
    assert office.post("/timetable/copy", **{**copy, "to_day": "2026-11-24"}) == 422
    assert len(kept(office)) == 2


def test_the_month_shows_each_day_with_its_holidays(office: Office, programme: int) -> None:
    assert add(office, programme, times="05:00, 06:00, 07:00, 08:00, 09:00, 10:00, 11:00, 12:00") == 303
    month = office.browser.get("/timetable?month_of=2026-12-10").text
    assert month.count("<h2>") == 35
    assert "Và 2 mục nữa" in month
    assert "Tết Dương lịch" in month


def test_the_timetable_is_saved_as_a_calendar_and_reading_it_again_changes_nothing(
    office: Office, programme: int
) -> None:
    assert add(office, programme, repeat="weekly", weekdays="1") == 303
    saved = office.browser.get("/timetable.ics")
    assert saved.headers["content-type"].startswith("text/calendar")
    read = office.browser.post(
        "/timetable/read", data={"form_token": office.form_token}, files={"file": ("lich.ics", saved.content)}
    )
    assert "1 lịch đã có sẵn" in read.text
    assert len(kept(office)) == 1
    other = saved.content.replace("Bản tin sáng".encode(), b"Khac")
    read = office.browser.post(
        "/timetable/read", data={"form_token": office.form_token}, files={"file": ("l.ics", other)}
    )
    assert "Không có chương trình nào tên như vậy" in read.text
    moved = saved.content.replace(b"T050000", b"T060000")
    read = office.browser.post(
        "/timetable/read", data={"form_token": office.form_token}, files={"file": ("l.ics", moved)}
    )
    assert "Đã thay đổi 1 lịch" in read.text
    assert [schedule.recurrence.times for schedule in kept(office)] == [[time(6)]]
    bad = office.browser.post(
        "/timetable/read", data={"form_token": office.form_token}, files={"file": ("l.ics", b"x")}
    )
    assert bad.status_code == 422

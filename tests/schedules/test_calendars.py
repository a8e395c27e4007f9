"""The timetable as iCalendar: what a calendar program works out from it is what will sound; and back again."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.refusal import Refusal
from schedules.calendars import AHEAD, CalendarEntry, read_calendar, write_calendar
from schedules.foreign_calendars import read_foreign_calendar
from schedules.recurrence import Holidays, Repeat, Rule, Season, instants

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
TUESDAY = date(2026, 11, 24)


def entry(**rule: object) -> CalendarEntry:
    made = Rule(**{"repeat": Repeat.DAILY, "times": [time(5)], "from_day": TUESDAY} | rule)  # type: ignore[arg-type]
    return CalendarEntry("loa-1", "Bản tin sáng", made.check(), timedelta(minutes=10))


def as_a_program_reads_it(content: bytes, until: datetime) -> list[datetime]:
    """Each event expanded by dateutil alone, as a calendar program would."""
    found: set[datetime] = set()
    for event in icalendar.Calendar.from_ical(content).walk("VEVENT"):
        start = event["dtstart"].dt
        dates = rrule.rruleset()
        if "rrule" in event:
            dates.rrule(rrule.rrulestr(event["rrule"].to_ical().decode(), dtstart=start))
        else:
            dates.rdate(start)
        for name, put in (("exdate", dates.exdate), ("rdate", dates.rdate)):
            lists = event.get(name, [])
            for one in lists if isinstance(lists, list) else [lists]:
                for each in one.dts:
                    put(each.dt)
        for at in dates:
            if at >= until:
                break
            found.add(at.astimezone(UTC))
    return sorted(found)


TIMES = st.lists(st.sampled_from([time(5), time(11, 30), time(17)]), min_size=1, max_size=3)
DAYS = st.dates(date(2026, 11, 1), date(2027, 6, 30))
RULES = st.builds(
    Rule,
    repeat=st.sampled_from(Repeat),
    times=TIMES,
    from_day=DAYS,
    until_day=st.none() | st.dates(date(2027, 7, 1), date(2028, 1, 1)),
    every=st.integers(1, 3),
    weekdays=st.lists(st.integers(0, 6), min_size=1, max_size=3),
    month_days=st.lists(st.sampled_from([1, 15, 31, -1]), min_size=1, max_size=2),
    which=st.lists(st.sampled_from([1, 3, -1]), min_size=1, max_size=2),
    seasons=st.lists(st.just(Season(first=(10, 16), last=(4, 14), times=[time(5, 30), time(17)])), max_size=1),
    except_days=st.lists(DAYS, max_size=3),
    extra_days=st.lists(DAYS, max_size=3),
    holidays=st.sampled_from(Holidays),
    tet=st.sampled_from(Holidays),
)


@given(RULES)
@settings(deadline=None)
def test_a_calendar_program_shows_what_will_sound(rule: Rule) -> None:
    rule = rule.check()
    start = datetime(2026, 10, 1, tzinfo=UTC)
    until = datetime.combine(NOW.date() + AHEAD - timedelta(days=1), time(), tzinfo=UTC)
    written = write_calendar("Xã Thiệu Trung", [CalendarEntry("loa-1", "x", rule, timedelta(minutes=5))], HANOI, NOW)
    assert as_a_program_reads_it(written, until) == instants(rule, HANOI, start, until)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"times": [time(5), time(17)]},
        {"repeat": Repeat.WEEKLY, "weekdays": [1, 4], "every": 2, "until_day": date(2027, 6, 30)},
        {"repeat": Repeat.MONTHLY_BY_DAY, "month_days": [24, -1]},
        {"repeat": Repeat.MONTHLY_BY_WEEKDAY, "weekdays": [1], "which": [-1, 4]},
        {"repeat": Repeat.ONCE},
        {"repeat": Repeat.ONCE, "extra_days": [date(2026, 12, 24)]},
        {"except_days": [date(2026, 12, 24)]},
    ],
)
def test_what_was_written_is_read_again(rule: dict[str, object]) -> None:
    said = entry(**rule)
    read = read_calendar(write_calendar("x", [said], HANOI, NOW), HANOI)
    assert [(e.title, e.rule, e.length) for e in read.entries] == [(said.title, said.rule, said.length)]
    assert read.unread == []


def ics(*lines: str) -> bytes:
    event = ["BEGIN:VEVENT", "UID:1", "DTSTAMP:20261101T000000Z", "SUMMARY:Bản tin", *lines, "END:VEVENT"]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *event, "END:VCALENDAR", ""]).encode()


def test_a_count_becomes_a_last_day_and_utc_becomes_the_communes_time() -> None:
    read = read_calendar(ics("DTSTART:20261123T220000Z", "RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3"), HANOI)
    [found] = read.entries
    assert (found.rule.times, found.rule.from_day) == ([time(5)], TUESDAY)
    assert (found.rule.every, found.rule.until_day) == (2, date(2026, 11, 28))


@pytest.mark.parametrize(
    "lines",
    [
        ["DTSTART;VALUE=DATE:20261124"],
        ["DTSTART:20261124T050000", "RRULE:FREQ=YEARLY;BYDAY=20MO"],
        ["DTSTART:20261124T050000", "RRULE:FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1"],
        ["DTSTART:20261124T050000", "RRULE:FREQ=MONTHLY;BYDAY=1MO,2TU"],
    ],
)
def test_what_the_timetable_has_no_rule_for_is_told_and_not_guessed(lines: list[str]) -> None:
    read = read_calendar(ics(*lines), HANOI)
    assert read.entries == []
    assert [title for title, _ in read.unread] == ["Bản tin"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"BEGIN:VEVENT", b"%PDF-1.7 not a calendar"])
def test_what_is_no_calendar_is_refused(content: bytes) -> None:
    with pytest.raises(Refusal, match="not a calendar file"):
        read_calendar(content, HANOI)


@pytest.mark.parametrize("begins", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"], ids=["xlsx", "xls"])
def test_a_spreadsheet_in_the_place_of_a_calendar_file_is_led_to_the_import(begins: bytes) -> None:
    with pytest.raises(Refusal, match="Import, which reads tables"):
        read_foreign_calendar(begins + bytes(200), HANOI, source="xa")

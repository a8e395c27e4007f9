"""Calendar files as programs write them: the days that they mean, or the event named as left out."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.refusal import Refusal
from schedules.calendars import CalendarImport, read_calendar
from schedules.recurrence import instants, next_instants

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
FILES = Path(__file__).parent / "calendars"
EXPECTED: dict[str, object] = json.loads((FILES / "expected.json").read_text())
LOCAL = "DTSTART;TZID=Asia/Ho_Chi_Minh:"
INSTANCE = "RECURRENCE-ID;TZID=Asia/Ho_Chi_Minh:"


def calendar(*events: str) -> bytes:
    body = "".join(
        "BEGIN:VEVENT\r\nDTSTAMP:20261101T000000Z\r\n" + event.replace("|", "\r\n") + "\r\nEND:VEVENT\r\n"
        for event in events
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}END:VCALENDAR\r\n".encode()


def due(read: CalendarImport, count: int = 4) -> list[str]:
    times = sorted(at for entry in read.entries for at in next_instants(entry.rule, HANOI, NOW, count))
    return [at.astimezone(HANOI).strftime("%a %d/%m %H:%M") for at in times[:count]]


@pytest.mark.parametrize("name", sorted(name for name, days in EXPECTED.items() if isinstance(days, list)))
def test_a_file_is_due_on_the_days_that_it_means(name: str) -> None:
    read, days = read_calendar((FILES / f"{name}.ics").read_bytes(), HANOI), EXPECTED[name]
    times = sorted(at for entry in read.entries for at in next_instants(entry.rule, HANOI, NOW, 5))
    assert isinstance(days, list)
    assert [at.astimezone(HANOI).strftime("%Y-%m-%dT%H:%M") for at in times][: len(days) or 1] == days


@pytest.mark.parametrize("name", sorted(name for name, days in EXPECTED.items() if days == "told"))
def test_an_event_that_is_not_understood_is_named(name: str) -> None:
    try:
        read = read_calendar((FILES / f"{name}.ics").read_bytes(), HANOI)
    except Refusal:
        return
    # The page refuses a title that no programme has.
    assert read.unread or [entry.title for entry in read.entries] == ["Ban tin"]


@pytest.mark.parametrize("name", sorted(name for name, days in EXPECTED.items() if days == "refuse or right"))
def test_a_rare_repetition_is_right_or_refused(name: str) -> None:
    read = read_calendar((FILES / f"{name}.ics").read_bytes(), HANOI)
    assert bool(read.entries) != bool(read.unread)


def test_a_broken_event_is_named_and_the_others_are_taken() -> None:
    read = read_calendar((FILES / "one_broken_event.ics").read_bytes(), HANOI)
    assert ([title for title, _ in read.unread], [e.title for e in read.entries]) == (["Hỏng"], ["Bản tin sáng"])


DAILY = f"UID:a|SUMMARY:A|{LOCAL}20261130T050000|RRULE:FREQ=DAILY"


@pytest.mark.parametrize(
    ("instance", "times"),
    [
        (
            f"{LOCAL}20261202T060000|{INSTANCE}20261202T050000",
            ["Mon 30/11 05:00", "Tue 01/12 05:00", "Wed 02/12 06:00", "Thu 03/12 05:00"],
        ),
        (
            "DTSTART:20261201T230000Z|RECURRENCE-ID:20261201T220000Z",
            ["Mon 30/11 05:00", "Tue 01/12 05:00", "Wed 02/12 06:00", "Thu 03/12 05:00"],
        ),
        (
            f"{LOCAL}20261202T050000|{INSTANCE}20261202T050000|STATUS:CANCELLED",
            ["Mon 30/11 05:00", "Tue 01/12 05:00", "Thu 03/12 05:00", "Fri 04/12 05:00"],
        ),
    ],
)
def test_a_changed_instance_takes_the_place_of_the_regular_one(instance: str, times: list[str]) -> None:
    assert due(read_calendar(calendar(DAILY, f"UID:a|SUMMARY:A|{instance}"), HANOI)) == times
    assert due(read_calendar(calendar(f"UID:a|SUMMARY:A|{instance}", DAILY), HANOI)) == times


def test_a_change_of_this_and_all_that_follow_is_refused_by_name() -> None:
    later = f"UID:a|SUMMARY:A|{LOCAL}20261202T060000|RECURRENCE-ID;RANGE=THISANDFUTURE:20261201T220000Z"
    [(title, why)] = read_calendar(calendar(DAILY, later), HANOI).unread
    assert (title, "RANGE" in str(why)) == ("A", True)


@pytest.mark.parametrize(
    ("event", "times"),
    [
        ("DTSTART:20261129T220000Z|RRULE:FREQ=WEEKLY;BYDAY=SU", ["Mon 30/11", "Mon 07/12", "Mon 14/12", "Mon 21/12"]),
        (
            "DTSTART:20261129T223000Z|RRULE:FREQ=WEEKLY;BYDAY=SU,MO,TU,WE,TH",
            ["Mon 30/11", "Tue 01/12", "Wed 02/12", "Thu 03/12"],
        ),
        (
            f"{LOCAL}20261129T070000|RRULE:FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,WE",
            ["Sun 29/11", "Wed 02/12", "Sun 13/12", "Wed 16/12"],
        ),
        (
            f"{LOCAL}20261201T073000|RRULE:FREQ=DAILY;BYMONTHDAY=1",
            ["Tue 01/12", "Fri 01/01", "Mon 01/02", "Mon 01/03"],
        ),
        (
            f"{LOCAL}20261130T074500|RRULE:FREQ=DAILY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR",
            ["Mon 30/11", "Wed 02/12", "Fri 04/12", "Tue 08/12"],
        ),
    ],
)
def test_weekdays_follow_the_clock_of_the_commune(event: str, times: list[str]) -> None:
    read = read_calendar(calendar(f"UID:a|SUMMARY:A|{event}"), HANOI)
    assert [at[:9] for at in due(read)] == times


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=1000000000000",
        "FREQ=DAILY;COUNT=-1",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYDAY=99MO",
        "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=DAILY;INTERVAL=99999999999999999999",
        "FREQ=DAILY;UNTIL=20200101",
        "FREQ=SECONDLY",
        "FREQ=",
        "INTERVAL=2",
        "BYDAY=MO",
        "FREQ=DAILY;BYHOUR=5,6",
        "FREQ=YEARLY;BYWEEKNO=20",
        "\x00",
    ],
)
def test_a_broken_rule_beside_a_good_event_is_named_and_the_good_one_taken(rule: str) -> None:
    good, bad = f"UID:1|SUMMARY:Tốt|{LOCAL}20261130T080000", f"UID:2|SUMMARY:Hỏng|{LOCAL}20261130T081000|RRULE:{rule}"
    read = read_calendar(calendar(good, bad), HANOI)
    assert ([e.title for e in read.entries], [title for title, _ in read.unread]) == (["Tốt"], ["Hỏng"])


RRULES = st.tuples(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.sampled_from(["", ";INTERVAL=2", ";INTERVAL=3", ";INTERVAL=7"]),
    st.sampled_from(["", ";BYDAY=MO", ";BYDAY=SU,WE", ";BYDAY=1TU", ";BYDAY=-1FR,2FR"]),
    st.sampled_from(["", ";BYMONTHDAY=1,15", ";BYMONTHDAY=31", ";BYMONTHDAY=-1"]),
    st.sampled_from(["", ";WKST=SU", ";WKST=MO"]),
    st.sampled_from(["", ";COUNT=5", ";UNTIL=20270401T000000Z"]),
).map("".join)


@given(RRULES, st.dates(date(2026, 11, 1), date(2026, 12, 31)), st.sampled_from([0, 5, 17, 22, 23]))
@settings(deadline=None, max_examples=30)
def test_every_rule_is_due_as_a_calendar_program_shows_it_or_is_refused(rule: str, day: date, hour: int) -> None:
    start = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    event = f"UID:a|SUMMARY:A|DTSTART:{start:%Y%m%dT%H%M%SZ}|RRULE:FREQ={rule}"
    read = read_calendar(calendar(event), HANOI)
    end = datetime(2028, 6, 1, tzinfo=UTC)
    ours = sorted(at for e in read.entries for at in instants(e.rule, HANOI, start, end))
    if read.entries:
        try:
            theirs = rrule.rrulestr(f"FREQ={rule}", dtstart=start).between(start, end - timedelta(seconds=1), inc=True)
        except ValueError:
            theirs = []
        assert ours == theirs
    else:
        assert read.unread


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_lines_in_an_event_are_read_or_named(lines: bytes) -> None:
    content = calendar(f"UID:1|SUMMARY:A|{LOCAL}20261130T080000").replace(b"END:VEVENT", lines + b"\r\nEND:VEVENT")
    try:
        read_calendar(content, HANOI)
    except Refusal as refusal:
        assert str(refusal)  # noqa: PT017 - either is right

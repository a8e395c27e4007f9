"""Calendar files are due as the library recurring-ical-events says, or the event is named as left out."""

import json
import unicodedata
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.calendars import CalendarImport, read_calendar
from schedules.recurrence import instants
from tests.schedules.test_calendar_cases import FILES, INSTANCE, LOCAL, calendar

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
FROM, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2029, 6, 1, tzinfo=UTC)
EXPECTED = json.loads((FILES / "expected.json").read_text())
#: Why a file is not compared.
NOT_COMPARED = {
    "empty": "no calendar",
    "not": "no calendar",
    "exrule": "the library ignores EXRULE; compared with dateutil below",
    "friday_13": "the library adds a DTSTART that its own rule does not give, which RFC 5545 leaves undefined",
    "rrule_no_freq": "the library raises TypeError",
}
Due = list[tuple[str, datetime]]


def ours(read: CalendarImport) -> Due:
    return sorted((entry.title, at) for entry in read.entries for at in instants(entry.rule, HANOI, FROM, UNTIL))


def theirs(content: bytes) -> Due:
    due = []
    for one in icalendar.Calendar.from_ical(content.decode("utf-16" if content[:1] == b"\xff" else "utf-8-sig"), True):
        for event in recurring_ical_events.of(one, skip_bad_series=True).between(FROM, UNTIL - timedelta(seconds=1)):
            at = event.start
            if isinstance(at, datetime) and str(event.get("status", "")).upper() != "CANCELLED":
                title = unicodedata.normalize("NFC", str(event["summary"]))
                due.append((title, (at.replace(tzinfo=HANOI) if at.tzinfo is None else at).astimezone(UTC)))
    return sorted(due)


@pytest.mark.parametrize("path", sorted(FILES.glob("*.ics")), ids=lambda path: path.stem)
def test_a_file_is_due_as_the_library_says_or_its_event_is_named(path: Path) -> None:
    assert path.stem in EXPECTED
    if path.stem in NOT_COMPARED:
        return
    content = path.read_bytes()
    read = read_calendar(content, HANOI)
    unread = {title for title, _ in read.unread}
    if read.entries or read.cancelled:
        assert ours(read) == [(title, at) for title, at in theirs(content) if title not in unread]


SERIES = st.fixed_dictionaries(
    {
        "rule": st.tuples(
            st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
            st.sampled_from(["", ";INTERVAL=2", ";INTERVAL=3"]),
            st.sampled_from(["", "", ";COUNT=9", ";UNTIL=20270901T120000Z"]),
        ).map("".join),
        "zone": st.sampled_from(["Asia/Ho_Chi_Minh", "UTC", "Asia/Tokyo"]),
        "day": st.dates(date(2026, 11, 2), date(2026, 12, 28)),
        "hour": st.sampled_from([0, 5, 17, 22]),
        "left_out": st.sets(st.integers(0, 6), max_size=2),
        "moved": st.dictionaries(st.integers(0, 6), st.sampled_from([-26, -1, 2, 30]), max_size=2),
        "cancelled": st.sets(st.integers(0, 6), max_size=2),
        # Not 7 hours: the library takes an added 07:00 in Vietnam, 00:00 UTC, for a cancelled 00:00 in Vietnam.
        "added": st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0, 1, 8])), max_size=2),
    }
)


def series(made: dict) -> bytes:  # type: ignore[type-arg]
    """A series with changed instances, as calendar programs write it."""
    tz = ZoneInfo(made["zone"])
    start = datetime.combine(made["day"], datetime.min.time()).replace(hour=made["hour"], tzinfo=tz)
    rule = rrule.rrulestr(f"FREQ={made['rule']}".partition(";UNTIL")[0], dtstart=start.replace(tzinfo=None))
    regular = [at.replace(tzinfo=tz) for at in rule[:7]]  # type: ignore[index]

    def stamp(name: str, at: datetime) -> str:
        return (
            f"{name}:{at:%Y%m%dT%H%M%SZ}" if made["zone"] == "UTC" else f"{name};TZID={made['zone']}:{at:%Y%m%dT%H%M%S}"
        )

    lines = ["UID:a", "SUMMARY:A", stamp("DTSTART", start), f"RRULE:FREQ={made['rule']}"]
    lines += [stamp("EXDATE", regular[k]) for k in sorted(made["left_out"]) if k < len(regular)]
    lines += [stamp("RDATE", start + timedelta(days=d, hours=h)) for d, h in made["added"]]
    events = ["|".join(lines)]
    until = datetime(2027, 9, 1, 12, tzinfo=UTC) if "UNTIL" in made["rule"] else datetime.max.replace(tzinfo=UTC)
    changes = {**dict.fromkeys(made["cancelled"], "CANCELLED"), **made["moved"]}
    for k, change in changes.items():
        # Both at once, or a change of what is not there, means nothing.
        if k >= len(regular) or k in made["left_out"] or regular[k] > until:
            continue
        moved = regular[k] if change == "CANCELLED" else regular[k] + timedelta(hours=change)
        status = "|STATUS:CANCELLED" if change == "CANCELLED" else ""
        events.append(f"UID:a|SUMMARY:A|{stamp('RECURRENCE-ID', regular[k])}|{stamp('DTSTART', moved)}{status}")
    return calendar(*events)


@given(SERIES)
@settings(deadline=None, max_examples=25)
def test_a_series_with_changes_is_due_as_the_library_says_or_is_named(made: dict) -> None:  # type: ignore[type-arg]
    content = series(made)
    read = read_calendar(content, HANOI)
    assert bool(read.entries) != bool(read.unread)
    if read.entries:
        # A moved instance may fall on a regular one: then it sounds once.
        assert sorted(set(ours(read))) == sorted(set(theirs(content)))


@pytest.mark.parametrize(
    ("rule", "excluded"),
    [
        ("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU"),
        ("FREQ=DAILY", "FREQ=DAILY;INTERVAL=2"),
        ("FREQ=DAILY", "FREQ=DAILY;UNTIL=20261210T000000Z"),
        ("FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SA;COUNT=10"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "FREQ=WEEKLY;INTERVAL=2;BYDAY=WE"),
        ("FREQ=MONTHLY;BYDAY=MO", "FREQ=MONTHLY;BYDAY=1MO,-1MO"),
        ("FREQ=DAILY;COUNT=30", "FREQ=MONTHLY;BYMONTHDAY=5,6"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=15"),
    ],
)
def test_what_an_exrule_leaves_out_is_not_due_or_the_event_is_named(rule: str, excluded: str) -> None:
    start = datetime(2026, 11, 29, 22, tzinfo=UTC)
    content = calendar(f"UID:a|SUMMARY:A|DTSTART:{start:%Y%m%dT%H%M%SZ}|RRULE:{rule}|EXRULE:{excluded}")
    read, rules = read_calendar(content, HANOI), rrule.rruleset()
    rules.rrule(rrule.rrulestr(rule, dtstart=start))  # type: ignore[arg-type]
    rules.exrule(rrule.rrulestr(excluded, dtstart=start))  # type: ignore[arg-type]
    if read.unread:
        [(title, why)] = read.unread
        assert (title, "EXRULE" in str(why)) == ("A", True)
        assert "BYMONTH=2" in excluded or "1MO" in excluded  # what no rule of the timetable says
    else:
        assert [at for _, at in ours(read)] == rules.between(FROM, UNTIL - timedelta(seconds=1), inc=True)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY",
        "FREQ=YEARLY;BYMONTH=1,7;BYMONTHDAY=1",
        "FREQ=YEARLY;BYMONTHDAY=1,15",
        "FREQ=YEARLY;BYMONTH=9;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1",
        "FREQ=MONTHLY;BYDAY=FR;BYSETPOS=-1",
        "FREQ=DAILY;BYMONTHDAY=1,-1",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=-1",
        "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=10",
        "FREQ=DAILY;INTERVAL=14",
        "FREQ=MONTHLY;BYDAY=MO",
    ],
)
def test_a_rule_that_the_timetable_can_say_is_taken_whatever_its_words(rule: str) -> None:
    start = rrule.rrulestr(rule, dtstart=datetime(2026, 11, 30, 15))[0]  # type: ignore[index]  # noqa: DTZ001
    content = calendar(f"UID:a|SUMMARY:A|DTSTART:{start:%Y%m%dT%H%M%SZ}|RRULE:{rule}")
    read = read_calendar(content, HANOI)
    assert read.unread == []
    assert ours(read) == theirs(content)


@pytest.mark.parametrize(
    "rule",
    ["FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "FREQ=YEARLY;BYDAY=20MO", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1"],
)
def test_a_rule_that_the_timetable_cannot_say_is_named_even_when_some_years_look_alike(rule: str) -> None:
    start = rrule.rrulestr(rule, dtstart=datetime(2026, 11, 30, 10))[0]  # type: ignore[index]  # noqa: DTZ001
    [(title, why)] = read_calendar(
        calendar(f"UID:a|SUMMARY:A|DTSTART:{start:%Y%m%dT%H%M%SZ}|RRULE:{rule}"), HANOI
    ).unread
    assert (title, rule.split(";")[0] in str(why)) == ("A", True)


def test_added_instants_at_other_times_and_periods_are_due() -> None:
    content = calendar(
        f"UID:a|SUMMARY:A|{LOCAL}20261201T050000|RDATE;TZID=Asia/Ho_Chi_Minh:20261203T170000,20261204T170000"
        "|RDATE;VALUE=PERIOD:20261206T030000Z/PT10M|EXDATE;TZID=Asia/Ho_Chi_Minh:20261204T170000"
    )
    read = read_calendar(content, HANOI)
    assert [at.astimezone(HANOI).strftime("%d/%m %H:%M") for _, at in ours(read)] == [
        "01/12 05:00",
        "03/12 17:00",
        "06/12 10:00",
    ]
    assert ours(read) == theirs(content)


def test_of_an_event_that_stands_there_twice_the_newest_counts() -> None:
    old, new = (f"UID:a|SUMMARY:A|SEQUENCE:{k}|{LOCAL}2026120{k}T050000" for k in (1, 2))
    for content in (calendar(old, new), calendar(new, old)):
        assert [at.astimezone(HANOI).day for _, at in ours(read_calendar(content, HANOI))] == [2]
    series, moved = f"UID:a|SUMMARY:A|{LOCAL}20261201T050000|RRULE:FREQ=DAILY;COUNT=1", "UID:a|SUMMARY:A|SEQUENCE:"
    first, second = (f"{moved}{k}|{INSTANCE}20261201T050000|{LOCAL}20261201T1{k}0000" for k in (1, 2))
    for content in (calendar(series, first, second), calendar(second, first, series)):
        assert [at.astimezone(HANOI).hour for _, at in ours(read_calendar(content, HANOI))] == [12]


GOOD = f"UID:1|SUMMARY:Tốt|{LOCAL}20261201T050000"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"PRODID:x", b"PRODID:x\r\nthis line has no colon"),
        (b"PRODID:x", b"PRODID:x\r\nBEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:x\r\nEND:VTIMEZONE"),
        (b"END:VCALENDAR\r\n", b""),
        (b"END:VCALENDAR\r\n", b"END:VEVENT\r\nEND:VCALENDAR\r\n"),
        (b"END:VCALENDAR\r\n", b"BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:H\xe1\xbb\x8fng\r\nDTST"),
        (b"UID:2", b"UID:2\r\nBEGIN:VALARM\r\nTRIGGER:x"),
    ],
)
def test_what_is_broken_around_an_event_does_not_lose_it(before: bytes, after: bytes) -> None:
    content = calendar(GOOD, f"UID:2|SUMMARY:Hỏng|{LOCAL}20261202T05").replace(before, after)
    assert after in content
    read = read_calendar(content, HANOI)
    assert [entry.title for entry in read.entries] == ["Tốt"]
    assert {title for title, _ in read.unread} == {"Hỏng"}

"""A calendar file on the timetable: by title, and by UID when it is read again."""

import unicodedata
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from broadcast.programmes import Item, ItemKind
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.calendars import CalendarEntry, read_calendar, write_calendar
from schedules.recurrence import Holidays, Repeat, Rule
from schedules.schedules import Schedule, schedules
from tests.broadcast.studio import Studio
from tests.cast import COMMUNE, LAN
from transfer.calendar_import import EventTaker, TakenEvents
from usecases.schedules import ScheduleSettings, add_schedule_in
from wire.broadcasts import BroadcastClass, Targets

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAILY = "UID:sang@lich|SUMMARY:Bản tin sáng|DTSTART;TZID=Asia/Ho_Chi_Minh:20261201T{hour}0000|RRULE:FREQ=DAILY"


@pytest.fixture
def studio(database: Database, clock: ManualClock) -> Studio:
    clock.set(NOW)
    return Studio(clock, database)


def file_of(*events: str) -> bytes:
    body = "".join(f"BEGIN:VEVENT\r\n{event.replace('|', chr(10))}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}END:VCALENDAR\r\n".encode()


def read(studio: Studio, content: bytes) -> TakenEvents:
    with studio.database.writing() as session:
        taker, events = EventTaker(session, COMMUNE, NOW, LAN), read_calendar(content, HANOI)
        taken = taker.take(events)
        taken.extend(taker.remove_gone(events))
        return taken


def kept(studio: Studio) -> list[Schedule]:
    with studio.database.session() as session:
        return schedules(session, COMMUNE)


def add_daily(session: Session, programme_id: int, targets: Targets, **rule: object) -> Schedule:
    daily = Rule(**{"repeat": Repeat.DAILY, "times": [time(5)], "from_day": NOW.date()} | rule)  # type: ignore[arg-type]
    settings = ScheduleSettings(programme_id, daily, targets, BroadcastClass.PRIORITY)
    return add_schedule_in(session, LAN, COMMUNE, settings, NOW)


def test_an_event_moved_in_the_calendar_moves_its_schedule_when_read_again(studio: Studio) -> None:
    assert read(studio, file_of(DAILY.format(hour="10"))).added == ["Bản tin sáng"]
    assert read(studio, file_of(DAILY.format(hour="10"))).there == ["Bản tin sáng"]
    assert read(studio, file_of(DAILY.format(hour="11"))).changed == ["Bản tin sáng"]
    [schedule] = kept(studio)
    assert schedule.recurrence.times == [time(11)]


def test_where_and_as_what_class_it_sounds_stays_when_an_event_is_read_again(studio: Studio) -> None:
    with studio.database.writing() as session:
        before = add_daily(session, studio.programme, Targets(zones=["thon-1"]))
        entry = CalendarEntry(f"loa-{COMMUNE}-{before.number}", "Bản tin sáng", before.recurrence, NOW - NOW)
    written = write_calendar("x", [entry], HANOI, NOW).replace(b"T050000", b"T060000")
    assert read(studio, written).changed == ["Bản tin sáng"]
    [after] = kept(studio)
    assert (after.recurrence.times, after.audience.zones, after.class_) == ([time(6)], ["thon-1"], "priority")


def test_a_schedule_with_holidays_is_not_replaced_by_the_days_that_its_own_file_lists(studio: Studio) -> None:
    with studio.database.writing() as session:
        before = add_daily(session, studio.programme, Targets(all=True), holidays=Holidays.NOT)
        entry = CalendarEntry(f"loa-{COMMUNE}-{before.number}", "Bản tin sáng", before.recurrence, NOW - NOW)
    assert read(studio, write_calendar("x", [entry], HANOI, NOW)).there == ["Bản tin sáng"]
    assert [s.recurrence for s in kept(studio)] == [before.recurrence]


@pytest.mark.parametrize("title", [unicodedata.normalize("NFD", "Bản tin sáng"), "BẢN TIN SÁNG", " Ban tin sang "])
def test_a_title_is_found_however_a_program_writes_it(studio: Studio, title: str) -> None:
    assert read(studio, file_of(DAILY.format(hour="10").replace("Bản tin sáng", title))).added == ["Bản tin sáng"]


def test_two_programmes_of_one_title_are_refused(studio: Studio) -> None:
    with studio.database.writing() as session:
        studio.add_programme(session, "bản tin sáng", [Item(ItemKind.CLIP, "bulletin")])
    taken = read(studio, file_of(DAILY.format(hour="10")))
    assert [str(why)[:18] for _, why in taken.unread] == ["Several programmes"]
    assert kept(studio) == []


def test_a_programme_whose_title_differs_by_a_tone_is_not_taken(studio: Studio) -> None:
    assert read(studio, file_of(DAILY.format(hour="10").replace("sáng", "sàng"))).unread
    assert kept(studio) == []


MOVED = (
    "UID:sang@lich|SUMMARY:Bản tin sáng|RECURRENCE-ID;TZID=Asia/Ho_Chi_Minh:20261203T100000"
    "|DTSTART;TZID=Asia/Ho_Chi_Minh:20261203T{hour}0000"
)


def test_an_event_that_is_cancelled_takes_its_schedule_off_when_read_again(studio: Studio) -> None:
    daily, moved = DAILY.format(hour="10"), MOVED.format(hour="15")
    other = daily.replace("sang@lich", "toi@lich").replace("T100000", "T190000")
    read(studio, file_of(daily, moved, other))
    assert len(kept(studio)) == 3
    taken = read(studio, file_of(daily + "|STATUS:CANCELLED", other))
    assert (taken.removed, taken.unread) == (["Bản tin sáng"] * 2, [])
    assert [s.recurrence.times for s in kept(studio)] == [[time(19)]]
    # Read once more it has no schedule to take off, and that is said.
    taken = read(studio, file_of(daily + "|STATUS:CANCELLED", other))
    assert (taken.removed, [str(why) for _, why in taken.unread]) == ([], ["This event is cancelled."])


def test_a_calendar_that_cancels_its_events_takes_their_schedules_off(studio: Studio) -> None:
    read(studio, file_of(DAILY.format(hour="10")))
    assert read(studio, file_of(DAILY.format(hour="10")).replace(b"VERSION", b"METHOD:CANCEL\r\nVERSION")).removed
    assert kept(studio) == []


def test_an_occurrence_moved_back_leaves_nothing_of_its_move(studio: Studio) -> None:
    daily = DAILY.format(hour="10")
    read(studio, file_of(daily, MOVED.format(hour="15")))
    taken = read(studio, file_of(daily, MOVED.format(hour="16")))
    assert (taken.added, taken.removed) == ([], [])
    assert sorted(s.recurrence.times for s in kept(studio)) == [[time(10)], [time(16)]]
    assert read(studio, file_of(daily)).removed == ["Bản tin sáng"]
    assert [(s.recurrence.times, s.recurrence.except_days) for s in kept(studio)] == [([time(10)], [])]


def test_a_moved_occurrence_without_its_series_leaves_the_series_as_it_is(studio: Studio) -> None:
    read(studio, file_of(DAILY.format(hour="10")))
    assert read(studio, file_of(MOVED.format(hour="15"))).added == ["Bản tin sáng"]
    taken = read(studio, file_of(MOVED.format(hour="15") + "|STATUS:CANCELLED"))
    assert (taken.removed, [str(why)[:18] for _, why in taken.unread]) == ([], ["This occurrence is"])
    assert sorted(s.recurrence.times for s in kept(studio)) == [[time(10)], [time(15)]]


def test_an_event_that_can_no_longer_be_taken_keeps_its_schedule_and_is_named(studio: Studio) -> None:
    read(studio, file_of(DAILY.format(hour="10")))
    taken = read(studio, file_of(DAILY.format(hour="11").replace("Bản tin sáng", "Bản tin khác")))
    assert (taken.removed, [title for title, _ in taken.unread]) == ([], ["Bản tin khác"])
    assert [s.recurrence.times for s in kept(studio)] == [[time(10)]]


def test_cancelling_one_event_of_our_own_file_leaves_the_other_times_of_its_schedule(studio: Studio) -> None:
    with studio.database.writing() as session:
        before = add_daily(session, studio.programme, Targets(all=True), times=[time(5), time(17)])
        entry = CalendarEntry(f"loa-{COMMUNE}-{before.number}", "Bản tin sáng", before.recurrence, NOW - NOW)
    written = write_calendar("x", [entry], HANOI, NOW).replace(b"-050000\r\n", b"-050000\r\nSTATUS:CANCELLED\r\n", 1)
    assert b"CANCELLED" in written
    read(studio, written)
    assert [(s.number, s.recurrence.times) for s in kept(studio)] == [(before.number, [time(17)])]

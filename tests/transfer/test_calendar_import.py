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
        return EventTaker(session, COMMUNE, NOW, LAN).take(read_calendar(content, HANOI))


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

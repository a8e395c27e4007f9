"""The timetable as iCalendar (RFC 5545), written here and read by `schedules.calendar_reading`.

A schedule with several times a day becomes several events, since an event has one time. What iCalendar cannot express
(holidays, Tết, seasons) is written as single days, for `AHEAD` from now.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from schedules.calendar_entries import CalendarEntry, CalendarImport
from schedules.calendar_reading import read_calendar
from schedules.recurrence import Holidays, Repeat, Rule, days

if TYPE_CHECKING:
    import icalendar

__all__ = ["AHEAD", "MOST_FILE_BYTES", "CalendarEntry", "CalendarImport", "read_calendar", "write_calendar"]

#: A calendar of this size holds tens of thousands of events.
MOST_FILE_BYTES = 5_000_000
#: Single days are written this far ahead; a subscribed calendar program reloads the file long before.
AHEAD = timedelta(days=730)
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def write_calendar(name: str, entries: Iterable[CalendarEntry], zone: ZoneInfo, now: datetime) -> bytes:
    """zone: the commune's; times are written in it."""
    import icalendar  # noqa: PLC0415 - 0.15 s at each start, for a file that is seldom asked for

    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Loa//Timetable//VI")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    today = now.astimezone(zone).date()
    for entry in entries:
        for at in sorted({*entry.rule.times, *(t for s in entry.rule.seasons for t in s.times)}):
            event = _event(entry, at, zone, today)
            if event is not None:
                event.add("dtstamp", now)
                calendar.add_component(event)
    calendar.add_missing_timezones()
    content: bytes = calendar.to_ical()
    return content


def _event(entry: CalendarEntry, at: time, zone: ZoneInfo, today: date) -> "icalendar.Event | None":
    """One time of day of a schedule; None when it is never due again."""
    import icalendar  # noqa: PLC0415

    rule = entry.rule
    horizon = max(today, rule.from_day) + AHEAD
    due = [
        day
        for day in days(rule, min(rule.from_day, *(rule.extra_days or [rule.from_day])), horizon)
        if at in rule.times_on(day)
    ]
    if not due:
        return None
    regular = _regular_days(rule, due[0], horizon)
    due_days = set(due)
    skipped, extra = [day for day in regular if day not in due_days], sorted(due_days - set(regular))
    # When few days of the rule remain, list them and omit the rule.
    by_rule = bool(regular) and len(skipped) <= len(due)
    event = icalendar.Event()
    event.add("uid", f"{entry.uid}-{at:%H%M%S}")
    event.add("summary", entry.title)
    event.add("dtstart", datetime.combine(due[0], at, tzinfo=zone))
    event.add("duration", entry.length)
    if entry.where:
        event.add("location", entry.where)
    if by_rule:
        event.add("rrule", _rrule_of(rule, at, zone))
        if skipped:
            event.add("exdate", [datetime.combine(day, at, tzinfo=zone) for day in skipped])
    else:
        extra = due[1:]
    if extra:
        event.add("rdate", [datetime.combine(day, at, tzinfo=zone) for day in extra])
    return event


def _regular_days(rule: Rule, first: date, last: date) -> list[date]:
    """The days that a calendar program derives from the RRULE alone, from its first day."""
    if rule.repeat is Repeat.ONCE:
        return []
    bare = _with(
        rule,
        holidays=Holidays.ALIKE,
        tet=Holidays.ALIKE,
        except_days=[],
        extra_days=[],
        from_day=first if rule.every == 1 else rule.from_day,
    )
    regular = days(bare, first, last)
    return regular if regular[:1] == [first] else []


def _rrule_of(rule: Rule, at: time, zone: ZoneInfo) -> dict[str, Any]:
    frequency = {Repeat.DAILY: "DAILY", Repeat.WEEKLY: "WEEKLY"}.get(rule.repeat, "MONTHLY")
    made: dict[str, Any] = {"freq": frequency}
    if rule.every > 1:
        made["interval"] = rule.every
    if rule.repeat is Repeat.WEEKLY:
        made["byday"] = [_DAYS[day] for day in rule.weekdays]
    if rule.repeat is Repeat.MONTHLY_BY_WEEKDAY:
        made["byday"] = [f"{nth}{_DAYS[day]}" for nth in rule.which for day in rule.weekdays]
    if rule.repeat is Repeat.MONTHLY_BY_DAY:
        made["bymonthday"] = rule.month_days
    if rule.until_day is not None:
        made["until"] = datetime.combine(rule.until_day, at, tzinfo=zone).astimezone(UTC)
    return made


def _with(rule: Rule, **changed: Any) -> Rule:
    return msgspec.structs.replace(rule, **changed)

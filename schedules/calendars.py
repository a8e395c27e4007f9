"""The timetable as iCalendar (RFC 5545), exported and imported. The only home of icalendar.

A schedule with several times a day becomes several events, since an event has one time. What iCalendar cannot express
(holidays, Tết, seasons) is written as single days, for `AHEAD` from now.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import msgspec
from dateutil import rrule

from runtime.refusal import N_, Refusal
from schedules.recurrence import Holidays, Repeat, Rule, days

#: A calendar of this size holds tens of thousands of events.
MOST_FILE_BYTES = 5_000_000
#: Single days are written this far ahead; a subscribed calendar program reloads the file long before.
AHEAD = timedelta(days=730)
#: The most instances counted for a rule with COUNT.
_MOST_COUNTED = 4000
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_KNOWN_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "WKST"}


@dataclass(frozen=True)
class CalendarEntry:
    """A schedule as a calendar event. uid: stable, so that a calendar program recognizes it."""

    uid: str
    title: str
    rule: Rule
    length: timedelta
    where: str = ""


@dataclass(frozen=True)
class CalendarImport:
    """unread: titles of events that were not imported, with the reasons."""

    entries: list[CalendarEntry] = field(default_factory=list)
    unread: list[tuple[str, Refusal]] = field(default_factory=list)


def write_calendar(name: str, entries: Iterable[CalendarEntry], zone: ZoneInfo, now: datetime) -> bytes:
    """zone: the commune's; times are written in it."""
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


def read_calendar(content: bytes, zone: ZoneInfo) -> CalendarImport:
    """Schedules from a calendar file; events that differ only in time become one.

    Raises Refusal for an invalid file.
    """
    try:
        calendar = icalendar.Calendar.from_ical(content)
    except (ValueError, IndexError, KeyError) as failure:
        raise Refusal(N_("This is not a calendar file (.ics). Export one from your calendar program.")) from failure
    result = CalendarImport()
    merged: dict[tuple[str, bytes, timedelta], CalendarEntry] = {}
    for event in calendar.walk("VEVENT"):
        title = str(event.get("summary", "")).strip()
        try:
            entry = _entry(event, title, zone)
        except Refusal as refusal:
            result.unread.append((title, refusal))
            continue
        key = (title, repr(_without_times(entry.rule)).encode(), entry.length)
        earlier = merged.get(key)
        if earlier is not None:
            times = [*earlier.rule.times, *entry.rule.times]
            entry = CalendarEntry(earlier.uid, title, _with(earlier.rule, times=times), entry.length, entry.where)
        merged[key] = entry
    for entry in merged.values():
        try:
            result.entries.append(CalendarEntry(entry.uid, entry.title, entry.rule.check(), entry.length, entry.where))
        except Refusal as refusal:
            result.unread.append((entry.title, refusal))
    return result


def _event(entry: CalendarEntry, at: time, zone: ZoneInfo, today: date) -> icalendar.Event | None:
    """One time of day of a schedule; None when it is never due again."""
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


def _entry(event: icalendar.Component, title: str, zone: ZoneInfo) -> CalendarEntry:
    start = event.get("dtstart")
    if start is None or not isinstance(start.dt, datetime):
        raise Refusal(N_("The event has no time of day."))
    local = _local(start.dt, zone)
    end, length = event.get("dtend"), event.get("duration")
    lasts = length.dt if length is not None else _local(end.dt, zone) - local if end is not None else timedelta(0)
    rule = Rule(
        repeat=Repeat.ONCE,
        times=[local.time()],
        from_day=local.date(),
        except_days=_single(event, "exdate", zone),
        extra_days=_single(event, "rdate", zone),
    )
    if event.get("rrule") is not None:
        rule = _with(rule, **_from_rrule(event["rrule"], local, zone))
    return CalendarEntry(str(event.get("uid", "")), title, rule, lasts, str(event.get("location", "")))


def _from_rrule(parts: Any, local: datetime, zone: ZoneInfo) -> dict[str, Any]:
    """What an RRULE says, in our terms. Raises Refusal for what we have no rule for."""
    said = {key.upper(): value for key, value in parts.items()}
    frequency = str(said["FREQ"][0]).upper()
    unknown = sorted(set(said) - _KNOWN_PARTS)
    if unknown or frequency not in ("DAILY", "WEEKLY", "MONTHLY"):
        raise Refusal(N_("The timetable does not support this kind of repetition ({part})."), part=unknown or frequency)
    by_day = [str(day).upper() for day in said.get("BYDAY", [])]
    weekdays = sorted({_DAYS.index(day[-2:]) for day in by_day})
    found: dict[str, Any] = {"every": int(said.get("INTERVAL", [1])[0]), "weekdays": weekdays}
    if frequency == "MONTHLY" and by_day:
        which = {int(day[:-2] or 0) for day in by_day}
        if len(which) * len(weekdays) != len(set(by_day)) or 0 in which:
            raise Refusal(
                N_("The timetable does not support this kind of repetition ({part})."), part=", ".join(by_day)
            )
        found |= {"repeat": Repeat.MONTHLY_BY_WEEKDAY, "which": sorted(which)}
    elif frequency == "MONTHLY":
        month_days = [int(day) for day in said.get("BYMONTHDAY", [local.day])]
        found |= {"repeat": Repeat.MONTHLY_BY_DAY, "month_days": month_days, "weekdays": []}
    elif frequency == "WEEKLY" or by_day:
        found |= {"repeat": Repeat.WEEKLY, "weekdays": weekdays or [local.weekday()]}
    else:
        found |= {"repeat": Repeat.DAILY}
    if "UNTIL" in said:
        until = said["UNTIL"][0]
        found["until_day"] = _local(until, zone).date() if isinstance(until, datetime) else until
    elif "COUNT" in said:
        counted = rrule.rrulestr(parts.to_ical().decode(), dtstart=local.replace(tzinfo=None))
        found["until_day"] = list(islice(counted, _MOST_COUNTED))[-1].date()
    return found


def _single(event: icalendar.Component, name: str, zone: ZoneInfo) -> list[date]:
    lists = event.get(name, [])
    dates = []
    for date_list in lists if isinstance(lists, list) else [lists]:
        for value in date_list.dts:
            dates.append(_local(value.dt, zone).date() if isinstance(value.dt, datetime) else value.dt)
    return dates


def _local(at: datetime, zone: ZoneInfo) -> datetime:
    """In the commune's time; a naive time is in it already."""
    return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)


def _without_times(rule: Rule) -> Rule:
    return _with(rule, times=[])


def _with(rule: Rule, **changed: Any) -> Rule:
    return msgspec.structs.replace(rule, **changed)

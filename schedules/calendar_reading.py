"""Calendar files (RFC 5545) as entries for the timetable. What is not understood is named.

Changed and cancelled instances (RECURRENCE-ID) become left-out days and entries of their own.
"""

import codecs
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from parsing.days import EARLIEST, LATEST
from parsing.titles import parse_title
from runtime.refusal import N_, Refusal
from schedules.calendar_entries import CalendarEntry, CalendarImport
from schedules.calendar_rules import refused, rules_of_rrule
from schedules.recurrence import Repeat, Rule, days

_CANCELLED = N_("This event is cancelled. If its schedule is on the timetable, remove it there.")
#: What of an event must be read without a fault.
_NEEDED = {
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "EXRULE",
    "RECURRENCE-ID",
    "STATUS",
    "SUMMARY",
    "UID",
}


def read_calendar(content: bytes, zone: ZoneInfo) -> CalendarImport:
    """Schedules from a calendar file; events that differ only in time become one.

    zone: the commune's. Raises Refusal for an invalid file.
    """
    result = CalendarImport()
    events = _events(content)
    changed: dict[str, list[Any]] = {}
    for event in events:
        if event.get("recurrence-id") is not None:
            changed.setdefault(str(event.get("uid", "")), []).append(event)
    merged: dict[tuple[str, bytes, timedelta], CalendarEntry] = {}
    read_uids = set()
    for event in (event for event in events if event.get("recurrence-id") is None):
        uid = str(event.get("uid", ""))
        read_uids.add(uid)
        _read_into(merged, result, event, changed.get(uid, []), zone)
    for uid, alone in changed.items():
        if uid not in read_uids:  # its series is not in the file
            for event in alone:
                _read_into(merged, result, event, [], zone)
    for entry in merged.values():
        try:
            result.entries.append(replace(entry, rule=entry.rule.check()))
        except Refusal as refusal:
            result.unread.append((entry.title, refusal))
    return result


def _events(content: bytes) -> list[Any]:
    import icalendar  # noqa: PLC0415 - as in `schedules.calendars`

    try:
        calendars = icalendar.Calendar.from_ical(_text(content), multiple=True)
        events = [event for calendar in calendars for event in calendar.walk("VEVENT")]
        if not any(calendar.name == "VCALENDAR" for calendar in calendars):
            raise ValueError("no calendar")
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as failure:
        raise Refusal(N_("This is not a calendar file (.ics). Export one from your calendar program.")) from failure
    return events


def _text(content: bytes) -> str:
    """Raises ValueError (UnicodeDecodeError) for what is not Unicode."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding)
    return content.decode("utf-8-sig")


def _read_into(
    merged: dict[tuple[str, bytes, timedelta], CalendarEntry],
    result: CalendarImport,
    event: Any,
    changed: Sequence[Any],
    zone: ZoneInfo,
) -> None:
    title = " ".join(str(event.get("summary", "")).split())[:200]
    try:
        entries = _entries(event, changed, zone)
    except Refusal as refusal:
        result.unread.append((title, refusal))
        return
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError):
        # The library hands over what it could not read in shapes of its own.
        result.unread.append((title, Refusal(N_("This event cannot be read."))))
        return
    for entry in entries:
        key = (entry.title, repr(msgspec.structs.replace(entry.rule, times=[])).encode(), entry.length)
        earlier = merged.get(key)
        if earlier is not None:
            times = [*earlier.rule.times, *entry.rule.times]
            rule = msgspec.structs.replace(earlier.rule, times=times)
            entry = replace(entry, uid=earlier.uid, rule=rule, uids=(*earlier.uids, *entry.uids))
        merged[key] = entry


def _entries(event: Any, changed: Sequence[Any], zone: ZoneInfo) -> list[CalendarEntry]:
    """An event with its changed instances. Raises Refusal."""
    _refuse_unread(event)
    if _is_cancelled(event):
        raise Refusal(_CANCELLED)
    title, start = _title(event), _start(event, zone)
    local = start.astimezone(zone)
    rule = Rule(repeat=Repeat.ONCE, times=[local.time()], from_day=local.date())
    rules = rules_of_rrule(event["rrule"], start, zone) if event.get("rrule") is not None else [rule]
    left_out = {at.date() for at in _instances(event, "exdate", local, zone)}
    extra = {at.date() for at in _instances(event, "rdate", local, zone, refuse_other_times=True)}
    more: list[CalendarEntry] = []
    uid, length = str(event.get("uid", "")), _length(event, start)
    for instance in changed:
        _refuse_unread(instance)
        if "RANGE" in instance["recurrence-id"].params:
            raise refused("RECURRENCE-ID;RANGE")
        replaced = _local(instance["recurrence-id"].dt, zone, local)
        if replaced.time() != local.time():
            raise refused("RECURRENCE-ID")
        left_out.add(replaced.date())
        extra.discard(replaced.date())
        if not _is_cancelled(instance):
            # No `changed` of its own: an instance of an instance does not exist.
            [moved] = _entries(_without_id(instance), [], zone)
            more.append(replace(moved, uid=f"{uid}#{replaced:%Y%m%d}", uids=(f"{uid}#{replaced:%Y%m%d}",)))
    where = str(event.get("location", ""))
    entries = []
    for number, part in enumerate(rules):
        regular = set(days(part.check(), min(left_out), max(left_out))) if left_out else set()
        except_days = sorted(left_out & regular)
        extra_days = sorted((extra | set(part.extra_days) if number == 0 else set(part.extra_days)) - left_out)
        part = msgspec.structs.replace(part, except_days=except_days, extra_days=extra_days)
        part_uid = uid if number == 0 else f"{uid}#{number + 1}"
        entries.append(CalendarEntry(part_uid, title, part, length, where, (part_uid,)))
    return entries + more


def _refuse_unread(event: Any) -> None:
    broken = [str(name) for name, _ in event.errors if name is None or str(name).upper() in _NEEDED]
    if broken:
        raise Refusal(N_("This event cannot be read: {part} is invalid."), part=broken[0])
    if event.get("exrule") is not None:
        raise refused("EXRULE")
    for name in ("dtstart", "rrule", "recurrence-id", "summary", "uid"):
        if isinstance(event.get(name), list):
            raise Refusal(N_("This event cannot be read: {part} is invalid."), part=name.upper())


def _is_cancelled(event: Any) -> bool:
    return str(event.get("status", "")).upper() == "CANCELLED"


def _title(event: Any) -> str:
    title = parse_title(" ".join(str(event.get("summary", "")).split()))
    if not title:
        raise Refusal(N_("The event has no title."))
    return title


def _start(event: Any, zone: ZoneInfo) -> datetime:
    """Aware, in the zone of the event; a time without one is the commune's."""
    start: Any = event.get("dtstart")
    if start is None or not isinstance(start.dt, datetime):
        raise Refusal(N_("The event has no time of day."))
    at: datetime = start.dt.replace(tzinfo=zone) if start.dt.tzinfo is None else start.dt
    if not EARLIEST < at.date() < LATEST:
        raise Refusal(N_("Choose days between the years 2000 and 2099."))
    return at


def _length(event: Any, start: datetime) -> timedelta:
    end, length = event.get("dtend"), event.get("duration")
    if length is not None:
        return length.dt if isinstance(length.dt, timedelta) else timedelta(0)
    if end is None:
        return timedelta(0)
    if not isinstance(end.dt, datetime):
        raise Refusal(N_("This event cannot be read: {part} is invalid."), part="DTEND")
    ends: datetime = end.dt.replace(tzinfo=start.tzinfo) if end.dt.tzinfo is None else end.dt
    return ends - start


def _instances(
    event: Any, name: str, local: datetime, zone: ZoneInfo, *, refuse_other_times: bool = False
) -> list[datetime]:
    """Instants that EXDATE or RDATE lists, by the commune's clock. One at another time is no instance of the event."""
    lists = event.get(name, [])
    instances = []
    for date_list in lists if isinstance(lists, list) else [lists]:
        for value in date_list.dts:
            at = _local(value.dt[0] if isinstance(value.dt, tuple) else value.dt, zone, local)
            if at.time() == local.time():
                instances.append(at)
            elif refuse_other_times:
                raise refused(name.upper())
    return instances


def _local(at: Any, zone: ZoneInfo, like: datetime) -> datetime:
    """By the commune's clock; a naive time is the commune's already, a day has the event's time."""
    if isinstance(at, datetime):
        return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)
    if isinstance(at, date):
        return datetime.combine(at, like.timetz())
    raise Refusal(N_("This event cannot be read."))


def _without_id(instance: Any) -> Any:
    single = instance.copy()
    del single["recurrence-id"]
    return single

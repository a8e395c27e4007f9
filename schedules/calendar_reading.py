"""Calendar files (RFC 5545) as entries for the timetable. What is not understood is named.

Changed and cancelled instances (RECURRENCE-ID) become left-out days and entries of their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from parsing.days import EARLIEST, LATEST
from parsing.titles import parse_title
from runtime.refusal import N_, Refusal
from schedules.calendar_entries import CalendarEntry, CalendarImport
from schedules.calendar_events import events_of
from schedules.calendar_rules import refused, rules_of_rrule
from schedules.recurrence import Repeat, Rule, days

_CANCELLED = N_("This occurrence is cancelled, and its series is not in the file.")
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
    events, unread = events_of(content)
    result = CalendarImport(unread=unread)
    series, changed = _latest(events)
    merged: dict[tuple[str, bytes, timedelta], CalendarEntry] = {}
    for event in series:
        uid = _uid(event)
        if _is_cancelled(event) and uid:
            result.cancelled.append((_shown_title(event), uid))
        elif _read_into(merged, result, event, changed.get(uid, {}).values(), zone) and uid:
            result.uids.append(uid)
    read_uids = {_uid(event) for event in series}
    for uid, alone in changed.items():
        if uid not in read_uids:  # its series is not in the file
            for event in alone.values():
                _read_into(merged, result, event, [], zone)
    for entry in merged.values():
        try:
            result.entries.append(replace(entry, rule=entry.rule.check()))
        except Refusal as refusal:
            result.unread.append((entry.title, refusal))
    return result


def _latest(events: Sequence[Any]) -> tuple[list[Any], dict[str, dict[str, Any]]]:
    """The events and, by UID and instance, their changed instances; of each only the newest that the file holds."""
    series: list[Any] = []
    changed: dict[str, dict[str, Any]] = {}
    at_of: dict[str, int] = {}
    for event in events:
        uid = _uid(event)
        if event.get("recurrence-id") is not None:
            instances, instance = changed.setdefault(uid, {}), _shown(event["recurrence-id"])
            if instance not in instances or _sequence(event) >= _sequence(instances[instance]):
                instances[instance] = event
        elif uid and uid in at_of and _sequence(event) != _sequence(series[at_of[uid]]):
            if _sequence(event) > _sequence(series[at_of[uid]]):
                series[at_of[uid]] = event
        else:
            at_of[uid] = len(series)
            series.append(event)
    return series, changed


def _shown(value: Any) -> str:
    ical = getattr(value, "to_ical", None)
    return str(ical()) if ical is not None else repr(value)


def _sequence(event: Any) -> int:
    number = event.get("sequence", 0)
    return number if isinstance(number, int) else 0


def _uid(event: Any) -> str:
    return str(event.get("uid", ""))


def _shown_title(event: Any) -> str:
    return " ".join(str(event.get("summary", "")).split())[:200]


def _read_into(
    merged: dict[tuple[str, bytes, timedelta], CalendarEntry],
    result: CalendarImport,
    event: Any,
    changed: Iterable[Any],
    zone: ZoneInfo,
) -> bool:
    title = _shown_title(event)
    try:
        entries = _entries(event, changed, zone)
    except Refusal as refusal:
        result.unread.append((title, refusal))
        return False
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError):
        # The library hands over what it could not read in shapes of its own.
        result.unread.append((title, Refusal(N_("This event cannot be read."))))
        return False
    for entry in entries:
        key = (entry.title, repr(msgspec.structs.replace(entry.rule, times=[])).encode(), entry.length)
        earlier = merged.get(key)
        if earlier is not None:
            times = [*earlier.rule.times, *entry.rule.times]
            rule = msgspec.structs.replace(earlier.rule, times=times)
            entry = replace(entry, uid=earlier.uid, rule=rule, uids=(*earlier.uids, *entry.uids))
        merged[key] = entry
    return True


def _entries(event: Any, changed: Iterable[Any], zone: ZoneInfo) -> list[CalendarEntry]:
    """An event with its changed instances. Raises Refusal."""
    _refuse_unread(event)
    if _is_cancelled(event):
        raise Refusal(_CANCELLED)
    title, start = _title(event), _start(event, zone)
    local = start.astimezone(zone)
    uid, length, where = _own_uid(event, local, zone), _length(event, start), str(event.get("location", ""))
    rules = [Rule(repeat=Repeat.ONCE, times=[local.time()], from_day=local.date())]
    if event.get("rrule") is not None:
        rules = rules_of_rrule(event["rrule"], _lists(event, "exrule"), start, zone)
    elif event.get("exrule") is not None:
        raise refused("EXRULE")
    left_out = set(_instances(event, "exdate", local, zone))
    moved: list[CalendarEntry] = []
    for instance in changed:
        replaced = _replaced(instance, local, zone)
        left_out.add(replaced)
        if not _is_cancelled(instance):
            # No `changed` of its own: an instance of an instance does not exist.
            moved += _entries(instance, [], zone)
    added = set(_instances(event, "rdate", local, zone)) - left_out
    clock = rules[0].times[0]
    left_out_days = {at.date() for at in left_out if at.time() == clock}
    extra = {at.date() for at in added if at.time() == clock}
    entries = []
    for number, part in enumerate(rules):
        part = _with_single_days(part, left_out_days, extra if number == 0 else set())
        part_uid = uid if number == 0 else f"{uid}#{number + 1}"
        entries.append(CalendarEntry(part_uid, title, part, length, where, (part_uid,)))
    for at, single_days in _by_time(added, clock).items():
        rule = Rule(repeat=Repeat.ONCE, times=[at], from_day=single_days[0], extra_days=single_days[1:])
        entries.append(CalendarEntry(f"{uid}#{at:%H%M%S}", title, rule, length, where, (f"{uid}#{at:%H%M%S}",)))
    return entries + moved


def _own_uid(event: Any, local: datetime, zone: ZoneInfo) -> str:
    """Of an instance with the day that it replaces, since its series has the same UID."""
    uid, instance = _uid(event), event.get("recurrence-id")
    return uid if instance is None else f"{uid}#{_local(instance.dt, zone, local):%Y%m%d}"


def _replaced(instance: Any, local: datetime, zone: ZoneInfo) -> datetime:
    """The instant of the series that an instance stands for. Raises Refusal."""
    _refuse_unread(instance)
    if "RANGE" in instance["recurrence-id"].params:
        raise refused("RECURRENCE-ID;RANGE")
    return _local(instance["recurrence-id"].dt, zone, local)


def _with_single_days(rule: Rule, left_out: set[date], extra: set[date]) -> Rule:
    """Days that are left out count only where the rule is due."""
    left_out = left_out | set(rule.except_days)
    rule = msgspec.structs.replace(rule, except_days=[])
    regular = set(days(rule.check(), min(left_out), max(left_out))) if left_out else set()
    return msgspec.structs.replace(
        rule,
        except_days=sorted(left_out & regular),
        extra_days=sorted((extra | set(rule.extra_days)) - left_out),
    )


def _by_time(instants: set[datetime], but: time) -> Mapping[time, list[date]]:
    """The days of each time, in order, but for one time."""
    days_of: dict[time, list[date]] = {}
    for at in sorted(instants):
        if at.time() != but:
            days_of.setdefault(at.time(), []).append(at.date())
    return days_of


def _refuse_unread(event: Any) -> None:
    broken = [str(name) for name, _ in event.errors if name is None or str(name).upper() in _NEEDED]
    if broken:
        raise Refusal(N_("This event cannot be read: {part} is invalid."), part=broken[0])
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


def _instances(event: Any, name: str, local: datetime, zone: ZoneInfo) -> list[datetime]:
    """Instants that EXDATE or RDATE lists, by the commune's clock; of a period its beginning."""
    return [
        _local(value.dt[0] if isinstance(value.dt, tuple) else value.dt, zone, local)
        for date_list in _lists(event, name)
        for value in date_list.dts
    ]


def _lists(event: Any, name: str) -> list[Any]:
    values = event.get(name, [])
    return values if isinstance(values, list) else [values]


def _local(at: Any, zone: ZoneInfo, like: datetime) -> datetime:
    """By the commune's clock; a naive time is the commune's already, a day has the event's time."""
    if isinstance(at, datetime):
        return at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)
    if isinstance(at, date):
        return datetime.combine(at, like.timetz())
    raise Refusal(N_("This event cannot be read."))

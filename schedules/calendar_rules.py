"""RRULE as rules of the timetable: what cannot be said exactly is refused by name.

The RRULE, less its EXRULE, is expanded by dateutil in the zone of the event. A translation counts only when it gives
the same days, so a weekday moved by the zone, or a week that begins on Sunday, is either right or refused.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from dateutil import rrule

from parsing.days import LATEST
from runtime.refusal import N_, Refusal
from schedules.calendar_translation import translated
from schedules.recurrence import MOST_SINGLE_DAYS, Repeat, Rule

#: Translations are compared over this time; a leap year and every pattern of weeks and months is in it.
_COMPARED = timedelta(days=800)
#: With so few days in it, which several rules could have by chance, they are compared over a cycle of the calendar.
_FEW_DAYS, _COMPARED_FEW = 60, timedelta(days=366 * 28)
#: The most instances that COUNT may name, and how far they are looked for.
_MOST_COUNTED = 4000
_COUNTED_AHEAD = timedelta(days=366 * 30)
_KNOWN_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
_BY_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
#: Values of each part in a list, as icalendar reads them.
Parts = Mapping[str, Any]


@dataclass(frozen=True)
class _Event:
    """start: aware, in the zone of the event. zone: the commune's."""

    start: datetime
    zone: ZoneInfo


def rules_of_rrule(parts: Parts, excluded: Sequence[Parts], start: datetime, zone: ZoneInfo) -> list[Rule]:
    """Rules that together are due on exactly the days of an RRULE; not checked yet.

    excluded: the EXRULEs. start: aware, in the zone of the event. Raises Refusal.
    """
    event, values_of = _Event(start, zone), _checked(parts)
    excluded_values = [_checked(each) for each in excluded]
    for compared in (_COMPARED, _COMPARED_FEW):
        regular = _due(event, values_of, compared)
        skipped = {at for each in excluded_values for at in _expanded(event, each, _end(event, each, compared))}
        due = [at for at in regular if at not in skipped]
        if not due:
            raise Refusal(N_("This event never takes place."))
        is_endless = not {"UNTIL", "COUNT"} & values_of.keys()
        if not is_endless or len(due) > _FEW_DAYS:
            break
    if len({at.time() for at in regular}) > 1:
        raise refused("TZID")  # summer time in the zone of the event
    named = _named(values_of) + "".join(f"; EXRULE {_named(each)}" for each in excluded_values)
    try:
        return _rules(event, values_of, due, compared, named, excluded_values)
    except Refusal:
        if not skipped or not all({"UNTIL", "COUNT"} & each.keys() for each in excluded_values):
            raise
    # The EXRULE ends: what it skips are single days.
    left_out = sorted({at.date() for at in regular if at in skipped})
    if len(left_out) > MOST_SINGLE_DAYS:
        raise refused(named)
    rules = _rules(event, values_of, regular, compared, named)
    return [msgspec.structs.replace(rule, except_days=left_out) for rule in rules]


def refused(part: str) -> Refusal:
    return Refusal(N_("The timetable does not support this kind of repetition ({part})."), part=part[:60])


def _rules(
    event: _Event,
    values_of: Mapping[str, list[Any]],
    due: Sequence[datetime],
    compared: timedelta,
    named: str,
    excluded_values: Sequence[Mapping[str, list[Any]]] = (),
) -> list[Rule]:
    due_days = [at.date() for at in due]
    base = Rule(repeat=Repeat.ONCE, times=[due[0].time()], from_day=due_days[0])
    until = _until(values_of, event.start)
    until_day: date | None = None
    if "COUNT" in values_of:
        until_day = due_days[-1]
    elif until is not None:
        until_day = _last_day(until, due[0], event.zone)
    span = due_days[0] + compared
    rules = translated(
        str(values_of["FREQ"][0]).upper(),
        math.prod(int(each.get("INTERVAL", [1])[0]) for each in (values_of, *excluded_values)),
        [int(match[1]) for match in map(_matched, values_of.get("BYDAY", [])) if match[1]],
        msgspec.structs.replace(base, until_day=until_day),
        [day for day in due_days if day <= span],
        span,
    )
    if rules:
        return rules
    if until_day is not None and len(due_days) <= MOST_SINGLE_DAYS:
        return [msgspec.structs.replace(base, extra_days=due_days[1:])]
    raise refused(named)


def _checked(parts: Parts) -> dict[str, list[Any]]:
    values_of = {key.upper(): value if isinstance(value, list) else [value] for key, value in parts.items()}
    unknown = sorted(set(values_of) - _KNOWN_PARTS)
    if unknown:
        raise refused(unknown[0])
    frequency = str(values_of.get("FREQ", [""])[0]).upper()
    if frequency not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"):
        raise refused(f"FREQ={frequency}" if frequency else "FREQ")
    for name, least, most in (("INTERVAL", 1, 1000), ("COUNT", 1, _MOST_COUNTED)):
        if name in values_of and not least <= int(values_of[name][0]) <= most:
            raise refused(f"{name}={values_of[name][0]}")
    most_nth = {"MONTHLY": 5, "YEARLY": 53}.get(frequency, 0)
    for day in values_of.get("BYDAY", []):
        match = _BY_DAY.fullmatch(str(day).upper())
        if match is None or (match[1] and not 1 <= abs(int(match[1])) <= most_nth):
            raise refused(f"BYDAY={day}")
    for name, most in (("BYMONTHDAY", 31), ("BYMONTH", 12), ("BYSETPOS", 366)):
        for value in values_of.get(name, []):
            if not 1 <= abs(int(value)) <= most:
                raise refused(f"{name}={value}")
    if any(name in values_of and not values_of[name] for name in values_of):
        raise refused(next(name for name in values_of if not values_of[name]))
    return values_of


def _matched(day: Any) -> re.Match[str]:
    match = _BY_DAY.fullmatch(str(day).upper())
    if match is None:
        raise refused(f"BYDAY={day}")
    return match


def _until(values_of: Mapping[str, list[Any]], start: datetime) -> datetime | None:
    """The last instant that UNTIL allows, in the zone of the event."""
    if "UNTIL" not in values_of:
        return None
    until = values_of["UNTIL"][0]
    if not isinstance(until, datetime):
        return datetime.combine(until, start.timetz())
    return until.replace(tzinfo=start.tzinfo) if until.tzinfo is None else until.astimezone(start.tzinfo)


def _last_day(until: datetime, first: datetime, zone: ZoneInfo) -> date:
    local = until.astimezone(zone)
    return local.date() if local.time() >= first.time() else local.date() - timedelta(days=1)


def _due(event: _Event, values_of: Mapping[str, list[Any]], compared: timedelta) -> list[datetime]:
    """All instants of a rule that ends soon, else the compared ones. Raises Refusal when COUNT ends too late."""
    instants = _expanded(event, values_of, _end(event, values_of, compared))
    if "COUNT" in values_of and len(instants) < int(values_of["COUNT"][0]):
        raise refused(f"COUNT={values_of['COUNT'][0]}")
    return instants


def _end(event: _Event, values_of: Mapping[str, list[Any]], compared: timedelta) -> datetime:
    """To where instants are looked for, by the clock of the event."""
    naive = event.start.replace(tzinfo=None)
    ahead = _COUNTED_AHEAD if "COUNT" in values_of else compared + timedelta(days=370)
    end = min(naive + ahead, datetime.combine(LATEST, naive.time()))
    until = _until(values_of, event.start)
    return end if until is None else min(end, until.replace(tzinfo=None))


def _expanded(event: _Event, values_of: Mapping[str, list[Any]], end: datetime) -> list[datetime]:
    """Due instants by the clock of the commune, in order."""
    text = ";".join(
        f"{name}={','.join(str(value) for value in values)}"
        for name, values in values_of.items()
        if name not in ("UNTIL", "COUNT")
    )
    count = int(values_of["COUNT"][0]) if "COUNT" in values_of else None
    try:
        expansion = rrule.rrulestr(text, dtstart=event.start.replace(tzinfo=None)).replace(until=end)  # type: ignore[union-attr]
        return list(islice(_in_zone(expansion, event.start.tzinfo, event.zone), count))
    except (ValueError, TypeError, KeyError, OverflowError) as failure:
        raise refused(_named(values_of)) from failure


def _in_zone(expansion: Any, own_zone: tzinfo | None, zone: ZoneInfo) -> Iterator[datetime]:
    return (at.replace(tzinfo=own_zone).astimezone(zone) for at in expansion)


def _named(values_of: Mapping[str, list[Any]]) -> str:
    shown = (
        f"{name}={','.join(str(value) for value in values)}" for name, values in values_of.items() if name != "WKST"
    )
    return ";".join(shown)

"""RRULE as rules of the timetable: what cannot be said exactly is refused by name.

The RRULE is expanded by dateutil in the zone of the event. A translation counts only when it gives the same days, so a
weekday moved by the zone, or a week that begins on Sunday, is either right or refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from dateutil import rrule

from parsing.days import LATEST
from runtime.refusal import N_, Refusal
from schedules.recurrence import MOST_EVERY, MOST_SINGLE_DAYS, Repeat, Rule, days

#: Translations are compared over this time; a leap year and every pattern of weeks and months is in it.
_COMPARED = timedelta(days=800)
#: The most instances that COUNT may name, and how far they are looked for.
_MOST_COUNTED = 4000
_COUNTED_AHEAD = timedelta(days=366 * 30)
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_KNOWN_PARTS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
_BY_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")


def rules_of_rrule(parts: Mapping[str, Any], start: datetime, zone: ZoneInfo) -> list[Rule]:
    """Rules that together are due on exactly the days of an RRULE; not checked yet.

    parts: values of each part in a list, as icalendar reads them. start: aware, in the zone of the event.
    Raises Refusal.
    """
    values_of = _checked(parts)
    until, count = _until(values_of, start), int(values_of["COUNT"][0]) if "COUNT" in values_of else None
    due = _expanded(values_of, start, zone, until, count)
    ends = until is not None or count is not None
    if not due:
        raise Refusal(N_("This event never takes place."))
    if len({at.time() for at in due}) > 1:
        raise refused("TZID")  # summer time in the zone of the event
    due_days = [at.date() for at in due]
    base = Rule(repeat=Repeat.ONCE, times=[due[0].time()], from_day=due_days[0])
    if count is not None:
        until_day: date | None = due_days[-1]
    else:
        until_day = _last_day(until, due[0], zone) if until is not None else None
    compared = [day for day in due_days if day <= due_days[0] + _COMPARED]
    rules = [
        msgspec.structs.replace(rule, until_day=until_day) for rule in _candidates(values_of, base, start, compared)
    ]
    if rules and _same_days(rules, compared):
        return rules
    if ends and len(due_days) <= MOST_SINGLE_DAYS:
        return [msgspec.structs.replace(base, extra_days=due_days[1:])]
    raise refused(_named(values_of))


def refused(part: str) -> Refusal:
    return Refusal(N_("The timetable does not support this kind of repetition ({part})."), part=part[:60])


def _checked(parts: Mapping[str, Any]) -> dict[str, list[Any]]:
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


def _expanded(
    values_of: Mapping[str, list[Any]], start: datetime, zone: ZoneInfo, until: datetime | None, count: int | None
) -> list[datetime]:
    """Due instants by the clock of the commune, in order: all of a rule that ends soon, else the compared ones."""
    naive = start.replace(tzinfo=None)
    ahead = _COUNTED_AHEAD if count is not None else _COMPARED + timedelta(days=370)
    end = min(naive + ahead, datetime.combine(LATEST, naive.time()))
    if until is not None:
        end = min(end, until.replace(tzinfo=None))
    text = ";".join(
        f"{name}={','.join(str(value) for value in values)}"
        for name, values in values_of.items()
        if name not in ("UNTIL", "COUNT")
    )
    try:
        expansion = rrule.rrulestr(text, dtstart=naive).replace(until=end)  # type: ignore[union-attr]
        instants = list(islice(_in_zone(expansion, start.tzinfo, zone), count))
    except (ValueError, TypeError, KeyError, OverflowError) as failure:
        raise refused(_named(values_of)) from failure
    if count is not None and len(instants) < count:
        raise refused(f"COUNT={count}")
    return instants


def _in_zone(expansion: Any, own_zone: tzinfo | None, zone: ZoneInfo) -> Iterator[datetime]:
    return (at.replace(tzinfo=own_zone).astimezone(zone) for at in expansion)


def _candidates(
    values_of: Mapping[str, list[Any]], base: Rule, start: datetime, due_days: Sequence[date]
) -> list[Rule]:
    """A translation that may be right; [] when there is none to try."""
    frequency, every = str(values_of["FREQ"][0]).upper(), int(values_of.get("INTERVAL", [1])[0])
    by_day = [_BY_DAY.fullmatch(str(day).upper()) for day in values_of.get("BYDAY", [])]
    nths = {int(match[1] or 0) for match in by_day if match}
    month_days = [int(day) for day in values_of.get("BYMONTHDAY", [])]
    moved = _days_moved(start, due_days, base)
    if "BYMONTH" in values_of or "BYSETPOS" in values_of or every > MOST_EVERY or (by_day and month_days):
        return []
    if frequency == "DAILY" and not by_day and not month_days:
        return [msgspec.structs.replace(base, repeat=Repeat.DAILY, every=every)]
    if frequency in ("DAILY", "WEEKLY") and not month_days:
        return _weekly(base, every, due_days)
    if month_days and (frequency == "MONTHLY" or (frequency == "DAILY" and every == 1)):
        local = sorted(day + moved if day > 0 else day for day in month_days)
        return [msgspec.structs.replace(base, repeat=Repeat.MONTHLY_BY_DAY, every=every, month_days=local)]
    if frequency == "MONTHLY" and not by_day:
        local = [start.day + moved]
        return [msgspec.structs.replace(base, repeat=Repeat.MONTHLY_BY_DAY, every=every, month_days=local)]
    if frequency == "MONTHLY" and 0 not in nths:
        weekdays = {(_DAYS.index(match[2]) + moved) % 7 for match in by_day if match}
        return [
            msgspec.structs.replace(
                base,
                repeat=Repeat.MONTHLY_BY_WEEKDAY,
                every=every,
                weekdays=sorted(weekdays),
                which=sorted(nths),
            )
        ]
    return []


def _days_moved(start: datetime, due_days: Sequence[date], base: Rule) -> int:
    """By how many days the commune's clock is ahead of the event's at that time of day."""
    local = datetime.combine(due_days[0], base.times[0])
    own = start.replace(tzinfo=None)
    return round((local - own).total_seconds() / 86_400) if abs(local - own) < timedelta(days=2) else 0


def _weekly(base: Rule, every: int, due_days: Sequence[date]) -> list[Rule]:
    """One rule for each parity of the weeks, which begin on Monday here and elsewhere in the RRULE."""
    first_by_weekday: dict[int, date] = {}
    for day in due_days:
        first_by_weekday.setdefault(day.weekday(), day)
    groups: dict[int, list[date]] = {}
    for first in first_by_weekday.values():
        week = (first.toordinal() - 1) // 7  # day 1 of the calendar is a Monday
        groups.setdefault(week % every, []).append(first)
    return [
        msgspec.structs.replace(
            base,
            repeat=Repeat.WEEKLY,
            every=every,
            weekdays=sorted(first.weekday() for first in firsts),
            from_day=min(firsts),
        )
        for firsts in sorted(groups.values(), key=min)
    ]


def _same_days(rules: Sequence[Rule], due_days: Sequence[date]) -> bool:
    ours: list[date] = []
    for rule in rules:
        ours += days(rule.check(), due_days[0], due_days[0] + _COMPARED)
    return sorted(ours) == list(due_days)


def _named(values_of: Mapping[str, list[Any]]) -> str:
    shown = (
        f"{name}={','.join(str(value) for value in values)}" for name, values in values_of.items() if name != "WKST"
    )
    return ";".join(shown)

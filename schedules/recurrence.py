"""When a schedule is due: rules of RFC 5545, by python-dateutil, in the commune's own time. Its only home.

One expansion for all: the page, the plan and the receiver's manifests come from `instants`.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec
from dateutil import rrule

from runtime.refusal import N_, Refusal

MOST_TIMES = 24
#: How far we look for the next instant before we say that there is none.
_FAR = timedelta(days=366 * 5)


class Repeat(StrEnum):
    """How often."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When, by the wall clock of the commune.

    times: of the day, to the second. from_day: the first day; for once, the day. until_day: the last, None for no end.
    weekdays: for weekly, 0 is Monday.
    """

    repeat: Repeat
    times: list[time]
    from_day: date
    until_day: date | None = None
    weekdays: list[int] = []

    def check(self) -> "Rule":
        """Itself, sorted and without doubles. Raises Refusal when it can never be due."""
        if not self.times:
            raise Refusal(N_("Say at what time it shall sound."))
        if len(set(self.times)) > MOST_TIMES:
            raise Refusal(N_("At most {most} times a day. Make a second schedule of the others."), most=MOST_TIMES)
        if any(t.tzinfo is not None for t in self.times):
            raise ValueError("times of day are the commune's own, without a zone")
        if self.repeat is Repeat.WEEKLY and (not self.weekdays or any(not 0 <= d <= 6 for d in self.weekdays)):
            raise Refusal(N_("Choose at least one day of the week."))
        if self.until_day is not None and self.until_day < self.from_day:
            raise Refusal(N_("The last day lies before the first. Change one of them."))
        return msgspec.structs.replace(
            self,
            times=sorted(set(self.times)),
            weekdays=sorted(set(self.weekdays)) if self.repeat is Repeat.WEEKLY else [],
        )


def instants(rule: Rule, zone: ZoneInfo, after: datetime, before: datetime) -> list[datetime]:
    """Every instant in [after, before), as UTC, in order. after, before: aware.

    A wall time that a zone skips in spring is read with the offset before the gap, and one that comes twice is the
    first (RFC 5545 §3.3.5). Vietnam has neither.
    """
    return list(_due(rule, zone, after, before))


def next_instants(rule: Rule, zone: ZoneInfo, now: datetime, count: int) -> list[datetime]:
    """The next `count` instants after now, fewer when the rule ends."""
    return list(islice(_due(rule, zone, now + timedelta(microseconds=1), now + _FAR), count))


def _due(rule: Rule, zone: ZoneInfo, after: datetime, before: datetime) -> Iterator[datetime]:
    # A day's margin at both ends: local days and UTC days overlap only in part.
    first_day = after.astimezone(zone).date() - timedelta(days=1)
    last_day = before.astimezone(zone).date() + timedelta(days=1)
    for day in _days(rule, first_day, last_day):
        found = sorted(_instant(day, at, zone) for at in rule.times)
        yield from (at for at in dict.fromkeys(found) if after <= at < before)


def _days(rule: Rule, first_day: date, last_day: date) -> Iterator[date]:
    if rule.repeat is Repeat.ONCE:
        if first_day <= rule.from_day <= last_day:
            yield rule.from_day
        return
    # Rules are expanded on naive days; the zone comes in only with the time of day (as RFC 5545 does it).
    start = max(rule.from_day, first_day) if rule.repeat is Repeat.DAILY else rule.from_day
    until = min(rule.until_day, last_day) if rule.until_day else last_day
    every = rrule.rrule(
        rrule.DAILY if rule.repeat is Repeat.DAILY else rrule.WEEKLY,
        dtstart=_midnight(start),
        until=_midnight(until),
        byweekday=rule.weekdays or None,
    )
    for day in every.xafter(_midnight(first_day), inc=True):
        yield day.date()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())  # naive on purpose, see above


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)

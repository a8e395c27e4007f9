"""When a schedule is due: rules of RFC 5545, by python-dateutil, in the commune's own time. Its only home.

One expansion for all: the page, the plan and the receiver's manifests come from `instants`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

import msgspec
from dateutil import rrule

from noise.days_off import day_off, is_tet
from runtime.refusal import N_, Refusal

MOST_TIMES = 24
MOST_SINGLE_DAYS = 366
MOST_SEASONS = 6
MOST_EVERY = 52
#: How far we look for the next instant before we say that there is none.
_FAR = timedelta(days=366 * 5)


class Repeat(StrEnum):
    """How often."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY_BY_DAY = "monthly_by_day"  # on the 1st and the 15th
    MONTHLY_BY_WEEKDAY = "monthly_by_weekday"  # on the first Monday


class Holidays(StrEnum):
    """What public holidays, or the days of Tết, change."""

    ALIKE = "alike"
    NOT = "not"
    ONLY = "only"


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """Other times in a part of each year. first, last: (month, day), both included; it may reach over the new year."""

    first: tuple[int, int]
    last: tuple[int, int]
    times: list[time]

    def holds(self, day: date) -> bool:
        """Whether a day lies in it."""
        at = (day.month, day.day)
        return self.first <= at <= self.last if self.first <= self.last else at >= self.first or at <= self.last


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When, by the wall clock of the commune.

    times: of the day, to the second. from_day: the first day; for once, the day. until_day: the last, None for no end.
    every: each so many days, weeks or months, counted from `from_day` on (weeks begin on Monday).
    weekdays: 0 is Monday; for weekly, and for monthly by weekday. month_days: 1 to 31, or -1 for the last; a month that
    has no such day is left out (RFC 5545 §3.3.10). which: 1 to 4 or -1, the how manieth of its weekday in the month.
    except_days, extra_days: left out, and due besides, at the same times. An extra day counts even on a holiday.
    """

    repeat: Repeat
    times: list[time]
    from_day: date
    until_day: date | None = None
    every: int = 1
    weekdays: list[int] = []
    month_days: list[int] = []
    which: list[int] = []
    seasons: list[Season] = []
    except_days: list[date] = []
    extra_days: list[date] = []
    holidays: Holidays = Holidays.ALIKE
    tet: Holidays = Holidays.ALIKE

    def check(self) -> "Rule":
        """Itself, sorted, without what its kind has no use for. Raises Refusal when it is no rule."""
        times = _checked_times(self.times)
        weekdays, month_days, which = sorted(set(self.weekdays)), sorted(set(self.month_days)), sorted(set(self.which))
        by_weekday = self.repeat in (Repeat.WEEKLY, Repeat.MONTHLY_BY_WEEKDAY)
        if by_weekday and (not weekdays or any(not 0 <= d <= 6 for d in weekdays)):
            raise Refusal(N_("Choose at least one day of the week."))
        if self.repeat is Repeat.MONTHLY_BY_DAY and (
            not month_days or any(not (1 <= d <= 31 or d == -1) for d in month_days)
        ):
            raise Refusal(N_("Choose at least one day of the month, 1 to 31."))
        if self.repeat is Repeat.MONTHLY_BY_WEEKDAY and (not which or any(not (1 <= n <= 4 or n == -1) for n in which)):
            raise Refusal(N_("Choose which of the month's weekdays: the first to the fourth, or the last."))
        if not 1 <= self.every <= MOST_EVERY:
            raise Refusal(N_("Repeat at least every {most} days, weeks or months."), most=MOST_EVERY)
        if self.until_day is not None and self.until_day < self.from_day:
            raise Refusal(N_("The last day lies before the first. Change one of them."))
        if max(len(self.except_days), len(self.extra_days)) > MOST_SINGLE_DAYS:
            raise Refusal(N_("At most {most} single days can be named."), most=MOST_SINGLE_DAYS)
        once = self.repeat is Repeat.ONCE
        return msgspec.structs.replace(
            self,
            times=times,
            every=1 if once else self.every,
            weekdays=weekdays if by_weekday else [],
            month_days=month_days if self.repeat is Repeat.MONTHLY_BY_DAY else [],
            which=which if self.repeat is Repeat.MONTHLY_BY_WEEKDAY else [],
            seasons=_checked_seasons(self.seasons),
            except_days=sorted(set(self.except_days)),
            extra_days=sorted(set(self.extra_days)),
        )

    def times_on(self, day: date) -> list[time]:
        """The times of a day: those of the first season that it lies in, else the usual ones."""
        return next((season.times for season in self.seasons if season.holds(day)), self.times)


def instants(rule: Rule, zone: ZoneInfo, after: datetime, before: datetime) -> list[datetime]:
    """Every instant in [after, before), as UTC, in order. after, before: aware.

    A wall time that a zone skips in spring is read with the offset before the gap, and one that comes twice is the
    first (RFC 5545 §3.3.5). Vietnam has neither.
    """
    return list(_due(rule, zone, after, before))


def next_instants(rule: Rule, zone: ZoneInfo, now: datetime, count: int) -> list[datetime]:
    """The next `count` instants after now, fewer when the rule ends."""
    return list(islice(_due(rule, zone, now + timedelta(microseconds=1), now + _FAR), count))


def days(rule: Rule, first: date, last: date) -> list[date]:
    """The days from `first` to `last`, both included, on which it is due, in order."""
    found: list[date] = []
    for year in range(first.year, last.year + 1):
        found += _in_year(rule, year)
    return found[bisect_left(found, first) : bisect_right(found, last)]


def _due(rule: Rule, zone: ZoneInfo, after: datetime, before: datetime) -> Iterator[datetime]:
    # A day's margin at both ends: local days and UTC days overlap only in part.
    day_before, day_after = after.astimezone(zone).date() - timedelta(days=1), before.astimezone(zone).date()
    first, last = day_before, day_after + timedelta(days=1)
    for year in range(first.year, last.year + 1):
        if rule.until_day is not None and year > rule.until_day.year and not rule.extra_days:
            return
        for day in _in_year(rule, year):
            if first <= day <= last:
                found = sorted(_instant(day, at, zone) for at in rule.times_on(day))
                yield from (at for at in dict.fromkeys(found) if after <= at < before)


def _in_year(rule: Rule, year: int) -> Sequence[date]:
    """The days of a year on which a rule is due, in order."""
    if rule.repeat is Repeat.ONCE:
        regular: Sequence[date] = [rule.from_day] if rule.from_day.year == year else []
    else:
        # A rule of each day, week or month does not depend on where it begins: all of its kind share one expansion.
        anchor = rule.from_day if rule.every > 1 else None
        regular = _pattern(
            rule.repeat, rule.every, tuple(rule.weekdays), tuple(rule.month_days), tuple(rule.which), anchor, year
        )
        if rule.from_day.year >= year:
            regular = regular[bisect_left(regular, rule.from_day) :]
        if rule.until_day is not None and rule.until_day.year <= year:
            regular = regular[: bisect_right(regular, rule.until_day)]
    if rule.holidays is not Holidays.ALIKE:
        regular = [day for day in regular if bool(day_off(day)) == (rule.holidays is Holidays.ONLY)]
    if rule.tet is not Holidays.ALIKE:
        regular = [day for day in regular if is_tet(day) == (rule.tet is Holidays.ONLY)]
    if rule.except_days:
        left_out = set(rule.except_days)
        regular = [day for day in regular if day not in left_out]
    extra = [day for day in rule.extra_days if day.year == year]
    return sorted({*regular, *extra}) if extra else regular


@lru_cache(maxsize=4096)
def _pattern(
    repeat: Repeat,
    every: int,
    weekdays: tuple[int, ...],
    month_days: tuple[int, ...],
    which: tuple[int, ...],
    anchor: date | None,
    year: int,
) -> tuple[date, ...]:
    """A rule's days of one year, by RFC 5545. anchor: from where periods are counted, None when each of them counts.

    Rules are expanded on naive days; the zone comes in only with the time of day (as RFC 5545 does it).
    """
    first = date(year, 1, 1)
    if anchor is not None and anchor > date(year, 12, 31):
        return ()
    made = rrule.rrule(
        rrule.DAILY if repeat is Repeat.DAILY else rrule.WEEKLY if repeat is Repeat.WEEKLY else rrule.MONTHLY,
        interval=every,
        wkst=rrule.MO,
        dtstart=_midnight(anchor or first),
        until=_midnight(date(year, 12, 31)),
        byweekday=[rrule.weekday(day, nth) for day in weekdays for nth in which] or weekdays or None,
        bymonthday=month_days or None,
    )
    return tuple(at.date() for at in made.xafter(_midnight(first), inc=True))


def _checked_times(times: list[time]) -> list[time]:
    if not times:
        raise Refusal(N_("Say at what time it shall sound."))
    if len(set(times)) > MOST_TIMES:
        raise Refusal(N_("At most {most} times a day. Make a second schedule of the others."), most=MOST_TIMES)
    if any(t.tzinfo is not None for t in times):
        raise ValueError("times of day are the commune's own, without a zone")
    return sorted(set(times))


def _checked_seasons(seasons: list[Season]) -> list[Season]:
    if len(seasons) > MOST_SEASONS:
        raise Refusal(N_("At most {most} seasons."), most=MOST_SEASONS)
    checked = []
    for season in seasons:
        try:
            for month, day in (season.first, season.last):
                date(2024, month, day)  # a leap year: 29 February is a day
        except ValueError:
            raise Refusal(N_("A season begins or ends on a day that no year has. Write days as 15/10.")) from None
        checked.append(msgspec.structs.replace(season, times=_checked_times(season.times)))
    return checked


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())  # naive on purpose, see `_pattern`


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)

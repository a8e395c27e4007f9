"""Recurrence: when a schedule is due, by the rules of RFC 5545 in the commune's time zone.

Page, plan and manifests all use `instants`. The only home of python-dateutil's rules.
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
from parsing.days import LATEST
from runtime.refusal import N_, Refusal

MOST_TIMES = 24
MOST_SINGLE_DAYS = 366
MOST_SEASONS = 6
MOST_EVERY = 52
#: Earlier than what people may type (`parsing.days`): the examples of RFC 5545, which are tests, are of 1997.
_EARLIEST = date(1990, 1, 1)
#: How far ahead the next instant is looked for, from now or from the first day.
_FAR = timedelta(days=366 * 5)


class Repeat(StrEnum):
    """How often a schedule repeats."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY_BY_DAY = "monthly_by_day"  # on the 1st and the 15th
    MONTHLY_BY_WEEKDAY = "monthly_by_weekday"  # on the first Monday


class Holidays(StrEnum):
    """The effect of a public holiday, or of a day of Tết: none, not due, or due only then."""

    ALIKE = "alike"
    NOT = "not"
    ONLY = "only"


class Season(msgspec.Struct, frozen=True, kw_only=True):
    """Other times in a part of each year. first, last: (month, day), inclusive; it may span the new year."""

    first: tuple[int, int]
    last: tuple[int, int]
    times: list[time]

    def holds(self, day: date) -> bool:
        """Whether a day is in the season."""
        at = (day.month, day.day)
        return self.first <= at <= self.last if self.first <= self.last else at >= self.first or at <= self.last


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When, by the wall clock of the commune.

    times: of the day, to the second. from_day: the first day; for ONCE the only one. until_day: the last, None for no
    end. every: the interval in days, weeks or months, counted from `from_day` (weeks begin on Monday). weekdays: 0 is
    Monday; for weekly, and for monthly by weekday. month_days: 1 to 31, or -1 for the last; a month without such a day
    is skipped (RFC 5545 §3.3.10). which: 1 to 4 or -1, the ordinal of the weekday in the month. except_days: skipped.
    extra_days: due in addition, at the same times, even on a holiday.
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
        """A sorted copy without fields that its kind does not use. Raises Refusal."""
        times = _checked_times(self.times)
        weekdays, month_days, which = sorted(set(self.weekdays)), sorted(set(self.month_days)), sorted(set(self.which))
        by_weekday = self.repeat in (Repeat.WEEKLY, Repeat.MONTHLY_BY_WEEKDAY)
        if by_weekday and (not weekdays or any(not 0 <= d <= 6 for d in weekdays)):
            raise Refusal(N_("Choose at least one day of the week.")).at("weekdays")
        if self.repeat is Repeat.MONTHLY_BY_DAY and (
            not month_days or any(not (1 <= d <= 31 or d == -1) for d in month_days)
        ):
            raise Refusal(N_("Choose at least one day of the month, 1 to 31.")).at("month_days")
        if self.repeat is Repeat.MONTHLY_BY_WEEKDAY and (not which or any(not (1 <= n <= 4 or n == -1) for n in which)):
            raise Refusal(N_("Choose which of the month's weekdays: the first to the fourth, or the last.")).at("which")
        if not 1 <= self.every <= MOST_EVERY:
            raise Refusal(
                N_("Enter a number from 1 to {most}: repeat at least every {most} days, weeks or months."),
                most=MOST_EVERY,
            ).at("every")
        if self.until_day is not None and self.until_day < self.from_day:
            raise Refusal(N_("The last day is before the first. Change one of them.")).at("until_day")
        if max(len(self.except_days), len(self.extra_days)) > MOST_SINGLE_DAYS:
            field = "except_days" if len(self.except_days) > MOST_SINGLE_DAYS else "extra_days"
            raise Refusal(N_("You can enter at most {most} single days."), most=MOST_SINGLE_DAYS).at(field)
        all_days = [self.from_day, self.until_day or self.from_day, *self.except_days, *self.extra_days]
        if not _EARLIEST <= min(all_days) <= max(all_days) <= LATEST:
            raise Refusal(N_("Choose days between the years 2000 and 2099.")).at("from_day")
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
        """The times of the first season that contains the day, else the usual ones."""
        return next((season.times for season in self.seasons if season.holds(day)), self.times)


def instants(rule: Rule, zone: ZoneInfo, after: datetime, before: datetime) -> list[datetime]:
    """Every instant in [after, before), as UTC, in order. after, before: aware.

    A wall time that the zone skips is read with the offset before the gap, and one that occurs twice is the first
    (RFC 5545 §3.3.5). Vietnam has neither.
    """
    return list(_due(rule, zone, after, before))


def next_instants(rule: Rule, zone: ZoneInfo, now: datetime, count: int) -> list[datetime]:
    """The next `count` instants after now; fewer when the rule ends."""
    begins = max(now, datetime.combine(rule.from_day, time(), tzinfo=UTC))
    return list(islice(_due(rule, zone, now + timedelta(microseconds=1), begins + _FAR), count))


def days(rule: Rule, first: date, last: date) -> list[date]:
    """Days from `first` to `last`, inclusive, on which the rule is due, in order."""
    due_days: list[date] = []
    for year in range(first.year, last.year + 1):
        due_days += _in_year(rule, year)
    return due_days[bisect_left(due_days, first) : bisect_right(due_days, last)]


def _due(rule: Rule, zone: ZoneInfo, after: datetime, before: datetime) -> Iterator[datetime]:
    # A margin of one day at both ends: local and UTC days overlap only partly.
    day_before, day_after = after.astimezone(zone).date() - timedelta(days=1), before.astimezone(zone).date()
    first, last = day_before, day_after + timedelta(days=1)
    for year in range(first.year, last.year + 1):
        if rule.until_day is not None and year > rule.until_day.year and not rule.extra_days:
            return
        for day in _in_year(rule, year):
            if first <= day <= last:
                day_instants = sorted(_instant(day, at, zone) for at in rule.times_on(day))
                yield from (at for at in dict.fromkeys(day_instants) if after <= at < before)


def _in_year(rule: Rule, year: int) -> Sequence[date]:
    """The due days of a year, in order."""
    if rule.repeat is Repeat.ONCE:
        regular: Sequence[date] = [rule.from_day] if rule.from_day.year == year else []
    else:
        # With an interval of 1 the expansion does not depend on the first day, so rules share it.
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
        excepted = set(rule.except_days)
        regular = [day for day in regular if day not in excepted]
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
    """The days of one year by RFC 5545. anchor: where intervals are counted from, None for an interval of 1.

    Rules are expanded on naive days; the zone is applied with the time of day, as RFC 5545 does.
    """
    first = date(year, 1, 1)
    if anchor is not None and anchor > date(year, 12, 31):
        return ()
    expansion = rrule.rrule(
        rrule.DAILY if repeat is Repeat.DAILY else rrule.WEEKLY if repeat is Repeat.WEEKLY else rrule.MONTHLY,
        interval=every,
        wkst=rrule.MO,
        dtstart=_midnight(anchor or first),
        until=_midnight(date(year, 12, 31)),
        byweekday=[rrule.weekday(day, nth) for day in weekdays for nth in which] or weekdays or None,
        bymonthday=month_days or None,
    )
    return tuple(at.date() for at in expansion.xafter(_midnight(first), inc=True))


def _checked_times(times: list[time]) -> list[time]:
    if not times:
        raise Refusal(N_("Choose at what time it plays.")).at("times")
    if len(set(times)) > MOST_TIMES:
        raise Refusal(
            N_("A schedule can have at most {most} times a day. Add a second schedule for the others."), most=MOST_TIMES
        ).at("times")
    if any(t.tzinfo is not None for t in times):
        raise ValueError("times of day are the commune's own, without a zone")
    return sorted(set(times))


def _checked_seasons(seasons: list[Season]) -> list[Season]:
    if len(seasons) > MOST_SEASONS:
        raise Refusal(N_("At most {most} seasons."), most=MOST_SEASONS).at("season_times")
    checked = []
    for season in seasons:
        try:
            for month, day in (season.first, season.last):
                date(2024, month, day)  # a leap year: 29 February is a day
        except ValueError:
            raise Refusal(N_("The first or last day of a season does not exist. Write days as 15/10.")).at(
                "season_first"
            ) from None
        checked.append(msgspec.structs.replace(season, times=_checked_times(season.times)))
    return checked


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())  # naive on purpose, see `_pattern`


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)

"""Moving airings: the rules that result when one airing is moved, alone or with all others of its schedule."""

from datetime import date, datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from runtime.refusal import N_, Refusal
from schedules.recurrence import Repeat, Rule, Season, days

T = TypeVar("T")


def moved_rule(rule: Rule, from_day: date, from_time: time, to_day: date, to_time: time) -> Rule:
    """The time moves on all days. The day moves where the rule names days: a weekday, a day of the month, a single day.

    Raises Refusal when there is no such airing, or the rule cannot express the new day.
    """
    check_airing(rule, from_day, from_time)
    moved = _on_other_day(rule, from_day, to_day) if to_day != from_day else rule
    if to_time == from_time:
        return moved
    seasons = [_season(s, from_time, to_time) if s is _season_of(rule, from_day) else s for s in moved.seasons]
    times = rule.times if _season_of(rule, from_day) else _replaced(rule.times, from_time, to_time)
    return msgspec.structs.replace(moved, times=times, seasons=seasons)


def without_airing(rule: Rule, day: date, at: time, zone: ZoneInfo, now: datetime) -> tuple[Rule, Rule | None]:
    """The rule without the airings of that day, and a rule for those of the day that stay and are still to come.

    An exception leaves out a whole day. Raises Refusal when there is no such airing.
    """
    check_airing(rule, day, at)
    reduced = msgspec.structs.replace(
        rule, except_days=[*rule.except_days, day], extra_days=[extra for extra in rule.extra_days if extra != day]
    )
    others = [other for other in rule.times_on(day) if other != at]
    others = [other for other in others if datetime.combine(day, other, tzinfo=zone) > now]
    return reduced, Rule(repeat=Repeat.ONCE, times=others, from_day=day) if others else None


def check_airing(rule: Rule, day: date, at: time) -> None:
    """Raises Refusal when the rule is not due then."""
    if at not in rule.times_on(day) or not days(rule, day, day):
        raise Refusal(N_("This broadcast is no longer on the timetable. Reload the page."))


def _on_other_day(rule: Rule, from_day: date, to_day: date) -> Rule:
    if len(rule.times_on(from_day)) > 1:
        raise Refusal(N_("It plays several times a day: for all airings only the time can be changed, not the day."))
    if from_day in rule.extra_days:
        return msgspec.structs.replace(rule, extra_days=_replaced(rule.extra_days, from_day, to_day))
    match rule.repeat:
        case Repeat.ONCE:
            return msgspec.structs.replace(rule, from_day=to_day)
        case Repeat.WEEKLY if rule.every == 1:
            weekdays = _replaced(rule.weekdays, from_day.weekday(), to_day.weekday())
            return msgspec.structs.replace(rule, weekdays=weekdays)
        case Repeat.MONTHLY_BY_DAY if from_day.day in rule.month_days:
            return msgspec.structs.replace(rule, month_days=_replaced(rule.month_days, from_day.day, to_day.day))
        case Repeat.DAILY if rule.every == 1:
            raise Refusal(N_("It plays every day: for all airings only the time can be changed, not the day."))
    raise Refusal(N_("The day of all airings cannot be changed here. Open the schedule and change its days there."))


def _season_of(rule: Rule, day: date) -> Season | None:
    return next((season for season in rule.seasons if season.holds(day)), None)


def _season(season: Season, from_time: time, to_time: time) -> Season:
    return msgspec.structs.replace(season, times=_replaced(season.times, from_time, to_time))


def _replaced(values: list[T], old: T, new: T) -> list[T]:
    """Raises Refusal when the new one is there already: two airings would become one."""
    if new in values and new != old:
        raise Refusal(N_("This schedule already plays then. Choose another day or time."))
    return [new if value == old else value for value in values]

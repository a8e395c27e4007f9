"""Schedule rules as sentences: "at 05:00 and 17:00, Monday and Friday, from 01/12/2026, not on public holidays"."""

from datetime import time

from schedules.recurrence import Holidays, Repeat, Rule, Season
from web.formatting import Wording


def rule_sentence(w: Wording, rule: Rule) -> str:
    """A rule as one says it, without a full stop."""
    t = w.t
    times = w.listed([short(at) for at in rule.times])
    if rule.repeat is Repeat.ONCE and not rule.extra_days:
        return t("At {times} on {day}", times=times, day=w.date(rule.from_day))
    sentence = t("At {times}, {days}, from {day}", times=times, days=_days(w, rule), day=w.date(rule.from_day))
    if rule.until_day:
        sentence += t(" until {day}", day=w.date(rule.until_day))
    return sentence + "".join(f"; {more}" for more in [*_seasons(w, rule.seasons), *_exceptions(w, rule)])


def short(at: time) -> str:
    """A time of day, its seconds only when it has some."""
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


def _days(w: Wording, rule: Rule) -> str:
    t, weekdays = w.t, w.listed([w.weekday(day) for day in rule.weekdays])
    match rule.repeat:
        case Repeat.ONCE:
            return t("once")
        case Repeat.DAILY:
            return t("every day") if rule.every == 1 else t.count("every {n} day", "every {n} days", rule.every)
        case Repeat.WEEKLY:
            named = t("Monday to Friday") if rule.weekdays == [0, 1, 2, 3, 4] else weekdays
            if rule.every == 1:
                return named
            return t("{days} of every {n} weeks", days=named, n=rule.every)
        case Repeat.MONTHLY_BY_DAY:
            days = w.listed([t("the last day") if day == -1 else t("day {n}", n=day) for day in rule.month_days])
        case Repeat.MONTHLY_BY_WEEKDAY:
            which = w.listed([_which(w, nth) for nth in rule.which])
            days = t("the {which} {weekday}", which=which, weekday=weekdays)
    if rule.every == 1:
        return t("{days} of every month", days=days)
    return t("{days} of every {n} months", days=days, n=rule.every)


def _which(w: Wording, nth: int) -> str:
    words = {1: w.t("first"), 2: w.t("second"), 3: w.t("third"), 4: w.t("fourth"), -1: w.t("last")}
    return words[nth]


def _seasons(w: Wording, seasons: list[Season]) -> list[str]:
    return [
        w.t(
            "from {first} to {last} at {times}",
            first=f"{s.first[1]}/{s.first[0]}",
            last=f"{s.last[1]}/{s.last[0]}",
            times=w.listed([short(at) for at in s.times]),
        )
        for s in seasons
    ]


def _exceptions(w: Wording, rule: Rule) -> list[str]:
    t, exceptions = w.t, []
    if rule.holidays is not Holidays.ALIKE:
        exceptions.append(
            t("only on public holidays") if rule.holidays is Holidays.ONLY else t("not on public holidays")
        )
    if rule.tet is not Holidays.ALIKE:
        exceptions.append(t("only at Tết") if rule.tet is Holidays.ONLY else t("not at Tết"))
    if rule.except_days:
        exceptions.append(t("not on {days}", days=w.listed([w.date(day) for day in rule.except_days])))
    if rule.extra_days:
        exceptions.append(t("also on {days}", days=w.listed([w.date(day) for day in rule.extra_days])))
    return exceptions

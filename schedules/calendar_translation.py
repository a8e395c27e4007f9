"""Days as rules of the timetable: of the rules that may give the days of an RRULE the first that does."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec

from runtime.refusal import Refusal
from schedules.recurrence import MOST_EVERY, Repeat, Rule, days


def translated(
    frequency: str, every: int, nths: Sequence[int], base: Rule, due_days: Sequence[date], until: date
) -> list[Rule]:
    """Rules that together are due on exactly `due_days` up to a day; [] when there are none.

    frequency, every, nths: FREQ, INTERVAL (times those of EXRULEs) and the numbers before the weekdays, which only say
    where to begin. base: a rule with times, first and last day.
    """
    for rules in _candidates(frequency, every, nths, base, due_days):
        if _same_days(rules, due_days, until):
            return rules
    return _by_month(every, nths, base, due_days, until) if frequency == "YEARLY" else []


def _candidates(
    frequency: str, every: int, nths: Sequence[int], base: Rule, due_days: Sequence[date]
) -> Iterator[list[Rule]]:
    if frequency == "DAILY":
        gap = (due_days[1] - due_days[0]).days if len(due_days) > 1 else every
        yield [msgspec.structs.replace(base, repeat=Repeat.DAILY, every=gap)]
    monthly = list(_monthly({"MONTHLY": every, "YEARLY": 12 * every}.get(frequency, 1), nths, base, due_days))
    if frequency in ("MONTHLY", "YEARLY"):
        yield from monthly
        monthly = []
    if every <= MOST_EVERY:
        yield _weekly(base, every, due_days)
    if every > 1:
        yield _weekly(base, 1, due_days)
        yield from _monthly(1, nths, base, due_days)
    yield from monthly


def _monthly(every: int, nths: Sequence[int], base: Rule, due_days: Sequence[date]) -> Iterator[list[Rule]]:
    by_day = msgspec.structs.replace(base, repeat=Repeat.MONTHLY_BY_DAY, every=every)
    yield [msgspec.structs.replace(by_day, month_days=sorted({day.day for day in due_days}))]
    if any(_is_last(day) for day in due_days):
        named = sorted({day.day for day in due_days if not _is_last(day)})
        yield [msgspec.structs.replace(by_day, month_days=[*named, -1])]
    by_weekday = msgspec.structs.replace(
        base, repeat=Repeat.MONTHLY_BY_WEEKDAY, every=every, weekdays=sorted({day.weekday() for day in due_days})
    )
    ordinals = sorted({(day.day - 1) // 7 + 1 for day in due_days})
    for which in (sorted(set(nths)), ordinals, [-1]):
        if which:
            yield [msgspec.structs.replace(by_weekday, which=which)]


def _is_last(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1


def _weekly(base: Rule, every: int, due_days: Sequence[date]) -> list[Rule]:
    """One rule for each parity of the weeks, which begin on Monday here and elsewhere in the RRULE."""
    groups: dict[int, list[date]] = {}
    for day in due_days:
        week = (day.toordinal() - 1) // 7  # day 1 of the calendar is a Monday
        groups.setdefault(week % every, []).append(day)
    return [
        msgspec.structs.replace(
            base,
            repeat=Repeat.WEEKLY,
            every=every,
            weekdays=sorted({day.weekday() for day in of_parity}),
            from_day=of_parity[0],
        )
        for of_parity in sorted(groups.values())
    ]


def _by_month(every: int, nths: Sequence[int], base: Rule, due_days: Sequence[date], until: date) -> list[Rule]:
    """A rule for each month of the year; [] when one of them has none."""
    rules = []
    for month in sorted({day.month for day in due_days}, key=lambda m: next(d for d in due_days if d.month == m)):
        of_month = [day for day in due_days if day.month == month]
        candidates = _monthly(12 * every, nths, msgspec.structs.replace(base, from_day=of_month[0]), of_month)
        rule = next((rules[0] for rules in candidates if _same_days(rules, of_month, until)), None)
        if rule is None:
            return []
        rules.append(rule)
    return rules


def _same_days(rules: Sequence[Rule], due_days: Sequence[date], until: date) -> bool:
    ours: list[date] = []
    try:
        for rule in rules:
            ours += days(rule.check(), due_days[0], until)
    except Refusal:  # a fifth Monday, say, or an interval that is too long
        return False
    return sorted(ours) == list(due_days)

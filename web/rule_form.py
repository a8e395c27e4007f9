"""A rule of the timetable as a form shows it and sends it."""

import re
from dataclasses import dataclass
from datetime import date, time
from typing import Annotated

from fastapi import Form

from runtime.refusal import N_, Refusal
from schedules.recurrence import Holidays, Repeat, Rule, Season
from web.labels.rules import short

_SPLIT = re.compile(r"[,;\s]+")


@dataclass(frozen=True)
class Draft:
    """What a form for a schedule shows. Times, days and seasons as people write them."""

    programme_id: int = 0
    repeat: str = "daily"
    times: str = "05:00"
    from_day: str = ""
    until_day: str = ""
    every: int = 1
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    month_days: str = "1"
    which: tuple[int, ...] = (1,)
    season_first: str = ""
    season_last: str = ""
    season_times: str = ""
    except_days: str = ""
    extra_days: str = ""
    holidays: str = "alike"
    tet: str = "alike"
    class_: str = "normal"
    precedence: int = 0

    @property
    def special(self) -> bool:
        """Whether it says anything beyond what most schedules need."""
        return bool(
            self.every > 1
            or self.season_times
            or self.except_days
            or self.extra_days
            or self.holidays != "alike"
            or self.tet != "alike"
        )


def draft_of(rule: Rule, programme_id: int, class_: str, precedence: int) -> Draft:
    """A kept rule, for changing it."""
    season = rule.seasons[0] if rule.seasons else None
    return Draft(
        programme_id,
        rule.repeat.value,
        _times_words(rule.times),
        rule.from_day.isoformat(),
        rule.until_day.isoformat() if rule.until_day else "",
        rule.every,
        tuple(rule.weekdays),
        ", ".join("cuối" if day == -1 else str(day) for day in rule.month_days),
        tuple(rule.which),
        f"{season.first[1]}/{season.first[0]}" if season else "",
        f"{season.last[1]}/{season.last[0]}" if season else "",
        _times_words(season.times) if season else "",
        _days_words(rule.except_days),
        _days_words(rule.extra_days),
        rule.holidays.value,
        rule.tet.value,
        class_,
        precedence,
    )


def rule_from(
    repeat: Annotated[str, Form()] = "once",
    times: Annotated[str, Form()] = "",
    from_day: Annotated[str, Form()] = "",
    until_day: Annotated[str, Form()] = "",
    every: Annotated[int, Form()] = 1,
    weekdays: Annotated[list[int] | None, Form()] = None,
    month_days: Annotated[str, Form()] = "",
    which: Annotated[list[int] | None, Form()] = None,
    season_first: Annotated[str, Form()] = "",
    season_last: Annotated[str, Form()] = "",
    season_times: Annotated[str, Form()] = "",
    except_days: Annotated[str, Form()] = "",
    extra_days: Annotated[str, Form()] = "",
    holidays: Annotated[str, Form()] = "alike",
    tet: Annotated[str, Form()] = "alike",
) -> Rule:
    """A rule from a sent form. Raises Refusal with what is wrong."""
    try:
        found = Repeat(repeat)
        at, first = _times(times), date.fromisoformat(from_day)
        last = date.fromisoformat(until_day) if until_day and found is not Repeat.ONCE else None
        days = [-1 if word in ("cuối", "last", "-1") else int(word) for word in _words(month_days)]
        on_holidays, at_tet = Holidays(holidays), Holidays(tet)
    except ValueError:
        raise Refusal(N_("Enter times as 05:00 or 05:00, 17:30, and choose the days in the calendar.")) from None
    seasons = []
    if season_times.strip():
        seasons = [
            Season(first=month_day(season_first), last=month_day(season_last), times=_season_times(season_times))
        ]
    return Rule(
        repeat=found,
        times=at,
        from_day=first,
        until_day=last,
        every=every,
        weekdays=weekdays or [],
        month_days=days,
        which=which or [],
        seasons=seasons,
        except_days=_single_days(except_days),
        extra_days=_single_days(extra_days),
        holidays=on_holidays,
        tet=at_tet,
    ).check()


def _words(text: str) -> list[str]:
    return [word for word in _SPLIT.split(text.strip().lower()) if word]


def _times(text: str) -> list[time]:
    return [time.fromisoformat(word) for word in _words(text)]


def _season_times(text: str) -> list[time]:
    try:
        return _times(text)
    except ValueError:
        raise Refusal(N_("Enter the times of the season as 05:30 or 05:30, 17:00.")) from None


def month_day(text: str) -> tuple[int, int]:
    """Read "15/10" as month 10, day 15."""
    try:
        day, month = (int(part) for part in text.strip().split("/"))
    except ValueError:
        raise Refusal(N_("Enter the first and last day of the season as 15/10.")) from None
    return month, day


def _single_days(text: str) -> list[date]:
    """Read days such as "2/9/2026" and "2026-09-03"."""
    found = []
    for word in _words(text):
        try:
            if "/" in word:
                day, month, year = (int(part) for part in word.split("/"))
                found.append(date(year, month, day))
            else:
                found.append(date.fromisoformat(word))
        except ValueError:
            raise Refusal(
                N_("“{word}” is not a date. Enter dates as 02/09/2026, separated by commas."), word=word
            ) from None
    return found


def _times_words(times: list[time]) -> str:
    return ", ".join(short(at) for at in times)


def _days_words(days: list[date]) -> str:
    return ", ".join(f"{day:%d/%m/%Y}" for day in days)

"""A rule of the timetable as a form shows it and sends it."""

from dataclasses import dataclass
from datetime import date, time
from typing import Annotated

from fastapi import Form

from parsing.days import parse_day, parse_days, parse_month_day, parse_month_days
from parsing.times import parse_times
from runtime.refusal import N_, Refusal, at_field
from schedules.recurrence import Holidays, Repeat, Rule, Season
from web.labels.rules import short
from web.typed_fields import Whole


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
    """A stored rule, for changing it."""
    season = rule.seasons[0] if rule.seasons else None
    return Draft(
        programme_id,
        rule.repeat.value,
        _times_words(rule.times),
        f"{rule.from_day:%d/%m/%Y}",
        f"{rule.until_day:%d/%m/%Y}" if rule.until_day else "",
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
    every: Annotated[Whole, Form()] = 1,
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
        kind, on_holidays, at_tet = Repeat(repeat), Holidays(holidays), Holidays(tet)
    except ValueError:
        raise Refusal(N_("This choice is not there any more. Load the page again.")) from None
    seasons = []
    if season_times.strip():
        with at_field("season_first"):
            first = parse_month_day(season_first)
        with at_field("season_last"):
            last = parse_month_day(season_last)
        with at_field("season_times"):
            seasons = [Season(first=first, last=last, times=parse_times(season_times))]
    return Rule(
        repeat=kind,
        times=_times(times),
        from_day=_day(from_day, "from_day"),
        until_day=_day(until_day, "until_day") if until_day.strip() and kind is not Repeat.ONCE else None,
        every=every,
        weekdays=weekdays or [],
        month_days=_month_days(month_days) if kind is Repeat.MONTHLY_BY_DAY else [],
        which=which or [],
        seasons=seasons,
        except_days=_single_days(except_days, "except_days"),
        extra_days=_single_days(extra_days, "extra_days"),
        holidays=on_holidays,
        tet=at_tet,
    ).check()


def _times(text: str) -> list[time]:
    if not text.strip():
        raise Refusal(N_("Choose at what time it plays.")).at("times")
    with at_field("times"):
        return parse_times(text)


def _day(text: str, field: str) -> date:
    with at_field(field):
        return parse_day(text)


def _month_days(text: str) -> list[int]:
    with at_field("month_days"):
        return parse_month_days(text)


def _single_days(text: str, field: str) -> list[date]:
    """An empty field names no days."""
    with at_field(field):
        return parse_days(text) if text.strip() else []


def _times_words(times: list[time]) -> str:
    return ", ".join(short(at) for at in times)


def _days_words(days: list[date]) -> str:
    return ", ".join(f"{day:%d/%m/%Y}" for day in days)

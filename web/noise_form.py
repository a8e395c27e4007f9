"""Noise rules as a form shows them and sends them, and in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from parsing.days import parse_month_day
from parsing.numbers import parse_percent
from parsing.times import parse_minute_of_day, parse_minutes
from runtime.refusal import N_, Refusal
from web.formatting import Wording
from wire.allowed_hours import AllowedHours, NightLevel, OnDaysOff

#: Empty rows at the end of the form; saving it adds new ones.
_MORE_ROWS = 2
_EVERY_DAY = list(range(7))


@dataclass(frozen=True)
class HoursRow:
    """One stretch as the form shows it. Times as "05:00", "" for an unused row."""

    from_time: str = ""
    until_time: str = ""
    weekdays: tuple[int, ...] = tuple(_EVERY_DAY)
    season_first: str = ""
    season_last: str = ""
    days_off: str = "alike"


@dataclass(frozen=True)
class SentNoiseRules:
    """What a form says."""

    hours: list[AllowedHours]
    night: NightLevel | None
    minutes_a_day: int | None
    minutes_a_week: int | None
    refuses: bool


def rows_of(hours: list[AllowedHours]) -> list[HoursRow]:
    """What is kept, and empty rows to fill in."""
    rows = [
        HoursRow(
            clock(window.from_minute),
            clock(window.until_minute),
            tuple(window.weekdays),
            _shown(window.season_first),
            _shown(window.season_last),
            window.days_off.value,
        )
        for window in hours
    ]
    return rows + [HoursRow()] * _MORE_ROWS


def sent_rules(form: Mapping[str, list[str]]) -> SentNoiseRules:
    """From a sent form: its fields with all their values. Raises Refusal with what is wrong."""

    def one(name: str) -> str:
        return (form.get(name) or [""])[0].strip()

    hours = []
    for row in range(len(form.get("from_time", []))):
        since, until = _at(form, "from_time", row), _at(form, "until_time", row)
        if not since and not until:
            continue
        if not since or not until:
            raise Refusal(N_("Enter both the start and the end, or leave both empty."))
        season = [_wire_day(_at(form, name, row)) for name in ("season_first", "season_last")]
        try:
            weekdays = sorted({int(day) for day in form.get(f"weekdays{row}", [])} & set(_EVERY_DAY))
            days_off = OnDaysOff(_at(form, "days_off", row) or "alike")
        except ValueError:
            raise Refusal(N_("Choose at least one day of the week.")) from None
        hours.append(
            AllowedHours(
                weekdays=weekdays,
                from_minute=_start(since),
                until_minute=parse_minute_of_day(until) or 1440,
                season_first=season[0],
                season_last=season[1],
                days_off=days_off,
            )
        )
    return SentNoiseRules(
        hours,
        _night(one("night_from"), one("night_until"), one("night_volume")),
        _limit(one("minutes_a_day")),
        _limit(one("minutes_a_week")),
        one("refuses") == "yes",
    )


def hours_sentences(w: Wording, hours: list[AllowedHours]) -> list[str]:
    """Each stretch as one says it, without a full stop."""
    return [_sentence(w, window) for window in hours]


def clock(minute: int) -> str:
    """A minute of the day as "05:00"; the last one of all as "24:00"."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _sentence(w: Wording, window: AllowedHours) -> str:
    t = w.t
    days = t("every day") if window.weekdays == _EVERY_DAY else w.listed([w.weekday(day) for day in window.weekdays])
    sentence = t(
        "{since}–{until}, {days}", since=clock(window.from_minute), until=clock(window.until_minute), days=days
    )
    if window.season_first:
        sentence += "; " + t(
            "from {first} to {last}", first=_shown(window.season_first), last=_shown(window.season_last)
        )
    if window.days_off is not OnDaysOff.ALIKE:
        only = window.days_off is OnDaysOff.ONLY
        sentence += "; " + (t("only on public holidays") if only else t("not on public holidays"))
    return sentence


def _at(form: Mapping[str, list[str]], name: str, row: int) -> str:
    values = form.get(name, [])
    return values[row].strip() if row < len(values) else ""


def _night(since: str, until: str, volume: str) -> NightLevel | None:
    if not since and not until:
        return None
    return NightLevel(
        from_minute=parse_minute_of_day(since) % 1440,
        until_minute=parse_minute_of_day(until) % 1440,
        volume_percent=parse_percent(volume),
    )


def _start(text: str) -> int:
    minute = parse_minute_of_day(text)
    if minute == 1440:
        raise Refusal(N_("A period cannot begin at 24:00. Write 00:00 for the beginning of the day."))
    return minute


def _limit(text: str) -> int | None:
    return parse_minutes(text) if text else None


def _wire_day(text: str) -> str:
    """Turn "15/10" into the wire's "10-15"."""
    if not text:
        return ""
    month, day = parse_month_day(text)
    return f"{month:02}-{day:02}"


def _shown(wire_day: str) -> str:
    """Turn the wire's "10-15" into "15/10"."""
    month, _, day = wire_day.partition("-")
    return f"{int(day)}/{int(month)}" if day else ""

"""Noise rules as a form shows them and sends them, and in words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from noise.noise_rules import check_window
from parsing.days import parse_month_day
from parsing.numbers import parse_percent
from parsing.times import parse_minute_of_day, parse_minutes
from runtime.refusal import N_, Refusal, at_field
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

    hours = [window for row in range(len(form.get("from_time", []))) if (window := _window(form, row)) is not None]
    return SentNoiseRules(
        hours,
        _night(one("night_from"), one("night_until"), one("night_volume")),
        _limit("minutes_a_day", one("minutes_a_day")),
        _limit("minutes_a_week", one("minutes_a_week")),
        one("refuses") == "yes",
    )


def _window(form: Mapping[str, list[str]], row: int) -> AllowedHours | None:
    """One row of the form, None for an empty one. What is refused names the field of this row."""
    since, until = _at(form, "from_time", row), _at(form, "until_time", row)
    if not since and not until:
        return None
    with _in_row(row):
        if not since or not until:
            raise Refusal(N_("Enter both the start and the end, or leave both empty.")).at(
                "until_time" if since else "from_time"
            )
        season = []
        for name in ("season_first", "season_last"):
            with at_field(name):
                season.append(_wire_day(_at(form, name, row)))
        with at_field("from_time"):
            from_minute = _start(since)
        with at_field("until_time"):
            until_minute = parse_minute_of_day(until) or 1440
        days_off = _at(form, "days_off", row)
        window = AllowedHours(
            weekdays=[day for day in _EVERY_DAY if str(day) in form.get(f"weekdays{row}", [])],
            from_minute=from_minute,
            until_minute=until_minute,
            season_first=season[0],
            season_last=season[1],
            days_off=OnDaysOff(days_off) if days_off in list(OnDaysOff) else OnDaysOff.ALIKE,
        )
        check_window(window)
    return window


@contextmanager
def _in_row(row: int) -> Iterator[None]:
    """The days of a row have a name of their own; its other fields have the same name in every row."""
    try:
        yield
    except Refusal as refusal:
        refusal.field = f"weekdays{row}" if refusal.field == "weekdays" else f"{refusal.field}#{row}"
        raise


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
    with at_field("night_from"):
        from_minute = parse_minute_of_day(since) % 1440
    with at_field("night_until"):
        until_minute = parse_minute_of_day(until) % 1440
    with at_field("night_volume"):
        volume_percent = parse_percent(volume)
    return NightLevel(from_minute=from_minute, until_minute=until_minute, volume_percent=volume_percent)


def _start(text: str) -> int:
    minute = parse_minute_of_day(text)
    if minute == 1440:
        raise Refusal(N_("A period cannot begin at 24:00. Write 00:00 for the beginning of the day."))
    return minute


def _limit(field: str, text: str) -> int | None:
    with at_field(field):
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

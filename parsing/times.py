"""Times of day and lengths of time, as Vietnamese offices write them. By the commune's clock: a zone is refused.

A time is never guessed: 17.3 may be 17:03 or 17:30, and is refused.
"""

import re
import unicodedata
from datetime import time

from parsing.names import folded
from parsing.numbers import parse_number
from runtime.refusal import N_, Refusal

_TIME = re.compile(
    r"(?P<hour>[0-9]{1,2})"
    r"(?:\s*(?P<sign>:|h|g|gio|\.)\s*(?:(?P<minute>[0-9]{1,2})(?::(?P<second>[0-9]{2}))?|(?P<half>ruoi))?)?"
    r"\s*(?P<unit>'|p|ph|phut)?\s*(?P<part>sa|ch|am|pm|sang|trua|chieu|toi)?"
)
_FOUR_DIGITS = re.compile(r"[0-9]{4}")
_BETWEEN = re.compile(r"[,;&\n]|\s\+\s|\bva\b|\s{2,}")
#: A blank between two times, and not within one: "5h 30" is one, "5 17" is refused.
_BLANK = re.compile(r"(?<=[0-9hg])\s+(?=[0-9]{1,2}(?::|h|g|\.)|[0-9]{4}(?:\s|$))")
#: "17,05": a list of two hours, or a quarter past five with a comma for a point?
_COMMA_TIME = re.compile(r"(?:^|[\s,;])[0-9]{1,2},[0-9]{1,2}(?=$|[\s,;])")
_RANGE = re.compile(r"\s*(?:-|–|—|den|toi(?=\s*[0-9])|→|to)\s*(?=[0-9])")
_DURATION = re.compile(
    r"(?:(?P<minutes>[0-9]+(?:[.,][0-9]+)?)\s*(?:m|min|p|ph|phut|'))?\s*"
    r"(?:(?P<seconds>[0-9]+(?:[.,][0-9]+)?)\s*(?:s|sec|giay|\"|'')?)?"
)
_MINUTES = re.compile(
    r"(?:(?P<hours>[0-9]+)\s*(?:h|g|gio|:))?\s*(?:(?P<minutes>-?[0-9]+(?:[.,][0-9]+)?)\s*(?:m|min|p|ph|phut|')?)?"
)


def parse_time(text: str) -> time:
    """05:00, 5:00, 17h30, 17g30, 17.30, 5h, 5 giờ rưỡi, 1730, 5 giờ chiều, 05:00:30. Raises Refusal."""
    typed = _plain(text)
    if _FOUR_DIGITS.fullmatch(typed):
        return _time(int(typed[:2]), int(typed[2:]), 0, text)
    match = _TIME.fullmatch(typed)
    if match is None:
        raise _no_time(text)
    if match["minute"] and len(match["minute"]) == 1 and not match["unit"]:
        hour, minute = int(match["hour"]), match["minute"]
        if int(minute) <= 5:
            raise Refusal(
                N_("“{text}” can mean {first} or {second}. Write the minutes with two digits."),
                text=text[:60],
                first=f"{hour}:0{minute}",
                second=f"{hour}:{minute}0",
            )
        raise Refusal(N_("Write the minutes of “{text}” with two digits, for example 17:05."), text=text[:60])
    minute_of_hour = 30 if match["half"] else int(match["minute"] or 0)
    return _time(_hour(int(match["hour"]), match["part"] or "", text), minute_of_hour, int(match["second"] or 0), text)


def parse_times(text: str, *, ranges: bool = False, four_digits: bool = True) -> list[time]:
    """Several times in one field, sorted, each once.

    ranges: whether "05:00–05:30" stands for its start, as in an office's table. four_digits: whether 1730 is a time;
    in a table it may as well be a year or a code. Raises Refusal.
    """
    typed = _plain(text)
    if _COMMA_TIME.search(typed):
        raise Refusal(
            N_("“{text}” can be one time or several. Write 17:05, or 17:00, 05:00 with a space after the comma."),
            text=text[:60],
        )
    times = set()
    for part in _BETWEEN.split(typed):
        for piece in _BLANK.split(part.strip()):
            start = _RANGE.split(piece)[0].strip() if ranges else piece
            if not start:
                continue
            if not four_digits and _FOUR_DIGITS.fullmatch(start):
                raise _no_time(text)
            times.add(parse_time(start))
    if not times:
        raise Refusal(N_("A time is missing here. Write it as 05:00 or 17h30."))
    return sorted(times)


def parse_minute_of_day(text: str) -> int:
    """Minutes since midnight, to the whole minute; 24:00 is 1440. Raises Refusal."""
    if re.fullmatch(r"24(?:\s*(?::|h|g|gio|\.)\s*(?:00)?)?|2400", _plain(text)):
        return 1440
    at = parse_time(text)
    if at.second:
        raise Refusal(N_("“{text}” is no time of day. Write it as 05:00 or 17h30."), text=text[:60])
    return at.hour * 60 + at.minute


def parse_seconds(text: str) -> float:
    """A length of time: "2,5", "2.5 giây", "1 phút", "1 phút 30 giây". Raises Refusal."""
    match = _DURATION.fullmatch(_plain(text))
    if match is None or not (match["minutes"] or match["seconds"]):
        raise Refusal(
            N_("“{text}” is no length of time. Write the seconds as a number, for example 2,5."), text=text[:60]
        )
    return 60 * _amount(match["minutes"]) + _amount(match["seconds"])


def parse_minutes(text: str) -> int:
    """A length of time in whole minutes: "90", "90 phút", "1 giờ 30", "1h30". Raises Refusal."""
    match = _MINUTES.fullmatch(_plain(text))
    if match is None or not (match["hours"] or match["minutes"]) or len(_plain(text)) > 20:
        raise Refusal(N_("Enter the minutes as a number, or leave the field empty."))
    minutes = 60 * _amount(match["hours"]) + _amount(match["minutes"])
    if minutes != round(minutes):
        raise Refusal(N_("Enter the minutes as a number, or leave the field empty."))
    return round(minutes)


def _amount(text: str | None) -> float:
    return parse_number(text) if text else 0


def _plain(text: str) -> str:
    """Folded, with ASCII digits only: `folded` leaves other digits, and those match no pattern."""
    return folded(unicodedata.normalize("NFC", text)).replace("’", "'").strip(" \t\r\n.\xa0")


def _hour(hour: int, part: str, text: str) -> int:
    if part in ("sa", "am", "sang"):
        if hour > 12 or (hour == 12 and part == "sang"):
            raise _no_time(text)
        return hour % 12
    if part == "toi" and hour == 12:  # noon or midnight?
        raise _no_time(text)
    if part in ("ch", "pm", "chieu", "toi") or (part == "trua" and hour < 10):
        return hour + 12 if hour < 12 else hour
    return hour


def _time(hour: int, minute: int, second: int, text: str) -> time:
    try:
        return time(hour, minute, second)
    except ValueError:
        raise _no_time(text) from None


def _no_time(text: str) -> Refusal:
    if re.search(r"[0-9]\s*(?:z\b|\+\s*[0-9]{1,2}|-\s*[0-9]{2}:?[0-9]{2}$|utc|gmt)", folded(text)):
        return Refusal(N_("Times are by the commune's clock. Write “{text}” without a time zone."), text=text[:60])
    return Refusal(N_("“{text}” is no time of day. Write it as 05:00 or 17h30."), text=text[:60])

"""Days as people type them, day before month: 25/11/2026. The day of a wall calendar, in no zone."""

import re
from datetime import date

from parsing.names import folded
from runtime.refusal import N_, Refusal

#: A day outside is a slip of the finger; years at the ends of the calendar cannot be counted on from.
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
#: A year of two digits below this is more likely a day in the wrong place (26/12/02).
_LEAST_SHORT_YEAR = 20
_LOCAL = re.compile(r"(?P<day>[0-9]{1,2})[/.\- ](?P<month>[0-9]{1,2})[/.\- ](?P<year>[0-9]{4}|[0-9]{2})")
_ISO = re.compile(r"(?P<year>[0-9]{4})[/.\-](?P<month>[0-9]{1,2})[/.\-](?P<day>[0-9]{1,2})")
_WORDS = re.compile(r"(?:ngay )?(?P<day>[0-9]{1,2}) thang (?P<month>[0-9]{1,2}) nam (?P<year>[0-9]{4})")
_MIDNIGHT = re.compile(r"[t ]\s*00?:00(?::00)?$")
_MONTH_DAY = re.compile(r"(?:ngay )?(?P<day>[0-9]{1,2})(?:\s*[/.\-]\s*| thang )(?P<month>[0-9]{1,2})")
_LAST = ("cuoi", "ngay cuoi", "cuoi thang", "ngay cuoi thang", "last", "-1")


def parse_day(text: str, *, short_year: bool = True) -> date:
    """25/11/2026, 25-11-2026, 25.11.2026, 2/12/26, 2026-11-25, ngày 25 tháng 11 năm 2026. Raises Refusal.

    short_year: whether 26 is 2026. Not in a table: a program set to American English exports 2 December as 12/2/26.
    """
    typed = _MIDNIGHT.sub("", " ".join(folded(text).split()))
    match = _LOCAL.fullmatch(typed) or _ISO.fullmatch(typed) or _WORDS.fullmatch(typed)
    if match is None:
        raise _no_day(text)
    year = int(match["year"])
    if len(match["year"]) == 2:
        if not short_year or year < _LEAST_SHORT_YEAR:
            raise Refusal(N_("Write the year of “{text}” with four digits, as in 25/11/2026."), text=text[:60])
        year += 2000
    try:
        day = date(year, int(match["month"]), int(match["day"]))
    except ValueError:
        raise _no_day(text) from None
    if not EARLIEST <= day <= LATEST:
        raise Refusal(N_("The year of “{text}” must be between 2000 and 2099."), text=text[:60])
    return day


def parse_days(text: str) -> list[date]:
    """Single days with commas, semicolons, lines or spaces between, sorted, each once. Raises Refusal."""
    days = set[date]()
    for part in filter(str.strip, re.split(r"[,;\n]", text)):
        words = [part] if _is_day(part) else part.split()
        days.update(parse_day(word) for word in words)
    return sorted(days)


def parse_month_day(text: str) -> tuple[int, int]:
    """ "15/10" as (10, 15). 29/2 is a day. Raises Refusal."""
    match = _MONTH_DAY.fullmatch(" ".join(folded(text).split()))
    if match is None:
        raise Refusal(N_("Enter the first and last day of the season as 15/10."))
    try:
        day = date(2024, int(match["month"]), int(match["day"]))  # a leap year
    except ValueError:
        raise Refusal(N_("The first or last day of a season does not exist. Write days as 15/10.")) from None
    return day.month, day.day


def parse_month_days(text: str) -> list[int]:
    """ "1, 15, cuối" as [1, 15, -1]. Raises Refusal."""
    days = []
    for part in re.split(r"[,;\n]|\bva\b", " ".join(folded(text).split())):
        for word in [part.strip()] if part.strip() in _LAST else part.replace("ngay cuoi", "cuoi").split():
            if word in _LAST:
                days.append(-1)
            elif re.fullmatch(r"[0-9]{1,2}", word) and 1 <= int(word) <= 31:
                days.append(int(word))
            elif word != "ngay":
                raise Refusal(
                    N_("“{word}” is no day of the month. Write 1 to 31, or cuối for the last day."), word=word[:60]
                )
    return days


def _is_day(text: str) -> bool:
    typed = " ".join(folded(text).split())
    return bool(_LOCAL.fullmatch(typed) or _WORDS.fullmatch(typed))


def _no_day(text: str) -> Refusal:
    if not re.search("[0-9]", text):
        return Refusal(N_("“{word}” is not a date. Enter dates as 02/09/2026, separated by commas."), word=text[:60])
    return Refusal(N_("“{text}” is no day that exists. Write it as 25/11/2026."), text=text[:60])

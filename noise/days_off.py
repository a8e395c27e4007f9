"""Days off: Vietnam's public holidays with Tết and the government's swapped days. The only home of `holidays`."""

from datetime import date, timedelta
from functools import lru_cache

import holidays

#: The day of the lunar new year is called so by the library in Vietnamese; no lunar arithmetic of our own.
_TET = "Tết Nguyên Đán"
#: Tết is what people call the days from the eve on: from one day before to so many after the first.
_TET_BEFORE, _TET_AFTER = 1, 4


@lru_cache(maxsize=64)
def days_off(year: int) -> dict[date, str]:
    """Public holidays of a year and the days off beside them, by date, with their Vietnamese names.

    Beyond what the government has announced, swapped days are unknown and missing.
    """
    return dict(sorted(holidays.country_holidays("VN", years=year, language="vi").items()))


def day_off(day: date) -> str:
    """The name of the public holiday on a day, "" when it is none."""
    return days_off(day.year).get(day, "")


@lru_cache(maxsize=256)
def tet(year: int) -> date:
    """The first day of the lunar new year that falls into a year. Raises LookupError when the library knows none."""
    for day, name in days_off(year).items():
        if name == _TET:
            return day
    raise LookupError(f"no {_TET} is known for {year}")


def is_tet(day: date) -> bool:
    """Whether a day belongs to Tết: from the eve to the fifth day."""
    first = tet(day.year)
    return first - timedelta(days=_TET_BEFORE) <= day <= first + timedelta(days=_TET_AFTER)

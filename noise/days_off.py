"""Days off: Vietnam's public holidays with Tết and the announced substitute days. The only home of `holidays`."""

from datetime import date, timedelta
from functools import lru_cache

#: The library's Vietnamese name of the lunar new year's day.
_TET = "Tết Nguyên Đán"
#: Tết counts from the eve to this many days after the first day.
_TET_BEFORE, _TET_AFTER = 1, 4


@lru_cache(maxsize=64)
def days_off(year: int) -> dict[date, str]:
    """Public holidays and substitute days off of a year, by date, with their Vietnamese names.

    Substitute days that the government has not announced yet are missing.
    """
    import holidays  # noqa: PLC0415 - 0.2 s, so that the page answers before it is needed

    return dict(sorted(holidays.country_holidays("VN", years=year, language="vi").items()))


def day_off(day: date) -> str:
    """The name of the public holiday, "" when it is none."""
    return days_off(day.year).get(day, "")


@lru_cache(maxsize=256)
def tet(year: int) -> date:
    """The first day of the lunar new year in a year. Raises LookupError when the library has none."""
    for day, name in days_off(year).items():
        if name == _TET:
            return day
    raise LookupError(f"no {_TET} is known for {year}")


def is_tet(day: date) -> bool:
    """From the eve to the fifth day."""
    first = tet(day.year)
    return first - timedelta(days=_TET_BEFORE) <= day <= first + timedelta(days=_TET_AFTER)

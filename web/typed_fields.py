"""Kinds of fields that routes take, each read by `parsing`: a form, an address and JSON refuse in the same words.

A plain `int` or `float` parameter takes NaN, infinity and numbers that no database row can hold.
"""

from datetime import date, time
from typing import Annotated, Any

from pydantic import BeforeValidator

from parsing.days import parse_day
from parsing.numbers import MOST_INTEGER, parse_number, parse_whole, row_number
from parsing.times import parse_seconds, parse_time
from runtime.refusal import N_, NotFound, Refusal


def _row_id(value: Any) -> int:
    number = None if isinstance(value, bool) else row_number(str(value))
    if number is None:
        raise NotFound(N_("What this request names does not exist. Reload the page."))
    return number


def _count(value: Any) -> int:
    """Beyond the ends stands the last that there can be."""
    try:
        return min(max(0, int(value)), MOST_INTEGER)
    except (ValueError, TypeError, OverflowError):
        return 0


def _text(value: Any) -> str:
    """JSON numbers stay numbers; everything else must be text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Refusal(N_("“{text}” is no number."), text=str(value)[:60])
    return value if isinstance(value, str) else f"{value:.9f}" if isinstance(value, float) else str(value)


def _time(value: Any) -> time:
    if not isinstance(value, str):
        raise Refusal(N_("“{text}” is no time of day. Write it as 05:00 or 17h30."), text=str(value)[:60])
    return parse_time(value)


def _day(value: Any) -> date:
    if not isinstance(value, str):
        raise Refusal(N_("“{text}” is no day that exists. Write it as 25/11/2026."), text=str(value)[:60])
    return parse_day(value)


#: The id of a row, in an address or a hidden field.
RowId = Annotated[int, BeforeValidator(_row_id)]
#: A page of a list, an offset, a limit.
Count = Annotated[int, BeforeValidator(_count)]
#: What people type.
Whole = Annotated[int, BeforeValidator(lambda value: parse_whole(_text(value)))]
Decimal = Annotated[float, BeforeValidator(lambda value: parse_number(_text(value)))]
Degrees = Annotated[float, BeforeValidator(lambda value: parse_number(_text(value), three_decimals=True))]
Seconds = Annotated[float, BeforeValidator(lambda value: parse_seconds(_text(value)))]
TimeOfDay = Annotated[time, BeforeValidator(_time)]
Day = Annotated[date, BeforeValidator(_day)]

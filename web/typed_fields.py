"""Kinds of fields that routes take, each read by `parsing`: a form, an address and JSON refuse in the same words.

A plain `int` or `float` parameter takes NaN, infinity and numbers that no database row can hold.
"""

from collections.abc import Callable, Sequence
from datetime import date, time
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from parsing.days import parse_day
from parsing.numbers import MOST_INTEGER, parse_number, parse_whole, row_number
from parsing.times import parse_seconds, parse_time
from runtime.refusal import N_, NotFound, Refusal

#: In an error of the validator: the refusal that it carries.
_REFUSAL = "refusal"
EMPTY = N_("Fill in this field.")


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


def _typed(parse: Callable[[Any], Any]) -> BeforeValidator:
    """The refusal travels inside the validator's error, which names the field (`refusal_in`)."""

    def read(value: Any) -> Any:
        try:
            return parse(value)
        except Refusal as refusal:
            raise PydanticCustomError("refused", "refused", {_REFUSAL: refusal}) from refusal

    return BeforeValidator(read)


def refusal_in(errors: Sequence[Any]) -> Refusal | None:
    """What the first of a request's wrong fields says, naming the field. None where nothing is wrong with a field."""
    for error in errors:
        refusal = error.get("ctx", {}).get(_REFUSAL)
        if isinstance(refusal, Refusal):
            return refusal.at(str(error["loc"][-1]))
    for error in errors:
        if error["loc"][0] == "body" and len(error["loc"]) > 1 and error["type"] == "missing":
            return Refusal(EMPTY).at(str(error["loc"][-1]))
    return None


#: The id of a row, in an address or a hidden field.
RowId = Annotated[int, _typed(_row_id)]
#: A page of a list, an offset, a limit.
Count = Annotated[int, BeforeValidator(_count)]
#: What people type.
Whole = Annotated[int, _typed(lambda value: parse_whole(_text(value)))]
Decimal = Annotated[float, _typed(lambda value: parse_number(_text(value)))]
Degrees = Annotated[float, _typed(lambda value: parse_number(_text(value), three_decimals=True))]
Seconds = Annotated[float, _typed(lambda value: parse_seconds(_text(value)))]
TimeOfDay = Annotated[time, _typed(_time)]
Day = Annotated[date, _typed(_day)]

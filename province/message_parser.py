"""Reads what a province sends. Numbers written as text, and text written as numbers, are converted.

Anything else that is wrong raises `Unacceptable` with the path of the field.
"""

import re
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from province.codes import RefusalCode, Unacceptable
from province.messages import ProvinceMessage
from runtime.refusal import N_

M = TypeVar("M", bound=ProvinceMessage)

#: A message with its audio's address and some days of times is a few kB; this is for a year of them.
MOST_BYTES = 1_000_000
_MISSING = re.compile(r"missing required field `(?P<field>[^`]+)`(?: - at `\$(?P<at>[^`]*)`)?")
_WRONG = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`(?: - at `\$(?P<at>[^`]*)`)?")
_WHOLE = re.compile(r"\s*-?\d{1,18}\s*")


def parsed(payload: bytes) -> dict[str, Any]:
    """The object of a JSON text. Raises Unacceptable."""
    if len(payload) > MOST_BYTES:
        raise Unacceptable(
            RefusalCode.UNREADABLE, N_("The message is larger than {most} kB. Divide it."), most=MOST_BYTES // 1000
        )
    try:
        content = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unacceptable(RefusalCode.UNREADABLE, N_("The message is no JSON. Send a JSON object in UTF-8.")) from None
    if not isinstance(content, dict):
        raise Unacceptable(
            RefusalCode.UNREADABLE, N_("The message is no JSON object. Send an object with named fields.")
        )
    return content


def read(kind: type[M], raw: Any) -> M:
    """A message of this kind. raw: with our field names, as `Profile.to_ours` gives it. Raises Unacceptable."""
    if not isinstance(raw, dict):
        raise Unacceptable(
            RefusalCode.UNREADABLE, N_("The message is no JSON object. Send an object with named fields.")
        )
    try:
        return msgspec.convert(_converted(raw, kind), kind)
    except msgspec.ValidationError as error:
        raise _named(str(error)) from None


def _converted(value: Any, kind: Any) -> Any:
    """The same, with text for numbers and numbers for text as the kind wants them; what else is wrong stays so."""
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if float(value).is_integer() else str(value)
    if kind is int and isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if get_origin(kind) is list and isinstance(value, list):
        return [_converted(item, get_args(kind)[0]) for item in value]
    if isinstance(kind, type) and issubclass(kind, ProvinceMessage) and isinstance(value, dict):
        fields = {field.name: field for field in msgspec.structs.fields(kind)}
        return {
            name: _converted(item, fields[name].type) if name in fields else item
            for name, item in value.items()
            # null is "left out" to most of them, where it may be left out.
            if item is not None or (name in fields and fields[name].required)
        }
    return value


def _named(reason: str) -> Unacceptable:
    if missing := _MISSING.search(reason):
        where = f"{(missing['at'] or '').lstrip('.')}.{missing['field']}".lstrip(".")
        return Unacceptable(RefusalCode.MISSING_FIELD, N_("The message lacks the field {field}."), field=where)
    wrong = _WRONG.search(reason)
    if wrong is None:
        return Unacceptable(RefusalCode.UNREADABLE, N_("The message cannot be read: {said}"), said=reason)
    return Unacceptable(
        RefusalCode.WRONG_TYPE,
        N_("The field {field} is of the wrong kind: {wanted} is wanted, {got} came."),
        field=(wrong["at"] or "").lstrip(".") or "$",
        wanted=wrong["wanted"],
        got=wrong["got"],
    )

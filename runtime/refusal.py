"""Refusals: what is said to people when something they asked for cannot be done."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self


class Refusal(Exception):
    """A sentence for people: what happened, why, and what to do. Raised for bad input, never for our own faults.

    message_id: the sentence in English with {names} in it, marked with `N_`; the page translates it. values: for the
    names. `str()` is the English sentence. field: the form's field that it is about, "" for none or not known.
    """

    field = ""

    def __init__(self, message_id: str, **values: object) -> None:
        super().__init__(message_id)
        self.message_id = message_id
        self.values = values

    def __str__(self) -> str:
        return self.message_id.format(**self.values)

    def at(self, field: str) -> Self:
        """Name the field, unless it was named nearer to the fault."""
        self.field = self.field or field
        return self


class NotFound(Refusal):
    """What was asked for is not there (any more)."""


@contextmanager
def at_field(field: str) -> Iterator[None]:
    """Whatever is refused inside is about this field of a form."""
    try:
        yield
    except Refusal as refusal:
        refusal.at(field)
        raise


def N_(message_id: str) -> str:
    """Marks a sentence for translation; gives it back as it is."""
    return message_id


def as_text(refusal: Refusal) -> str:
    """A refusal as a table keeps it: JSON of message id and values."""
    return json.dumps({"message_id": refusal.message_id, "values": {k: _plain(v) for k, v in refusal.values.items()}})


def from_text(text: str) -> Refusal | None:
    """The refusal that `as_text` wrote, None for nothing, or for what it did not write."""
    try:
        content = json.loads(text)
        return Refusal(content["message_id"], **content["values"])
    except (ValueError, TypeError, KeyError):
        return None


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)

"""What every message shares: how it is written and read, and the fields that every sealed message has."""

from typing import TypeVar

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A JSON document. Fields unknown to the reader are passed over, so that a newer writer can be met politely."""


class Sealed(Message, frozen=True, kw_only=True):
    """The fields of every sealed message.

    to: who it is meant for, `c/<commune>` or `r/<receiver>` (from a receiver: `controller`).
    revision: only grows, for one topic; a receiver refuses what is not newer than what it holds.
    issued_at_us, expires_at_us: controller time, UTC microseconds since 1970.
    """

    to: str
    revision: int
    issued_at_us: int
    expires_at_us: int


CONTROLLER = "controller"

M = TypeVar("M", bound=Message)


def for_commune(commune: str) -> str:
    """The `to` of a message for every receiver of a commune."""
    return f"c/{commune}"


def for_receiver(receiver: str) -> str:
    """The `to` of a message for one receiver."""
    return f"r/{receiver}"


def encode(message: Message) -> bytes:
    """The JSON of a message."""
    return msgspec.json.encode(message)


def decode(payload: bytes, kind: type[M]) -> M:
    """Read a message. Raises `msgspec.DecodeError` (its subclass `ValidationError` for a wrong shape)."""
    try:
        return msgspec.json.decode(payload, type=kind)
    except RecursionError:
        raise msgspec.DecodeError("nested without end") from None

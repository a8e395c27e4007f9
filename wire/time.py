"""The time exchange: four instants, two clocks.

A receiver asks with a nonce and its own instant; the controller answers with the two instants at which it heard and
told. As in NTP (RFC 5905 §8): offset = ((t2 − t1) + (t3 − t4)) / 2, delay = (t4 − t1) − (t3 − t2).
"""

from typing import Annotated, NamedTuple

from msgspec import Meta

from wire.messages import Message, Sealed


class TimeAsk(Message, frozen=True, kw_only=True):
    """receiver → controller. nonce: 16 to 32 hex digits, new for each ask. asked_local_us: its own clock, echoed."""

    nonce: Annotated[str, Meta(pattern=r"^[0-9a-f]{16,32}$")]
    asked_local_us: int


class TimeTell(Sealed, frozen=True, kw_only=True, tag="time_tell", tag_field="type"):
    """controller → the asker. heard_at_us, told_at_us: controller time at which the ask came and the answer left."""

    nonce: str
    asked_local_us: int
    heard_at_us: int
    told_at_us: int


class Exchange(NamedTuple):
    """One exchange seen from the receiver: offset_us = controller less local; delay_us = on the way, there and back."""

    local_us: int
    offset_us: float
    delay_us: int


def exchange(tell: TimeTell, answered_local_us: int) -> Exchange:
    """What one answer says, `answered_local_us` being the asker's clock at its arrival; `local_us` is the middle."""
    t1, t2, t3, t4 = tell.asked_local_us, tell.heard_at_us, tell.told_at_us, answered_local_us
    return Exchange((t1 + t4) // 2, ((t2 - t1) + (t3 - t4)) / 2, (t4 - t1) - (t3 - t2))

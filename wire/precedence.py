"""Precedence: which of two broadcasts sounds when both want the same receiver at the same time.

The higher class, then the higher precedence, then the later start, then the larger id. The controller's pages, the
plan and the receiver all call this function; none of them may order broadcasts in another way.
"""

from typing import NamedTuple

from wire.broadcasts import RANK, BroadcastClass


class Precedence(NamedTuple):
    """Compares as a tuple: the larger one sounds."""

    rank: int
    precedence: int
    starts_at_us: int
    broadcast: str


def precedence_of(class_: BroadcastClass, precedence: int, starts_at_us: int, broadcast: str) -> Precedence:
    """starts_at_us: controller time as announced, without a receiver's own shift. broadcast: its id."""
    return Precedence(RANK[class_], precedence, starts_at_us, broadcast)

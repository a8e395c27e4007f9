"""Precedence: which of two broadcasts sounds when both want the same receiver at the same time.

An emergency, then who speaks live, then a priority recording, then a normal one, then a relay of another station: a
bulletin within a relayed hour is heard, and the relay goes on where it then is. Among equals the larger precedence,
then the later start, then the larger id. What no broadcast fills is silence; a recording that stands in for one that
cannot be played has the rank of what it stands in for. The controller's pages, the plan and the receiver all call this
function; none of them may order broadcasts in another way.
"""

from typing import NamedTuple

from wire.broadcasts import BroadcastClass, SoundSource

_EMERGENCY, _LIVE, _PRIORITY, _NORMAL, _RELAY = 5, 4, 3, 2, 1


class Precedence(NamedTuple):
    """Compares as a tuple: the larger one sounds."""

    rank: int
    precedence: int
    starts_at_us: int
    broadcast: str


def precedence_of(
    class_: BroadcastClass, source: SoundSource, precedence: int, starts_at_us: int, broadcast: str
) -> Precedence:
    """starts_at_us: controller time as announced, without a receiver's own shift. broadcast: its id."""
    return Precedence(_rank(class_, source), precedence, starts_at_us, broadcast)


def _rank(class_: BroadcastClass, source: SoundSource) -> int:
    if class_ is BroadcastClass.EMERGENCY:
        return _EMERGENCY
    if source is SoundSource.LIVE:
        return _LIVE
    if class_ is BroadcastClass.PRIORITY:
        return _PRIORITY
    return _RELAY if source is SoundSource.RELAY else _NORMAL

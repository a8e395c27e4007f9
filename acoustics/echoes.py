"""Acoustics: which horns are heard together somewhere, and how far apart in time their sound arrives there.

The model is the open field: two horns of one loudness that sound at one instant, each heard as far as its reach, its
level falling by 6 dB with each doubling of the distance. A listener `a` metres from the nearer and `b` metres from the
farther horn hears the second sound (b - a) / 343 m/s late and 20 lg(b / a) dB softer. It is heard as a second voice if

- it comes more than 50 ms after the first (H. Haas, "Über den Einfluss eines Einfachechos auf die Hörsamkeit von
  Sprache", Acustica 1 (1951) 49; in English JAES 20 (1972) 146), and
- it is at most 10 dB softer (there too: an echo 10 dB below the first sound disturbs few, however late it is).

Directions of horns, walls, wind and temperature are left out: what is told is where to go and listen, not what is
heard there. Pure.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from devices.positions import Position, position_of
from devices.receivers import Receiver

#: In dry air of 20 °C; 3 % more at 35 °C, which is less than a position is off.
SPEED_OF_SOUND_M_S = 343.0
#: A second sound of a voice that comes later than this is heard as a second voice.
HEARD_AS_TWO_MS = 50.0
#: A later sound that is softer by more than this is covered by the first.
ECHO_WITHIN_DB = 10.0
#: How far a horn is understood: 30 W into 108 dB/W/m give 123 dB at 1 m; 400 m take 52 dB, air and ground some 10 dB;
#: what is left is 15 dB above the 45 dB of a village morning.
REACH_M = 400.0
#: How much farther the farther horn may be to be as loud as that.
_MOST_RATIO = 10 ** (ECHO_WITHIN_DB / 20)
#: Degrees of latitude in a metre, a little too many: for leaving out early what is far away.
_DEGREES_PER_M = 1 / 110_000


class EchoPair(NamedTuple):
    """Two horns that are heard as a double voice at some place. difference_ms: the largest there.

    one, other: receiver ids.
    """

    one: str
    other: str
    distance_m: float
    difference_ms: float


def distance_m(a: Position, b: Position) -> float:
    """Metres over ground, by the haversine formula; on a sphere, so accurate to 0.6 %."""
    from haversine import Unit, haversine  # noqa: PLC0415 - brings numpy: 12 MB, where nothing is on a map

    return float(haversine(a, b, unit=Unit.METERS))


def travel_ms(distance_m: float) -> float:
    return distance_m / SPEED_OF_SOUND_M_S * 1000


def heard_together(distance_m: float, reach_m: float = REACH_M) -> bool:
    """Whether the circles of reach of two horns overlap."""
    return distance_m < 2 * reach_m


def difference_ms(distance_m: float, reach_m: float = REACH_M) -> float:
    """The most by which the sounds of two horns arrive apart, over all places that hear both within `ECHO_WITHIN_DB`.

    The places are those with b ≤ reach, b ≤ k·a (k = 10^(dB/20)) and, as in any triangle, b - a ≤ distance ≤ a + b.
    The most of b - a is therefore: the distance itself, behind the nearer horn, when there b = k/(k - 1)·distance is
    within reach; else reach·(1 - 1/k), at the edge of the reach; and for horns so far apart that b = reach needs a
    greater `a`, what is left on the line between them, 2·reach - distance. 0 for horns that no place hears together.
    """
    at_the_edge_m = reach_m * (1 - 1 / _MOST_RATIO)
    return travel_ms(max(0.0, min(distance_m, at_the_edge_m, 2 * reach_m - distance_m)))


def echo_pairs(horns: Mapping[str, Position], reach_m: float = REACH_M) -> list[EchoPair]:
    """Pairs that are heard as a double voice somewhere, by distance alone: largest difference first, then nearest."""
    pairs = []
    northward = sorted(horns.items(), key=lambda horn: (horn[1].latitude_deg, horn[0]))
    span_deg = 2 * reach_m * _DEGREES_PER_M
    for k, (one, one_position) in enumerate(northward):
        for other, other_position in northward[k + 1 :]:
            if other_position.latitude_deg - one_position.latitude_deg > span_deg:
                break
            apart_m = distance_m(one_position, other_position)
            late_ms = difference_ms(apart_m, reach_m)
            if late_ms > HEARD_AS_TWO_MS:
                pairs.append(EchoPair(min(one, other), max(one, other), apart_m, late_ms))
    return sorted(pairs, key=lambda pair: (-round(pair.difference_ms), pair.distance_m, pair.one, pair.other))


def echo_pairs_of(receivers: Sequence[Receiver], reach_m: float) -> list[EchoPair]:
    """The pairs among the receivers that stand on the map."""
    positions = {receiver.id: at for receiver in receivers if (at := position_of(receiver)) is not None}
    return echo_pairs(positions, reach_m)

"""Modes: how a broadcast is spread in time over its receivers: in step, aligned by distance, or in turn.

*In step*: every horn sounds at one instant. *Aligned*: at a chosen point all arrive at once; the farthest horn begins,
a nearer one sounds later by what its sound needs less, (d_max − d) / 343 m/s. *Staggered*: zones whose horns are heard
together somewhere never sound at once; the programme sounds in turn, group after group.

The turns are a colouring of the graph of such zones, found by saturation: next comes the zone whose neighbours have
most turns already, of those the one with most neighbours, and it gets the first turn that is free (DSATUR: D. Brélaz,
"New methods to color the vertices of a graph", Comm. ACM 22 (1979) 251). Exact for the trees and rings that villages
along a road make; never more turns than a zone has neighbours, and one. The rules are pure.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec
from sqlmodel import Session

from acoustics.echoes import REACH_M, distance_m, heard_together, travel_ms
from devices.positions import Position, check_position, position_of
from devices.receivers import receivers
from devices.zones import zones, zones_of_all
from runtime.refusal import N_, Refusal
from wire.broadcasts import Targets

MOST_GAP_S = 600
#: A horn farther than this from the place is not aligned for it: its sound would be a minute on its way.
MOST_DISTANCE_M = 20_000.0


class Mode(StrEnum):
    """See the module."""

    IN_STEP = "in_step"
    ALIGNED = "aligned"
    STAGGERED = "staggered"


class Spread(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mode with what belongs to it. latitude_deg, longitude_deg: the point, of ALIGNED. gap_s: between turns."""

    mode: Mode = Mode.IN_STEP
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    gap_s: int = 5

    @property
    def point(self) -> Position | None:
        """The place at which all arrive at once."""
        if self.latitude_deg is None or self.longitude_deg is None:
            return None
        return Position(self.latitude_deg, self.longitude_deg)

    def check(self) -> "Spread":
        """Itself, without what does not belong to its mode. Raises Refusal."""
        if self.mode is Mode.IN_STEP:
            return IN_STEP
        if self.mode is Mode.STAGGERED:
            if not 0 <= self.gap_s <= MOST_GAP_S:
                raise Refusal(N_("The pause between two turns is between 0 and {most} s."), most=MOST_GAP_S)
            return Spread(mode=self.mode, gap_s=self.gap_s)
        if self.point is None:
            raise Refusal(N_("Choose the place at which all shall be heard at once."))
        latitude_deg, longitude_deg = check_position(self.point)
        return Spread(mode=self.mode, latitude_deg=latitude_deg, longitude_deg=longitude_deg)


IN_STEP = Spread()


class Horn(NamedTuple):
    """A receiver that a broadcast means. zone: it sounds with; its own id where it is in none."""

    receiver_id: str
    zone: str
    position: Position | None


class Shifts(NamedTuple):
    """What comes of a spread. by_receiver: µs after the start, none where 0. turns: zones, or receivers in none."""

    by_receiver: Mapping[str, int]
    turns: Sequence[Sequence[str]] = ()

    @property
    def most_us(self) -> int:
        """Of the one that begins last."""
        return max(self.by_receiver.values(), default=0)


NO_SHIFTS = Shifts({})


def shifts_of(spread: Spread, horns: Sequence[Horn], length_us: int, reach_m: float = REACH_M) -> Shifts:
    """When each horn begins. length_us: of what sounds."""
    if spread.mode is Mode.ALIGNED and spread.point is not None:
        return _aligned(spread.point, horns)
    if spread.mode is Mode.STAGGERED:
        step_us = length_us + spread.gap_s * 1_000_000
        turn_of = turns(horns, reach_m)
        count = max(turn_of.values(), default=-1) + 1
        return Shifts(
            {h.receiver_id: turn_of[h.zone] * step_us for h in horns if turn_of[h.zone]},
            [sorted(zone for zone, turn in turn_of.items() if turn == k) for k in range(count)],
        )
    return NO_SHIFTS


def turns(horns: Sequence[Horn], reach_m: float = REACH_M) -> dict[str, int]:
    """The turn of each zone, from 0. A zone with a horn that is not on the map is taken to be heard everywhere."""
    places: dict[str, list[Position | None]] = {}
    for horn in sorted(horns):
        places.setdefault(horn.zone, []).append(horn.position)
    neighbours: dict[str, set[str]] = {zone: set() for zone in places}
    for zone in places:
        for other in places:
            if zone < other and _heard_together(places[zone], places[other], reach_m):
                neighbours[zone].add(other)
                neighbours[other].add(zone)
    found: dict[str, int] = {}
    while len(found) < len(places):
        zone = max(
            (one for one in sorted(places) if one not in found),
            key=lambda one: (len({found[n] for n in neighbours[one] if n in found}), len(neighbours[one])),
        )
        taken = {found[n] for n in neighbours[zone] if n in found}
        found[zone] = next(turn for turn in range(len(places)) if turn not in taken)
    return found


class Spreading:
    """The horns of one commune, looked up once, for as many spreads as one likes."""

    def __init__(self, session: Session, commune_id: str, reach_m: float = REACH_M) -> None:
        self._session, self._commune_id, self._reach_m = session, commune_id, reach_m
        self._horns: list[tuple[Horn, list[str]]] | None = None
        self._known: dict[tuple[object, ...], Shifts] = {}

    def shifts(self, spread: Spread, targets: Targets, length_us: int) -> Shifts:
        """When each receiver that is meant begins."""
        if spread.mode is Mode.IN_STEP:
            return NO_SHIFTS
        key = (spread, targets.all, *targets.zones, None, *targets.receivers, length_us)
        if key not in self._known:
            meant = [horn for horn, in_zones in self._all() if targets.include(horn.receiver_id, in_zones)]
            self._known[key] = shifts_of(spread, meant, length_us, self._reach_m)
        return self._known[key]

    def total_length(self, spread: Spread, targets: Targets, length: timedelta) -> timedelta:
        """From the first sample anywhere to the last."""
        length_us = length // timedelta(microseconds=1)
        return length + timedelta(microseconds=self.shifts(spread, targets, length_us).most_us)

    def turn_names(self, shifts: Shifts) -> list[list[str]]:
        """The turns, as people call the zones and receivers in them."""
        named = {z.id: z.name for z in zones(self._session, self._commune_id)}
        named |= {r.id: r.name for r in receivers(self._session, self._commune_id) if r.id not in named}
        return [[named.get(one, one) for one in turn] for turn in shifts.turns]

    def _all(self) -> list[tuple[Horn, list[str]]]:
        if self._horns is None:
            known = receivers(self._session, self._commune_id)
            member_of = zones_of_all(self._session, [r.id for r in known])
            self._horns = [
                (Horn(r.id, min(member_of[r.id], default=r.id), position_of(r)), member_of[r.id]) for r in known
            ]
        return self._horns


def encode_spread(spread: Spread) -> str | None:
    """As a table keeps it: None for in step."""
    return None if spread.mode is Mode.IN_STEP else msgspec.json.encode(spread).decode()


def decode_spread(kept: str | None) -> Spread:
    """What `spread_kept` gave."""
    return IN_STEP if kept is None else msgspec.json.decode(kept, type=Spread)


def _aligned(point: Position, horns: Sequence[Horn]) -> Shifts:
    """A horn that is not on the map, or far away, begins with the farthest of the others."""
    away_m = {
        h.receiver_id: metres
        for h in horns
        if h.position is not None and (metres := distance_m(h.position, point)) <= MOST_DISTANCE_M
    }
    farthest_m = max(away_m.values(), default=0.0)
    later = {one: round(travel_ms(farthest_m - metres) * 1000) for one, metres in away_m.items()}
    return Shifts({one: us for one, us in later.items() if us})


def _heard_together(some: Sequence[Position | None], others: Sequence[Position | None], reach_m: float) -> bool:
    return any(a is None or b is None or heard_together(distance_m(a, b), reach_m) for a in some for b in others)

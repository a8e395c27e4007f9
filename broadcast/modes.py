"""Modes: how the start of a broadcast is spread over its receivers: in step, aligned by distance, or staggered.

*In step*: all horns start at the same instant. *Aligned*: the sound of all horns arrives at a chosen point at once; the
farthest horn starts first and a nearer one later by (d_max − d) / 343 m/s. *Staggered*: zones whose horns can be heard
together anywhere never play at once; the programme plays in turns, group after group.

The turns are a colouring of the graph of such zones by DSATUR (D. Brélaz, "New methods to color the vertices of a
graph", Comm. ACM 22 (1979) 251): the next zone is the one whose neighbours have the most different turns, then the one
with the most neighbours; it gets the first free turn. Exact for trees and rings, which villages along a road form; at
most one turn more than a zone has neighbours. The rules are pure.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec
from sqlmodel import Session

from acoustics.echoes import distance_m, heard_together, travel_ms
from devices.positions import Position, check_position, position_of
from devices.receivers import receivers
from devices.zones import zones, zones_of_all
from runtime.refusal import N_, Refusal
from wire.broadcasts import Targets

MOST_GAP_S = 600
#: A horn farther than this from the point is not aligned: its sound would travel for a minute.
MOST_DISTANCE_M = 20_000.0


class Mode(StrEnum):
    IN_STEP = "in_step"
    ALIGNED = "aligned"
    STAGGERED = "staggered"


class Spread(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mode with its parameters. latitude_deg, longitude_deg: the point, for ALIGNED. gap_s: between turns."""

    mode: Mode = Mode.IN_STEP
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    gap_s: int = 5

    @property
    def point(self) -> Position | None:
        """The point at which all arrive at once."""
        if self.latitude_deg is None or self.longitude_deg is None:
            return None
        return Position(self.latitude_deg, self.longitude_deg)

    def check(self) -> "Spread":
        """A copy without the parameters of other modes. Raises Refusal."""
        if self.mode is Mode.IN_STEP:
            return IN_STEP
        if self.mode is Mode.STAGGERED:
            if not 0 <= self.gap_s <= MOST_GAP_S:
                raise Refusal(N_("The pause between two turns is between 0 and {most} s."), most=MOST_GAP_S).at("gap_s")
            return Spread(mode=self.mode, gap_s=self.gap_s)
        if self.point is None:
            raise Refusal(N_("Choose the point where all loudspeakers should be heard at the same time.")).at("point")
        latitude_deg, longitude_deg = check_position(self.point)
        return Spread(mode=self.mode, latitude_deg=latitude_deg, longitude_deg=longitude_deg)


IN_STEP = Spread()


class Horn(NamedTuple):
    """A receiver that a broadcast addresses. zone: the zone it plays with; its own id when it is in none."""

    receiver_id: str
    zone: str
    position: Position | None


class Shifts(NamedTuple):
    """by_receiver: µs after the start, without zeros. turns: ids of zones, or of receivers that are in none."""

    by_receiver: Mapping[str, int]
    turns: Sequence[Sequence[str]] = ()

    @property
    def most_us(self) -> int:
        """Of the receiver that starts last."""
        return max(self.by_receiver.values(), default=0)


NO_SHIFTS = Shifts({})


def shifts_of(spread: Spread, horns: Sequence[Horn], length_us: int) -> Shifts:
    """length_us: of the programme, without shifts."""
    if spread.mode is Mode.ALIGNED and spread.point is not None:
        return _aligned(spread.point, horns)
    if spread.mode is Mode.STAGGERED:
        step_us = length_us + spread.gap_s * 1_000_000
        turn_of = turns(horns)
        count = max(turn_of.values(), default=-1) + 1
        return Shifts(
            {h.receiver_id: turn_of[h.zone] * step_us for h in horns if turn_of[h.zone]},
            [sorted(zone for zone, turn in turn_of.items() if turn == k) for k in range(count)],
        )
    return NO_SHIFTS


def turns(horns: Sequence[Horn]) -> dict[str, int]:
    """The turn of each zone, from 0. A zone with a horn that is not on the map counts as heard everywhere."""
    positions: dict[str, list[Position | None]] = {}
    for horn in sorted(horns):
        positions.setdefault(horn.zone, []).append(horn.position)
    neighbours: dict[str, set[str]] = {zone: set() for zone in positions}
    for zone in positions:
        for other in positions:
            if zone < other and _heard_together(positions[zone], positions[other]):
                neighbours[zone].add(other)
                neighbours[other].add(zone)
    turn_of: dict[str, int] = {}
    while len(turn_of) < len(positions):
        zone = max(
            (receiver_id for receiver_id in sorted(positions) if receiver_id not in turn_of),
            key=lambda receiver_id: (
                len({turn_of[n] for n in neighbours[receiver_id] if n in turn_of}),
                len(neighbours[receiver_id]),
            ),
        )
        taken = {turn_of[n] for n in neighbours[zone] if n in turn_of}
        turn_of[zone] = next(turn for turn in range(len(positions)) if turn not in taken)
    return turn_of


class Spreading:
    """Computes spreads for one commune; its horns are read once."""

    def __init__(self, session: Session, commune_id: str) -> None:
        self._session, self._commune_id = session, commune_id
        self._horns: list[tuple[Horn, list[str]]] | None = None
        self._known: dict[tuple[object, ...], Shifts] = {}

    def shifts(self, spread: Spread, targets: Targets, length_us: int) -> Shifts:
        """When each addressed receiver starts."""
        if spread.mode is Mode.IN_STEP:
            return NO_SHIFTS
        key = (spread, targets.all, *targets.zones, None, *targets.receivers, length_us)
        if key not in self._known:
            addressed = [horn for horn, in_zones in self._all() if targets.include(horn.receiver_id, in_zones)]
            self._known[key] = shifts_of(spread, addressed, length_us)
        return self._known[key]

    def total_length(self, spread: Spread, targets: Targets, length: timedelta) -> timedelta:
        """From the first sample at any receiver to the last."""
        length_us = length // timedelta(microseconds=1)
        return length + timedelta(microseconds=self.shifts(spread, targets, length_us).most_us)

    def turn_names(self, shifts: Shifts) -> list[list[str]]:
        """The turns by the names of their zones and receivers."""
        name_of = {z.id: z.name for z in zones(self._session, self._commune_id)}
        name_of |= {r.id: r.name for r in receivers(self._session, self._commune_id) if r.id not in name_of}
        return [[name_of.get(id_, id_) for id_ in turn] for turn in shifts.turns]

    def _all(self) -> list[tuple[Horn, list[str]]]:
        if self._horns is None:
            rows = receivers(self._session, self._commune_id)
            zones_of = zones_of_all(self._session, [r.id for r in rows])
            self._horns = [
                (Horn(r.id, min(zones_of[r.id], default=r.id), position_of(r)), zones_of[r.id]) for r in rows
            ]
        return self._horns


def encode_spread(spread: Spread) -> str | None:
    """For a table column: None for in step."""
    return None if spread.mode is Mode.IN_STEP else msgspec.json.encode(spread).decode()


def decode_spread(text: str | None) -> Spread:
    return IN_STEP if text is None else msgspec.json.decode(text, type=Spread)


def _aligned(point: Position, horns: Sequence[Horn]) -> Shifts:
    """A horn that is not on the map, or too far away, starts with the farthest of the others."""
    away_m = {
        h.receiver_id: metres
        for h in horns
        if h.position is not None and (metres := distance_m(h.position, point)) <= MOST_DISTANCE_M
    }
    farthest_m = max(away_m.values(), default=0.0)
    delays_us = {receiver_id: round(travel_ms(farthest_m - metres) * 1000) for receiver_id, metres in away_m.items()}
    return Shifts({receiver_id: us for receiver_id, us in delays_us.items() if us})


def _heard_together(some: Sequence[Position | None], others: Sequence[Position | None]) -> bool:
    return any(a is None or b is None or heard_together(distance_m(a, b)) for a in some for b in others)

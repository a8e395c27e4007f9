"""Modes: who begins when, aligned by distance or in turn; and what is kept and sent of it."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acoustics.echoes import REACH_M, distance_m, heard_together, travel_ms
from broadcast.manifests import manifest_of
from broadcast.modes import Horn, Mode, Spread, Spreading, decode_spread, encode_spread, shifts_of, turns
from broadcast.planning import put_on_air
from devices.positions import Position, place_receiver
from noise.noise_rules import set_rules
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from runtime.refusal import Refusal
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass, Manifest, Targets

LENGTH_US = 60_000_000
STAGGERED = Spread(mode=Mode.STAGGERED, gap_s=5)
#: Some 111 m to the north each.
STEP_DEG = 0.001
HOME = Position(19.87, 105.68)
PLACES = st.one_of(st.none(), st.builds(Position, st.floats(19.80, 19.90), st.floats(105.60, 105.70)))
HORNS = st.lists(st.tuples(st.integers(0, 6), PLACES), max_size=14).map(
    lambda rows: [Horn(f"loa-{k}", f"thon-{zone}", place) for k, (zone, place) in enumerate(rows)]
)


def north(steps: float) -> Position:
    return Position(HOME.latitude_deg + steps * STEP_DEG, HOME.longitude_deg)


@settings(max_examples=150, deadline=None)
@given(HORNS, st.integers(0, 60))
def test_in_turn_no_two_horns_of_different_zones_that_are_heard_together_sound_at_once(
    horns: list[Horn], gap_s: int
) -> None:
    found = shifts_of(Spread(mode=Mode.STAGGERED, gap_s=gap_s), horns, LENGTH_US)
    for one in horns:
        for other in horns:
            if one.zone == other.zone:
                assert found.by_receiver.get(one.receiver_id) == found.by_receiver.get(other.receiver_id)
                continue
            near = one.position is None or other.position is None
            if near or heard_together(distance_m(one.position, other.position)):  # type: ignore[arg-type]
                apart_us = found.by_receiver.get(one.receiver_id, 0) - found.by_receiver.get(other.receiver_id, 0)
                assert abs(apart_us) >= LENGTH_US + gap_s * 1_000_000
    assert sorted(zone for turn in found.turns for zone in turn) == sorted({h.zone for h in horns})
    assert all(found.turns)


@settings(max_examples=60, deadline=None)
@given(HORNS)
def test_there_are_never_more_turns_than_neighbours_and_one(horns: list[Horn]) -> None:
    def met(a: Horn, b: Horn) -> bool:
        return a.position is None or b.position is None or heard_together(distance_m(a.position, b.position))

    most = max(
        (
            len({b.zone for b in horns if b.zone != a and any(met(x, b) for x in horns if x.zone == a)})
            for a in {h.zone for h in horns}
        ),
        default=0,
    )
    assert max(turns(horns).values(), default=0) <= most


def test_villages_along_a_road_need_two_turns() -> None:
    road = [Horn(f"loa-{k}", f"thon-{k}", north(k * 1.5 * REACH_M / 111.2)) for k in range(8)]
    assert max(turns(road).values()) == 1


def test_at_the_chosen_place_all_arrive_at_once() -> None:
    horns = [Horn(f"loa-{k}", "thon-1", north(k * k)) for k in range(5)]
    found = shifts_of(
        Spread(mode=Mode.ALIGNED, latitude_deg=HOME.latitude_deg, longitude_deg=HOME.longitude_deg), horns, LENGTH_US
    )
    arrivals_ms = [
        found.by_receiver.get(h.receiver_id, 0) / 1000 + travel_ms(distance_m(h.position, HOME))  # type: ignore[arg-type]
        for h in horns
    ]
    assert arrivals_ms == pytest.approx([arrivals_ms[0]] * 5, abs=0.001)
    assert "loa-4" not in found.by_receiver, "the farthest begins"


def test_what_is_not_on_the_map_or_far_away_begins_with_the_first() -> None:
    horns = [
        Horn("here", "a", HOME),
        Horn("there", "a", north(3)),
        Horn("nowhere", "b", None),
        Horn("far", "b", north(900)),
    ]
    spread = Spread(mode=Mode.ALIGNED, latitude_deg=HOME.latitude_deg, longitude_deg=HOME.longitude_deg)
    assert set(shifts_of(spread, horns, LENGTH_US).by_receiver) == {"here"}
    assert set(turns([Horn("a", "a", None), Horn("b", "b", north(900)), Horn("c", "c", HOME)]).values()) == {0, 1}


@pytest.mark.parametrize(
    "spread",
    [
        Spread(mode=Mode.STAGGERED, gap_s=-1),
        Spread(mode=Mode.STAGGERED, gap_s=601),
        Spread(mode=Mode.ALIGNED),
        Spread(mode=Mode.ALIGNED, latitude_deg=20.0),
        Spread(mode=Mode.ALIGNED, latitude_deg=105.0, longitude_deg=20.0),
    ],
)
def test_what_cannot_be_done_is_refused(spread: Spread) -> None:
    with pytest.raises(Refusal):
        spread.check()


def test_what_is_kept_is_what_comes_back() -> None:
    assert encode_spread(Spread(gap_s=9).check()) is None
    for spread in (Spread(), STAGGERED, Spread(mode=Mode.ALIGNED, latitude_deg=19.0, longitude_deg=105.0)):
        assert decode_spread(encode_spread(spread.check())) == spread


@pytest.fixture
def studio(database: Database, clock: ManualClock) -> Studio:
    made = Studio(clock, database)
    with database.writing() as session:
        place_receiver(session, "loa-1", HOME)
        place_receiver(session, "loa-2", north(2))
    return made


def aired(studio: Studio, spread: Spread, targets: Targets = ALL) -> Manifest:
    with studio.database.writing() as session:
        put = put_on_air(
            session,
            COMMUNE,
            targets=targets,
            class_=BroadcastClass.NORMAL,
            now=studio.now(),
            programme_id=studio.programme,
            spread=spread,
        )
        assert put.ends_at == put.starts_at + timedelta(microseconds=LENGTH_US + max(put.shifts_us.values(), default=0))
        return manifest_of(put, studio.now())


def test_receivers_are_told_their_shifts_and_the_length_of_one(studio: Studio) -> None:
    told = aired(studio, STAGGERED)
    assert told.shifts_us == {"loa-2": 65_000_000}
    assert told.ends_at_us - told.starts_at_us == LENGTH_US
    assert aired(studio, STAGGERED, Targets(zones=["thon-2"])).shifts_us == {}, "alone it needs no turn"
    assert aired(studio, Spread()).shifts_us == {}


def test_the_whole_of_it_must_be_allowed(studio: Studio) -> None:
    with studio.database.writing() as session:  # it is five in the morning
        hours = [AllowedHours(weekdays=list(range(7)), from_minute=0, until_minute=5 * 60 + 2)]
        set_rules(session, COMMUNE, "", hours=hours)
    aired(studio, Spread())
    with pytest.raises(Refusal, match="outside the allowed hours"):
        aired(studio, STAGGERED)


def test_each_receiver_sounds_it_in_its_own_turn(studio: Studio) -> None:
    told = aired(studio, STAGGERED)
    own = told.for_receiver("loa-2")
    assert own.starts_at_us == told.starts_at_us + 65_000_000
    assert own.ends_at_us - own.starts_at_us == LENGTH_US
    assert told.for_receiver("loa-1") == told.for_receiver("stranger")
    assert told.for_receiver("loa-1").starts_at_us == told.starts_at_us == to_us(studio.now()) + 8_000_000


def test_turns_are_named_as_people_call_them(studio: Studio) -> None:
    with studio.database.session() as session:
        spreading = Spreading(session, COMMUNE)
        assert spreading.turn_names(spreading.shifts(STAGGERED, ALL, LENGTH_US)) == [["thon-1"], ["thon-2"]]
        assert spreading.total_length(STAGGERED, ALL, timedelta(seconds=60)) == timedelta(seconds=125)

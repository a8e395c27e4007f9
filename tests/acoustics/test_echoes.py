"""Two horns are heard as two: the rule against a listener who walks over the whole field."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acoustics.echoes import (
    ECHO_WITHIN_DB,
    HEARD_AS_TWO_MS,
    difference_ms,
    distance_m,
    echo_pairs,
    heard_together,
    travel_ms,
)
from devices.positions import Position

HERE = Position(19.87, 105.68)
#: Metres in a degree of latitude on the sphere that the library uses.
DEGREE_M = 6_371_008.8 * math.pi / 180


def east(metres: float) -> Position:
    """So far east of HERE."""
    return Position(HERE.latitude_deg, HERE.longitude_deg + metres / DEGREE_M / math.cos(math.radians(HERE[0])))


def north(metres: float) -> Position:
    """So far north of HERE."""
    return Position(HERE.latitude_deg + metres / DEGREE_M, HERE.longitude_deg)


def heard_by_walking(apart_m: float, reach_m: float, step_m: float = 2.0) -> float:
    """The same figure found without the formula: at every place of a grid, listen."""
    worst_m = 0.0
    steps = int((2 * reach_m + apart_m) / step_m)
    for i in range(-steps, steps + 1):
        for j in range(steps + 1):
            x, y = i * step_m, j * step_m
            a, b = sorted((math.hypot(x, y), math.hypot(x - apart_m, y)))
            if b <= reach_m and a > 0 and 20 * math.log10(b / a) <= ECHO_WITHIN_DB:
                worst_m = max(worst_m, b - a)
    return worst_m / 343 * 1000


@pytest.mark.parametrize("apart_m", [10.0, 40.0, 68.0, 100.0, 131.0, 160.0, 190.0, 199.0])
def test_the_figure_is_what_a_listener_finds_who_walks_over_the_whole_field(apart_m: float) -> None:
    assert difference_ms(apart_m, 100.0) == pytest.approx(heard_by_walking(apart_m, 100.0), abs=2 * 2.0 / 0.343)


def test_343_metres_take_a_second() -> None:
    assert travel_ms(343.0) == 1000.0


def test_distances_are_metres_over_ground() -> None:
    assert distance_m(HERE, HERE) == 0
    assert distance_m(HERE, east(250.0)) == pytest.approx(250.0, abs=0.01)
    assert distance_m(HERE, north(250.0)) == pytest.approx(250.0, abs=0.01)
    assert distance_m(Position(21.0278, 105.8342), Position(19.8067, 105.7852)) == pytest.approx(135_900, rel=0.002)


def test_below_17_metres_two_horns_are_heard_as_one_and_above_as_two() -> None:
    limit_m = HEARD_AS_TWO_MS * 0.343
    assert echo_pairs({"a": HERE, "b": east(limit_m - 0.05)}) == []
    (pair,) = echo_pairs({"a": HERE, "b": east(limit_m + 0.05)})
    assert (pair.one, pair.other) == ("a", "b")
    assert pair.difference_ms == pytest.approx(HEARD_AS_TWO_MS, abs=0.2)


def test_horns_that_no_place_hears_together_disturb_nobody() -> None:
    assert heard_together(799.9)
    assert not heard_together(800.0)
    assert difference_ms(800.0) == 0
    assert difference_ms(5000.0) == 0
    assert echo_pairs({"a": HERE, "b": north(900.0)}) == []


def test_the_worst_pair_comes_first_and_each_pair_once() -> None:
    horns = {"far": north(300.0), "near": north(60.0), "home": HERE, "away": north(4000.0)}
    found = echo_pairs(horns)
    assert [(p.one, p.other) for p in found] == [("far", "home"), ("far", "near"), ("home", "near")]
    assert found[1].difference_ms == pytest.approx(240 / 0.343, abs=1)


def test_a_smaller_reach_leaves_fewer_pairs() -> None:
    horns = {"a": HERE, "b": east(300.0), "c": east(600.0)}
    assert len(echo_pairs(horns, reach_m=400.0)) == 3
    assert len(echo_pairs(horns, reach_m=200.0)) == 2
    assert echo_pairs(horns, reach_m=100.0) == []


def test_pairs_of_places_far_apart_in_latitude_alone_are_not_lost_by_leaving_out_early() -> None:
    assert len(echo_pairs({"a": HERE, "b": north(780.0)})) == 1


@given(st.floats(0, 3000), st.floats(1, 2000))
def test_the_difference_is_never_more_than_the_way_between_them_nor_less_than_nothing(
    apart: float, reach: float
) -> None:
    assert 0 <= difference_ms(apart, reach) <= travel_ms(apart)
    assert (difference_ms(apart, reach) > 0) <= heard_together(apart, reach)

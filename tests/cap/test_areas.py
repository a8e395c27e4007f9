"""Areas: polygons and circles over a commune and its receivers, at the date line and at any size."""

import json
import math
import time

import pytest

from cap.areas import reached
from cap.messages import CommunePlaces, Reached, ReceiverPosition
from cap.targets import Aim, aimed
from tests.cap.cap_files import PLACES
from wire.broadcasts import Targets

ZONES = {"loa-0": ["thon-1"], "loa-1": ["thon-2"], "loa-2": ["thon-2"]}


def reach(*polygons: str, circles: tuple[str, ...] = (), places: CommunePlaces = PLACES) -> Reached:
    return reached(polygons, circles, places, description="", codes=())


def around(latitude: float, longitude: float, size: float = 0.02) -> str:
    corners = [(-size, -size), (-size, size), (size, size), (size, -size)]
    return " ".join(f"{latitude + a},{longitude + b}" for a, b in corners)


def test_a_polygon_over_one_receiver_means_that_one() -> None:
    result = reach(around(19.45, 105.45))
    assert (result.receivers, result.is_whole, result.touches) == (("loa-0",), False, True)


def test_an_unclosed_polygon_is_closed() -> None:
    corners = around(19.45, 105.45)
    assert reach(corners) == reach(f"{corners} {corners.split()[0]}")


def test_a_polygon_over_the_border_means_the_whole_commune() -> None:
    assert reach(around(19.5, 105.5, 0.2)).is_whole
    assert reach(around(19.5, 105.45, 0.1), around(19.5, 105.55, 0.1)).is_whole


def test_a_horn_just_outside_is_heard_inside() -> None:
    assert reach(around(19.45, 105.48, 0.027)).receivers == ("loa-0",)  # 315 m away
    assert reach(around(19.45, 105.48, 0.025)).receivers == ()  # 525 m away


def test_a_circle_is_measured_on_the_earth() -> None:
    assert reach(circles=("19.45,105.45 1",)).receivers == ("loa-0",)
    assert reach(circles=("19.5,105.5 20",)).is_whole
    assert not reach(circles=("21,105.5 100",)).touches
    assert reach(circles=("21,105.5 157",)).touches  # the border is 155.7 km away
    assert reach(circles=("19.45,105.45 0",)).receivers == ("loa-0",)


def test_a_polygon_across_the_date_line_does_not_go_around_the_earth() -> None:
    across = "10,170 30,170 30,-170 10,-170"
    assert not reach(across).touches  # Vietnam lies between 170° E and 170° W the other way round
    fiji = CommunePlaces(receivers=(ReceiverPosition("a", 20, 179.9), ReceiverPosition("b", 20, -179.9)))
    assert reach(across, places=fiji).receivers == ("a", "b")
    assert reach(circles=("20,179.95 30",), places=fiji).receivers == ("a", "b")


def test_a_polygon_that_crosses_itself_is_taken_by_what_it_encloses() -> None:
    assert reach("19.4,105.4 19.5,105.5 19.4,105.5 19.5,105.4").receivers == ("loa-0",)


def test_100_000_points_are_read_in_time() -> None:
    points = [(math.sin(n / 1e5 * math.tau), math.cos(n / 1e5 * math.tau)) for n in range(100_000)]
    began_s = time.monotonic()
    assert reach(" ".join(f"{19.5 + a / 2:.6f},{105.5 + b / 2:.6f}" for a, b in points)).is_whole
    assert time.monotonic() - began_s < 10


def aim(result: Reached, codes: dict[str, str] | None = None, **more: object) -> tuple[Aim, Targets]:
    placed = ("loa-0", "loa-1")
    found = aimed(result, codes or {}, ZONES, has_outline=bool(more.get("has_outline", True)), placed=placed)
    return found.aim, found.targets


def test_areas_become_zones_where_all_of_one_are_inside_and_receivers_else() -> None:
    assert aim(reach(around(19.45, 105.45))) == (Aim.HERE, Targets(zones=["thon-1"]))
    assert aim(reach(around(19.55, 105.55))) == (Aim.HERE, Targets(receivers=["loa-1"]))
    assert aim(reach(around(19.5, 105.5, 0.2))) == (Aim.HERE, Targets(all=True))
    # Inside the border where no receiver is known to be: the one without a position may be there.
    assert aim(reach(around(19.5, 105.5, 0.01))) == (Aim.HERE, Targets(receivers=["loa-2"]))
    assert aim(reach(around(21, 105)))[0] is Aim.ELSEWHERE


def coded(*codes: str) -> Reached:
    return Reached(codes=tuple(("VN", code) for code in codes))


def test_codes_mean_the_commune_a_zone_or_another_place() -> None:
    known = {"14803": "", "38": "", "148031": "thon-2"}
    assert aim(coded("14803"), known) == (Aim.HERE, Targets(all=True))
    assert aim(coded("38"), known) == (Aim.HERE, Targets(all=True))
    assert aim(coded("148031"), known) == (Aim.HERE, Targets(zones=["thon-2"]))
    assert aim(coded("14804"), known)[0] is Aim.ELSEWHERE
    assert aim(coded("14803"), {"VN:14803": ""}) == (Aim.HERE, Targets(all=True))


def test_what_cannot_be_compared_is_left_to_a_person() -> None:
    assert aim(Reached()) == (Aim.UNCLEAR, Targets(all=True))
    assert aim(coded("TXZ001"), {"14803": ""})[0] is Aim.UNCLEAR
    assert aim(coded("14804"))[0] is Aim.UNCLEAR
    assert aim(reach(around(21, 105)), has_outline=False)[0] is Aim.UNCLEAR


@pytest.mark.parametrize("outline", [None, json.dumps({"type": "MultiPolygon", "coordinates": []})])
def test_a_commune_without_border_and_positions_has_nothing_to_compare(outline: str | None) -> None:
    assert not reach(around(19.5, 105.5), places=CommunePlaces(outline=outline)).touches

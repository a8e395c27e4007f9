"""Areas of alerts: what polygons and circles reach in a commune. The only home of shapely.

Degrees are taken as a plane, with longitudes counted on from the point before: an edge is shorter than half the earth,
so a polygon across the date line has no edge around the world. The whole is then moved to the commune's side.
"""

import json
import math
from collections.abc import Iterable, Sequence

import shapely
from haversine import Unit, haversine
from shapely import affinity
from shapely.geometry.base import BaseGeometry

from cap.messages import CommunePlaces, Reached
from runtime.refusal import N_, Refusal

MOST_POINTS = 200_000
#: A horn so far outside the border of an area is still heard inside it.
HEARD_OUTSIDE_M = 400.0
_METRES_A_DEGREE = 111_195.0
_WHOLE_SHARE = 0.98
_LARGEST_RADIUS_KM = 20_040.0

Point = tuple[float, float]  # latitude, longitude


def reached(
    polygons: Sequence[str],
    circles: Sequence[str],
    places: CommunePlaces,
    *,
    description: str,
    codes: Sequence[tuple[str, str]],
) -> Reached:
    """polygons, circles: as CAP writes them. Raises Refusal for a shape that cannot be one."""
    rings = [_ring(text) for text in polygons]
    if sum(map(len, rings)) > MOST_POINTS:
        raise Refusal(N_("The areas of this alert have more than {most} points. Simplify them."), most=MOST_POINTS)
    discs = [_circle(text) for text in circles]
    outline = _outline(places)
    meridian = _meridian(places, outline)
    shapes = [_polygon(ring, meridian) for ring in rings]
    inside = [
        r.id
        for r in places.receivers
        if any(_near(shape, r.latitude_deg, _beside(r.longitude_deg, meridian)) for shape in shapes)
        or any(_distance_m(centre, (r.latitude_deg, r.longitude_deg)) <= m + HEARD_OUTSIDE_M for centre, m in discs)
    ]
    whole, touches = False, bool(inside)
    if outline is not None:
        common = shapely.union_all(shapes).intersection(outline) if shapes else shapely.Point()
        whole = bool(shapes) and common.area >= _WHOLE_SHARE * outline.area
        whole = whole or any(_covers(centre, m, outline) for centre, m in discs)
        touches = touches or common.area > 0 or any(_meets(centre, m, outline, meridian) for centre, m in discs)
    return Reached(
        description=description,
        codes=tuple(codes),
        has_shape=bool(rings or discs),
        is_whole=whole,
        touches=touches or whole,
        receivers=tuple(sorted(inside)),
    )


def _ring(text: str) -> list[Point]:
    """The corners of a polygon, the first not repeated: one that is not closed is taken as closed."""
    points = [_point(pair, text) for pair in text.split()]
    if len(points) > 1 and points[0] == points[-1]:
        points.pop()
    if len(set(points)) < 3:
        raise Refusal(N_("A polygon of this alert has fewer than 3 corners: {text}"), text=text[:80])
    return points


def _point(pair: str, whole: str) -> Point:
    latitude_text, _, longitude_text = pair.partition(",")
    try:
        latitude, longitude = float(latitude_text), float(longitude_text)
    except ValueError:
        raise Refusal(
            N_("An area of this alert is not written as latitude,longitude: {text}"), text=whole[:80]
        ) from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise Refusal(
            N_("An area of this alert has a point that is not on the earth: {text}. Latitude stands first."),
            text=pair[:80],
        )
    return latitude, longitude


def _circle(text: str) -> tuple[Point, float]:
    """Centre, and radius in metres."""
    centre, _, radius = text.strip().rpartition(" ")
    try:
        radius_km = float(radius)
    except ValueError:
        radius_km = math.nan
    if not 0 <= radius_km <= _LARGEST_RADIUS_KM:
        raise Refusal(
            N_("A circle of this alert is not written as latitude,longitude radius (km): {text}"), text=text[:80]
        )
    return _point(centre.strip(), text), radius_km * 1000


def _outline(places: CommunePlaces) -> BaseGeometry | None:
    if places.outline is None or not json.loads(places.outline)["coordinates"]:
        return None
    return shapely.make_valid(shapely.from_geojson(places.outline))


def _meridian(places: CommunePlaces, outline: BaseGeometry | None) -> float:
    """The longitude of the commune."""
    if outline is not None:
        return float(outline.centroid.x)
    return places.receivers[0].longitude_deg if places.receivers else 0.0


def _polygon(ring: Sequence[Point], meridian: float) -> BaseGeometry:
    """Longitude first, as in the plane of degrees beside the commune."""
    corners, before = [], ring[0][1]
    for latitude, longitude in ring:
        before += _wrapped(longitude - before)
        corners.append((before, latitude))
    shape = shapely.make_valid(shapely.Polygon(corners))
    left, _, right, _ = shape.bounds
    middle = (left + right) / 2
    return affinity.translate(shape, xoff=_beside(middle, meridian) - middle)


def _wrapped(degrees: float) -> float:
    return (degrees + 180.0) % 360.0 - 180.0


def _beside(longitude: float, meridian: float) -> float:
    """The same meridian, at most half the earth away from another."""
    return meridian + _wrapped(longitude - meridian)


def _near(shape: BaseGeometry, latitude: float, longitude: float) -> bool:
    """Whether a place is inside, or so near that it is heard inside."""
    place = shapely.Point(longitude, latitude)
    if shape.intersects(place):
        return True
    nearest = shapely.shortest_line(place, shape).coords[1]
    return _distance_m((latitude, longitude), (nearest[1], _beside(nearest[0], 0.0))) <= HEARD_OUTSIDE_M


def _meets(centre: Point, radius_m: float, outline: BaseGeometry, meridian: float) -> bool:
    place = shapely.Point(_beside(centre[1], meridian), centre[0])
    if outline.intersects(place):
        return True
    nearest = shapely.shortest_line(place, outline).coords[1]
    return _distance_m(centre, (nearest[1], _beside(nearest[0], 0.0))) <= radius_m


def _covers(centre: Point, radius_m: float, outline: BaseGeometry) -> bool:
    corners: Iterable[Sequence[float]] = shapely.get_coordinates(outline.convex_hull).tolist()
    return all(_distance_m(centre, (corner[1], _beside(corner[0], 0.0))) <= radius_m for corner in corners)


def _distance_m(one: Point, other: Point) -> float:
    return float(haversine(one, other, unit=Unit.METERS))

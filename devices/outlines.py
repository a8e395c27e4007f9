"""Outlines: the border of a commune, brought as a GeoJSON file and kept as one MultiPolygon in degrees of WGS 84.

GeoJSON is RFC 7946: longitude stands before latitude, rings are closed. What a file says beside its areas is left out.
"""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from geojson_pydantic import MultiPolygon, Polygon
from pydantic import ValidationError
from sqlmodel import Session

from devices.communes import commune
from devices.positions import Position, check_position
from runtime.refusal import N_, Refusal
from runtime.sandbox import Limits, ParserFailed, run_in_sandbox

#: A commune drawn to the metre is some hundred kB; a file beyond this is of a province or of a whole country.
MOST_BYTES = 2_000_000
#: What a phone draws without stuttering.
MOST_POINTS = 20_000
#: A millionth of a degree is 11 cm.
_PLACES = 6
_LIMITS = Limits(cpu_s=10, wall_s=20)


@dataclass(frozen=True)
class CommuneOutline:
    """A commune's outline as a form shows it (`usecases.revisions.Compared`). text: of one MultiPolygon; None: none."""

    commune_id: str
    text: str | None

    @property
    def subject(self) -> str:
        return f"outline {self.commune_id}"

    @property
    def settings_shown(self) -> list[object]:
        return [self.text]


def outline_of(session: Session, commune_id: str) -> CommuneOutline:
    """Raises NotFound."""
    return CommuneOutline(commune_id, commune(session, commune_id).outline)


def set_outline(session: Session, commune_id: str, outline: str | None) -> None:
    """Keep a commune's outline, as `read_outline` gives it, or none. Raises NotFound."""
    row = commune(session, commune_id)
    row.outline = outline
    session.add(row)
    session.flush()


def read_foreign_outline(file: bytes, *, source: str) -> str:
    """As `read_outline`, in a child process with limits. source: whose file it is.

    Slow: keep it out of a transaction.
    """
    if len(file) > MOST_BYTES:
        raise _too_large()
    try:
        return run_in_sandbox(read_outline, file, result=str, source=source, limits=_LIMITS)
    except ParserFailed as failure:
        raise _no_geojson() from failure


def read_outline(file: bytes) -> str:
    """The areas of a GeoJSON file as the text of one MultiPolygon.

    Raises Refusal for what is no GeoJSON, has no area, lies outside the earth's degrees (another grid, numbers changed
    places), or is too large; for an area that is drawn wrongly it says which.
    """
    if len(file) > MOST_BYTES:
        raise _too_large()
    areas = [_checked(number, area) for number, area in enumerate(_areas(_json(file)), 1)]
    polygons = [polygon for area in areas for polygon in area]
    if not polygons:
        raise Refusal(
            N_("There is no area in this file. The border must be drawn as an area (Polygon), not as a line.")
        )
    if sum(len(ring) for polygon in polygons for ring in polygon) > MOST_POINTS:
        raise Refusal(
            N_("This border has more than {most} points. Simplify it first; {enough} are plenty for a commune."),
            most=MOST_POINTS,
            enough=2000,
        )
    return json.dumps({"type": "MultiPolygon", "coordinates": polygons}, separators=(",", ":"))


def joined_outline(outlines: Sequence[str | None]) -> str | None:
    """The areas of several outlines as one: what was a border between communes stays drawn. None when one is lacking:
    a border that leaves a part out would be wrong. So too when it has more points than a phone draws.
    """
    coordinates = [json.loads(outline)["coordinates"] for outline in outlines if outline is not None]
    polygons = [polygon for areas in coordinates for polygon in areas]
    points = sum(len(ring) for polygon in polygons for ring in polygon)
    if not coordinates or len(coordinates) < len(outlines) or points > MOST_POINTS:
        return None
    return json.dumps({"type": "MultiPolygon", "coordinates": polygons}, separators=(",", ":"))


def _json(file: bytes) -> Any:
    try:
        return json.loads(file.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise _no_geojson() from None


def _no_geojson() -> Refusal:
    return Refusal(
        N_("This is no GeoJSON file. Export the border as GeoJSON (.geojson, coordinates WGS 84) and choose that file.")
    )


def _too_large() -> Refusal:
    return Refusal(
        N_("This file is too large for the border of one commune (at most {most} MB). Simplify the border first."),
        most=MOST_BYTES // 1_000_000,
    )


def _areas(content: Any) -> Iterator[dict[str, Any]]:
    """Every Polygon and MultiPolygon in a GeoJSON object, however it is wrapped."""
    waiting = deque([content])
    while waiting:
        at = waiting.popleft()
        if not isinstance(at, dict):
            continue
        if at.get("type") in ("Polygon", "MultiPolygon"):
            yield at
        for key in {"FeatureCollection": ["features"], "GeometryCollection": ["geometries"]}.get(
            str(at.get("type")), []
        ):
            waiting += at[key] if isinstance(at.get(key), list) else []
        if at.get("type") == "Feature":
            waiting.append(at.get("geometry"))


def _checked(number: int, area: dict[str, Any]) -> list[list[list[list[float]]]]:
    model = Polygon if area["type"] == "Polygon" else MultiPolygon
    only = {"type": area["type"], "coordinates": area.get("coordinates")}
    try:
        read = model.model_validate_json(json.dumps(only), strict=True)
    except ValidationError:
        raise Refusal(
            N_(
                "Area {number} in this file is drawn wrongly: each ring needs at least 4 points of two numbers and "
                "ends where it begins."
            ),
            number=number,
        ) from None
    polygons = [read.coordinates] if isinstance(read, Polygon) else read.coordinates
    return [[_ring(number, ring) for ring in polygon] for polygon in polygons if polygon]


def _ring(number: int, ring: Any) -> list[list[float]]:
    if any(max(abs(point.longitude), abs(point.latitude)) > 1000 for point in ring):
        raise Refusal(
            N_(
                "The coordinates in this file are metres, not degrees (VN-2000?). Export the border again with "
                "coordinates WGS 84 (EPSG:4326)."
            )
        )
    for point in ring:
        check_position(Position(point.latitude, point.longitude))
    points = [[round(point.longitude, _PLACES), round(point.latitude, _PLACES)] for point in ring]
    if len({tuple(point) for point in points}) < 3:
        raise Refusal(
            N_("Area {number} in this file is only a point or a line. Draw the border as an area."), number=number
        )
    return points

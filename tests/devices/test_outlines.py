"""The border of a commune: what is taken of a GeoJSON file, and what is refused with a sentence."""

import json
from typing import Any

import pytest

from devices.communes import add_commune, commune, communes
from devices.outlines import MOST_POINTS, read_foreign_outline, read_outline, set_outline
from runtime.database import Database
from runtime.refusal import Refusal
from tests.cast import COMMUNE, COMMUNE_NAME

SQUARE = [[105.66, 19.86], [105.70, 19.86], [105.70, 19.89], [105.66, 19.86]]
POLYGON = {"type": "Polygon", "coordinates": [SQUARE]}
FEATURE = {"type": "Feature", "properties": {"ten": "Thiệu Trung"}, "geometry": POLYGON}


def file(of: Any) -> bytes:
    return json.dumps(of).encode()


def polygon(ring: Any) -> bytes:
    return file({"type": "Polygon", "coordinates": [ring]})


@pytest.mark.parametrize(
    "of",
    [
        POLYGON,
        {"type": "MultiPolygon", "coordinates": [[SQUARE]]},
        FEATURE,
        {"type": "FeatureCollection", "features": [FEATURE]},
        {"type": "GeometryCollection", "geometries": [POLYGON]},
        {"type": "Polygon", "coordinates": [[[*point, 12.5] for point in SQUARE]]},
        {"type": "Polygon", "coordinates": [SQUARE], "bbox": [9, 9, 1, 1], "crs": {"type": "name"}},
        {
            "type": "FeatureCollection",
            "features": [
                {"type": "Feature", "properties": None, "geometry": {"type": "Point", "coordinates": [105.68, 19.87]}},
                FEATURE,
                {"type": "Feature", "properties": {}, "geometry": None},
            ],
        },
    ],
)
def test_areas_are_taken_however_they_are_wrapped(of: Any) -> None:
    assert json.loads(read_outline(file(of))) == {"type": "MultiPolygon", "coordinates": [[SQUARE]]}


def test_a_commune_of_two_parts_keeps_both_and_its_hole() -> None:
    hole = [[105.67, 19.861], [105.68, 19.861], [105.68, 19.862], [105.67, 19.861]]
    holed = {**FEATURE, "geometry": {**POLYGON, "coordinates": [SQUARE, hole]}}
    two = {"type": "FeatureCollection", "features": [FEATURE, holed]}
    assert json.loads(read_outline(file(two)))["coordinates"] == [[SQUARE], [SQUARE, hole]]


def test_a_byte_order_mark_before_the_file_does_no_harm() -> None:
    assert read_outline(b"\xef\xbb\xbf" + file(POLYGON)) == read_outline(file(POLYGON))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "no GeoJSON"),
        (b"PK\x03\x04\x14\x00", "no GeoJSON"),
        (b'<?xml version="1.0"?><kml/>', "no GeoJSON"),
        (file(POLYGON)[:-4], "no GeoJSON"),
        (file(POLYGON).decode().encode("utf-16"), "no GeoJSON"),
        (b"[" * 100_000, "no GeoJSON"),
        (b"{}", "no area"),
        (b"[1, 2]", "no area"),
        (b"null", "no area"),
        (file({"type": "FeatureCollection", "features": 7}), "no area"),
        (file({"type": "LineString", "coordinates": SQUARE}), "no area"),
        (file({"type": "Polygon", "coordinates": []}), "no area"),
        (file({"type": "Polygon"}), "Area 1"),
        (polygon(SQUARE[:3]), "Area 1"),
        (polygon([*SQUARE[:3], [105.0, 19.0]]), "Area 1"),
        (polygon([["105.66", "19.86"], *SQUARE[1:3], ["105.66", "19.86"]]), "Area 1"),
        (polygon([None, *SQUARE]), "Area 1"),
        (file({"type": "GeometryCollection", "geometries": [POLYGON, {**POLYGON, "coordinates": [[[1]]]}]}), "Area 2"),
        (polygon([[105.66, 19.86]] * 5), "only a point"),
        (polygon([[19.86, 105.66], [19.86, 105.70], [19.89, 105.70], [19.86, 105.66]]), "change places"),
        (polygon([[583_000, 2_197_000], [584_000, 2_197_000], [584_000, 2_198_000], [583_000, 2_197_000]]), "VN-2000"),
        (b'{"type":"Polygon","coordinates":[[[NaN,19],[105,NaN],[105,20],[NaN,19]]]}', "Area 1"),
        (b'{"type":"Polygon","coordinates":[[[1e999,19],[105,19],[105,20],[1e999,19]]]}', "VN-2000"),
        (polygon([*[[105 + k / 1e5, 19.86] for k in range(MOST_POINTS)], [105, 19.87], [105, 19.86]]), "points"),
        (b'{"type":"FeatureCollection","features":[' + b"1," * 900_000 + b"1]}", "no area"),
        (b" " * 2_000_001, "too large"),
    ],
)
def test_what_is_no_border_is_refused_in_a_sentence(given: bytes, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_outline(given)
    assert said in str(refused.value)


def test_a_refused_file_leaves_the_border_there_was(database: Database) -> None:
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
        set_outline(session, COMMUNE, read_outline(file(POLYGON)))
    with pytest.raises(Refusal), database.writing() as session:
        set_outline(session, COMMUNE, read_outline(b"nonsense"))
    with database.session() as session:
        assert commune(session, COMMUNE).outline == read_outline(file(POLYGON))
    with database.writing() as session:
        set_outline(session, COMMUNE, None)
        assert commune(session, COMMUNE).outline is None


def test_the_list_of_communes_does_not_carry_their_borders(database: Database) -> None:
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
        set_outline(session, COMMUNE, read_outline(file(POLYGON)))
    with database.session() as session:
        (found,) = communes(session)
        assert "outline" not in found.__dict__
        assert found.outline is not None


def test_a_file_that_people_bring_is_read_in_a_child_process_with_the_same_answers() -> None:
    assert read_foreign_outline(file(FEATURE), source="commune") == read_outline(file(FEATURE))
    with pytest.raises(Refusal, match="no GeoJSON"):
        read_foreign_outline(b"[" * 1_000_000, source="commune")

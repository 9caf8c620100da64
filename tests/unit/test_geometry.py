"""Areas: boxes and geometries of requests as one or two parts within the world."""

from __future__ import annotations

import json

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from satapi.cql2 import planar
from satapi.cql2.ast import Geometry, GeometryCollection
from satapi.cql2.geojson import document
from satapi.errors import InvalidError, TooLargeError
from satapi.stac.geometry import Area, parse_bbox, parse_geometry


def shapes(area: Area) -> list[shapely.Geometry]:
    return [shapely.from_wkb(part.wkb) for part in area.parts]


def parsed(geometry: object, points_max: int = 100) -> Area:
    return parse_geometry(json.dumps(geometry).encode(), points_max=points_max)


def polygon(*points: tuple[float, float]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [[*points, points[0]]]}


@pytest.mark.parametrize(
    ("numbers", "bounds"),
    [
        ([1, 2, 3, 4], [(1, 2, 3, 4)]),
        ([1, 2, -5, 3, 4, 50], [(1, 2, 3, 4)]),
        ([170, -10, -170, 10], [(170, -10, 180, 10), (-180, -10, -170, 10)]),
        ([170, -10, 190, 10], [(170, -10, 180, 10), (-180, -10, -170, 10)]),
        ([-190, -10, -170, 10], [(170, -10, 180, 10), (-180, -10, -170, 10)]),
        ([190, -10, 200, 10], [(-170, -10, -160, 10)]),
        ([5, 5, 5, 5], [(5, 5, 5, 5)]),
        ([5, 5, 5, 9], [(5, 5, 5, 9)]),
        ([-200, -95, 200, 95], [(-180, -90, 180, 90)]),
        ([0, -90, 0.5, 200], [(0, -90, 0.5, 90)]),
    ],
)
def test_a_box_is_one_part_or_two_at_the_antimeridian(
    numbers: list[float], bounds: list[tuple[float, float, float, float]]
) -> None:
    assert [shape.bounds for shape in shapes(parse_bbox(numbers))] == bounds


def test_only_a_box_around_the_whole_world_is_the_world() -> None:
    assert parse_bbox([-180, -90, 180, 90]).world
    assert parse_bbox([-540, -200, 540, 200]).world
    assert parsed(polygon((-180, -90), (180, -90), (180, 90), (-180, 90))).world
    assert not parse_bbox([-180, -90, 180, 89.9]).world
    assert not parsed(polygon((-180, -90), (180, -90), (180, 90))).world


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [1, 2, 3],
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5, 6, 7],
        [0, 10, 1, 9],
        [0, 0, 9, 1, 1, 8],
        [0, 0, float("nan"), 1, 1, float("nan")],
        [float("nan"), 0, 1, 1],
        [0, 0, float("inf"), 1],
        [-541, 0, 0, 1],
        [0, 91, 1, 92],
        [0, -92, 1, -91],
    ],
)
def test_what_is_no_box_is_refused(numbers: list[float]) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_bbox(numbers)
    assert refused.value.parameter == "bbox"


@settings(deadline=None, derandomize=True)
@given(st.floats(-540, 540), st.floats(-90, 90), st.floats(-540, 540), st.floats(-90, 90))
def test_every_box_lies_within_the_world(west: float, one: float, east: float, other: float) -> None:
    area = parse_bbox([west, min(one, other), east, max(one, other)])
    for shape in shapes(area):
        assert shape.is_valid
        x1, y1, x2, y2 = shape.bounds
        assert -180 <= x1 <= x2 <= 180
        assert -90 <= y1 <= y2 <= 90


_POINT = {"type": "Point", "coordinates": [1, 2]}
GEOMETRIES = [
    _POINT,
    {"type": "Point", "coordinates": [1, 2, 3]},
    {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]},
    {"type": "LineString", "coordinates": [[1, 2], [3, 4]]},
    {"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]},
    polygon((0, 0), (9, 0), (9, 9)),
    {"type": "MultiPolygon", "coordinates": [[[[0, 0], [9, 0], [9, 9], [0, 0]]]]},
    {
        "type": "GeometryCollection",
        "geometries": [_POINT, polygon((5, 5), (9, 5), (9, 9))],
    },
]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda geometry: geometry["type"])
def test_every_geometry_of_geojson_is_an_area_in_two_dimensions(geometry: dict[str, object]) -> None:
    (shape,) = shapes(parsed(geometry))
    assert not shape.has_z
    assert shape.equals(shapely.force_2d(shapely.from_geojson(json.dumps(geometry))))


def test_a_geometry_that_was_cut_at_the_antimeridian_is_an_eastern_and_a_western_part() -> None:
    east, west = polygon((170, 0), (180, 0), (180, 9)), polygon((-180, 0), (-170, 0), (-180, 9))
    cut = {"type": "MultiPolygon", "coordinates": [west["coordinates"], east["coordinates"]]}
    assert sorted(shape.bounds[0] for shape in shapes(parsed(cut))) == [-180, 170]
    # Two places that are far apart but no further than half of the world are one.
    near = {"type": "MultiPoint", "coordinates": [[-80, 0], [80, 0]]}
    assert len(shapes(parsed(near))) == 1


def test_a_polygon_that_crosses_itself_is_mended() -> None:
    (shape,) = shapes(parsed(polygon((0, 0), (10, 10), (10, 0), (0, 10))))
    assert shape.is_valid
    assert shape.area == 50


def test_a_collection_whose_parts_cross_countless_times_is_refused_as_an_area_and_in_a_filter() -> None:
    tangle = tuple((n * 79.19 % 180, n * n * 10.47 % 90) for n in range(900))
    literal = GeometryCollection((Geometry("LineString", tangle), Geometry("Point", (0.0, 0.0))))
    with pytest.raises(TooLargeError, match="crossings are allowed"):
        parsed(document(literal), points_max=1_000)
    with pytest.raises(TooLargeError, match="crossings are allowed"):
        planar.shape(literal, "filter")


def test_a_geometry_over_the_antimeridian_is_a_part_for_each_side_of_it() -> None:
    (east, west) = shapes(parsed(polygon((170, 0), (190, 0), (190, 9))))
    assert (east.bounds, west.bounds) == ((170, 0, 190, 9), (-190, 0, -170, 9))
    assert [shape.bounds for shape in shapes(parsed({"type": "Point", "coordinates": [200, 5]}))] == [
        (-160, 5, -160, 5)
    ]
    assert len(shapes(parsed(polygon((-200, 0), (200, 0), (0, 9))))) == 3
    assert parsed(polygon((-181, -90), (181, -90), (181, 90), (-181, 90))).world


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "5",
        "[]",
        "{}",
        '{"type":"Circle","coordinates":[0,0]}',
        '{"type":"Feature","geometry":{"type":"Point","coordinates":[0,0]},"properties":{}}',
        '{"type":"Point"}',
        '{"type":"Point","coordinates":null}',
        '{"type":"Point","coordinates":[]}',
        '{"type":"Point","coordinates":[1]}',
        '{"type":"Point","coordinates":["1","2"]}',
        '{"type":"Point","coordinates":[1e999,2]}',
        '{"type":"Point","coordinates":[0,90.1]}',
        '{"type":"Point","coordinates":[540.1,0]}',
        '{"type":"Point","coordinates":[-540.1,0]}',
        '{"type":"LineString","coordinates":[[0,0]]}',
        '{"type":"Polygon","coordinates":[]}',
        '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1]]]}',
        '{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}',
        '{"type":"GeometryCollection","geometries":[]}',
        '{"type":"GeometryCollection","geometries":[null]}',
        '{"type":"GeometryCollection"}',
        '{"type":"Point","coordinates":[0,0]',
        '{"type":"Point","coordinates":[0,0]}}',
    ],
)
def test_what_is_no_geometry_is_refused(text: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_geometry(text.encode(), points_max=100)
    assert refused.value.parameter == "intersects"


def test_points_are_counted_in_all_parts() -> None:
    points = {"type": "MultiPoint", "coordinates": [[number, 0] for number in range(101)]}
    nested = {"type": "GeometryCollection", "geometries": [points]}
    for geometry in (points, nested):
        with pytest.raises(TooLargeError, match="at most 100 points"):
            parsed(geometry)
        parsed(geometry, points_max=101)


_NAMES = st.sampled_from(["type", "coordinates", "geometries"])
_JSON = st.recursive(
    st.none() | st.floats() | st.text(max_size=3) | st.sampled_from(["Point", "Polygon"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=3),
)


@settings(deadline=None, derandomize=True)
@given(_JSON)
def test_json_of_any_kind_is_an_area_or_refused(value: object) -> None:
    try:
        area = parsed(value)
    except InvalidError:
        return
    assert shapes(area)


def test_a_polygon_of_one_point_in_a_collection_is_refused() -> None:
    nothing = {"type": "MultiPolygon", "coordinates": [[[[0.0, 0.0]] * 3]]}
    collection = json.dumps({"type": "GeometryCollection", "geometries": [nothing]}).encode()
    with pytest.raises(InvalidError, match="the geometry encloses nothing"):
        parse_geometry(collection, points_max=100)

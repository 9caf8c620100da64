"""Crossings: polygons that are not valid become the area that they enclose, if they are not too many to compute."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from satapi.errors import InvalidError, TooLargeError
from satapi.stac.crossings import mended

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
_BOW_TIE = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])


@pytest.mark.parametrize(
    ("geometry", "area"),
    [
        (_BOW_TIE, 50),
        # A hole that touches its shell along an edge.
        (shapely.Polygon(_SQUARE, [[(0, 2), (5, 2), (5, 4), (0, 4)]]), 90),
        (shapely.MultiPolygon([shapely.Polygon(_SQUARE), shapely.box(5, 5, 15, 15)]), 175),
        (shapely.Polygon([(0, 0), (10, 0), (5, 0)]), 0),
        (shapely.GeometryCollection([shapely.Point(1, 2), shapely.GeometryCollection([_BOW_TIE])]), 50),
    ],
)
def test_what_is_enclosed_is_the_area(geometry: shapely.Geometry, area: float) -> None:
    found = mended(geometry, "intersects")
    assert found.is_valid
    assert found.area == area
    assert not found.is_empty


def test_what_is_valid_stays_as_it_is() -> None:
    for geometry in (shapely.Polygon(_SQUARE), shapely.LineString([(0, 0), (9, 9), (9, 0), (0, 9)])):
        assert mended(geometry, "intersects") is geometry


def test_a_polygon_of_many_points_may_cross_itself_but_not_countless_times() -> None:
    circle = list(shapely.Point(0, 0).buffer(1, quad_segs=2000).exterior.coords)
    circle[5], circle[6] = circle[6], circle[5]
    assert mended(shapely.Polygon(circle), "intersects").area == pytest.approx(3.14159, abs=1e-5)
    random = Random(1)
    tangle = shapely.Polygon([(random.random(), random.random()) for _ in range(1000)])
    for geometry in (tangle, shapely.GeometryCollection([shapely.MultiPolygon([tangle])])):
        with pytest.raises(TooLargeError, match="at most 1000 crossings"):
            mended(geometry, "intersects")


def collection(*parts: BaseGeometry) -> BaseGeometry:
    return shapely.GeometryCollection(list(parts))


def comb(teeth: int, *, upright: bool) -> shapely.Polygon:
    points = [point for x in range(0, 2 * teeth, 2) for point in ((x, 0), (x + 0.5, 2 * teeth), (x + 1, 0))]
    ring = [*points, (2 * teeth, -1), (-1, -1)]
    return shapely.Polygon(ring if upright else [(y, x) for x, y in ring])


def test_the_parts_of_a_collection_do_not_cross_countless_times_also_where_they_are_valid() -> None:
    random = Random(1)
    tangle = shapely.LineString([(random.random(), random.random()) for _ in range(1_000)])
    lines = shapely.MultiLineString([tangle.coords[:500], tangle.coords[500:]])
    square = shapely.Polygon(_SQUARE)
    for geometry in (collection(tangle, square), collection(collection(square, lines))):
        assert geometry.is_valid
        with pytest.raises(TooLargeError, match="at most 10000 crossings"):
            mended(geometry, "intersects")
    assert mended(tangle, "intersects") is tangle
    with pytest.raises(TooLargeError, match="at most 50000 crossings"):
        mended(collection(comb(150, upright=True), comb(150, upright=False)), "intersects")


def test_the_parts_of_a_collection_may_overlap_and_share_edges() -> None:
    random = Random(2)
    middles = [shapely.Point(random.uniform(0, 30), random.uniform(0, 30)) for _ in range(2_000)]
    diamonds = [middle.buffer(1, quad_segs=1) for middle in middles]
    tiles = [shapely.box(number // 50, number % 50, number // 50 + 1, number % 50 + 1) for number in range(2_000)]
    walk = shapely.LineString([(number, number % 2) for number in range(9_000)])
    for geometry in (collection(*diamonds), collection(*tiles), collection(walk, diamonds[0]), collection(*middles)):
        assert mended(geometry, "intersects") is geometry
    assert mended(shapely.GeometryCollection(), "intersects").is_empty


def test_edges_that_are_near_each_other_without_crossing_are_not_countless() -> None:
    teeth = [
        point
        for offset in (number / 250 for number in range(1_000))
        for point in ((offset, -offset), (50 + offset, 50 - offset), (offset + 0.001, -offset - 0.001))
    ]
    diagonal = shapely.Polygon([*teeth, (3, -9), (-1, -1)])
    assert diagonal.is_valid
    far = shapely.box(60, 60, 61, 61)
    for geometry in (collection(diagonal, far), shapely.MultiPolygon([diagonal, _BOW_TIE])):
        with pytest.raises(TooLargeError, match="pairs of edges"):
            mended(geometry, "intersects")
    assert mended(diagonal, "intersects") is diagonal


def test_what_cannot_be_mended_is_refused() -> None:
    shell = [(180 - 3e-14, 1 - 1e-16), (1e-155, 2e-308), (180, 180), (80, 80), (1e-160, 80 + 1e-14), (1, 1)]
    hole = [(0, -80 - 1e-14), (0, 1e-155), (0, 180), (180 - 3e-14, 1e-17)]
    with pytest.raises(InvalidError, match="cannot be mended"):
        mended(shapely.Polygon(shell, [hole]), "intersects")


_NUMBERS = st.integers(-5, 5) | st.integers(-180_000_000, 180_000_000).map(lambda number: number / 1_000_000)
_RINGS = st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=3, max_size=12)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.lists(_RINGS, min_size=1, max_size=4))
def test_polygons_of_any_shape_become_valid(rings: list[list[tuple[float, float]]]) -> None:
    shell, *holes = rings
    for geometry in (shapely.Polygon(shell, holes), shapely.MultiPolygon([shapely.Polygon(ring) for ring in rings])):
        assert mended(geometry, "intersects").is_valid

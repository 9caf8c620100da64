"""Hexagons are those that a footprint meets, in one piece or cut at the antimeridian."""

from __future__ import annotations

from random import Random

import h3
import pytest
import shapely

from satapi.query import hexagons

EVERYTHING = 1_000


def met(wkt: str, resolution: int, cells_max: int = EVERYTHING) -> frozenset[str]:
    return hexagons.of_footprint(shapely.to_wkb(shapely.from_wkt(wkt)), resolution, cells_max)


def around(latitude: float, longitude: float, resolution: int, steps: int) -> dict[str, shapely.Polygon]:
    cells = h3.grid_disk(h3.latlng_to_cell(latitude, longitude, resolution), steps)
    return {cell: shapely.Polygon([(x, y) for y, x in h3.cell_to_boundary(cell)]) for cell in cells}


@pytest.mark.parametrize("kind", ["POLYGON", "LINESTRING", "POINT"])
def test_a_footprint_is_in_every_hexagon_that_it_meets(kind: str) -> None:
    random = Random(kind)
    for _ in range(60):
        x, y = random.uniform(-120, 120), random.uniform(-60, 60)
        dx, dy = random.uniform(0.1, 4), random.uniform(0.1, 4)
        match kind:
            case "POLYGON":
                shape = shapely.Polygon([(x, y), (x + dx, y), (x + dx, y + dy), (x + dx / 3, y + dy)])
            case "LINESTRING":
                shape = shapely.LineString([(x, y), (x + dx, y + dy), (x + 2 * dx, y)])
            case _:
                shape = shapely.Point(x, y)
        near = around(y, x, 2, 9)
        expected = {cell for cell, outline in near.items() if outline.intersects(shape)}
        assert hexagons.of_footprint(shapely.to_wkb(shape), 2, EVERYTHING) == expected


def test_parts_are_united_and_holes_left_out() -> None:
    one, other = "((0 0,3 0,3 3,0 3,0 0))", "((2 2,5 2,5 5,2 5,2 2))"
    assert met(f"MULTIPOLYGON({one},{other})", 3) == met(f"POLYGON{one}", 3) | met(f"POLYGON{other}", 3)
    assert met(f"GEOMETRYCOLLECTION(POINT(9 9),POLYGON{one})", 3) == met(f"POLYGON{one}", 3) | met("POINT(9 9)", 3)
    ring = "POLYGON((0 0,20 0,20 20,0 20,0 0),(1 1,19 1,19 19,1 19,1 1))"
    assert h3.latlng_to_cell(10, 10, 3) not in met(ring, 3)


def test_what_was_cut_at_the_antimeridian_is_on_both_sides_of_it_and_nowhere_else() -> None:
    found = met("MULTIPOLYGON(((175 0,180 0,180 5,175 5,175 0)),((-180 0,-175 0,-175 5,-180 5,-180 0)))", 2)
    assert {h3.latlng_to_cell(2, 178, 2), h3.latlng_to_cell(2, -178, 2)} <= found
    assert all(abs(h3.cell_to_latlng(cell)[1]) > 170 for cell in found)


def test_what_is_wider_than_half_the_world_is_not_taken_for_its_other_side() -> None:
    found = met("POLYGON((-150 10,150 10,150 40,-150 40,-150 10))", 1)
    assert h3.latlng_to_cell(25, 0, 1) in found
    assert h3.latlng_to_cell(25, 180, 1) not in found
    line = met("LINESTRING(-150 0,150 0)", 1)
    assert h3.latlng_to_cell(0, 0, 1) in line
    assert h3.latlng_to_cell(0, 180, 1) not in line


def test_too_many_hexagons_are_none() -> None:
    square = "POLYGON((0 0,10 0,10 10,0 10,0 0))"
    assert met(square, 15) == frozenset()
    assert met("LINESTRING(0 0,10 10)", 15) == frozenset()
    assert met(square, 3, cells_max=10) == frozenset()
    assert len(met(square, 3)) > 10

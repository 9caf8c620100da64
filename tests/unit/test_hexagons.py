"""Hexagons are those that a footprint meets, in one piece or cut at the antimeridian."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from random import Random

import h3
import numpy as np
import pytest
import shapely
from msgspec import structs

from satapi.db.aggregations import worked_out
from satapi.errors import TimedOutError, TooLargeError
from satapi.query import hexagons
from satapi.query.aggregate import Limits
from satapi.query.aggregated import Row, answers
from satapi.query.inventory import ITEMS
from satapi.query.measures import Grid, measures

EVERYTHING = 1_000


def met(wkt: str, resolution: int, cells_max: int = EVERYTHING) -> frozenset[str]:
    return cells_of(shapely.from_wkt(wkt), resolution, cells_max)


def cells_of(shape: shapely.Geometry, resolution: int, cells_max: int = EVERYTHING) -> frozenset[str]:
    found = hexagons.of_footprint(shapely.to_wkb(shape), resolution, cells_max)
    return frozenset(map(h3.int_to_str, found.tolist()))


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
        assert cells_of(shape, 2) == expected


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


def test_what_is_wide_is_whole_also_where_it_touches_a_cut() -> None:
    found = met("POLYGON((-100 0,100 0,100 10,-60 10,-60 20,-100 20,-100 0))", 1)
    assert {h3.latlng_to_cell(latitude, longitude, 1) for latitude, longitude in ((5, 0), (5, 90), (15, -80))} <= found
    line = met("LINESTRING(-100 0,-60 5,-100 10,0 10,100 10)", 1)
    assert {h3.latlng_to_cell(10, longitude, 1) for longitude in (-90, 0, 90)} <= line


def test_too_many_hexagons_are_none() -> None:
    square = "POLYGON((0 0,10 0,10 10,0 10,0 0))"
    assert met(square, 15) == frozenset()
    assert met("LINESTRING(0 0,10 10)", 15) == frozenset()
    assert met(square, 3, cells_max=10) == frozenset()
    assert len(met(square, 3)) > 10


def test_the_cells_of_most_items_are_shown_and_items_in_no_other_are_the_overflow() -> None:
    first, second, third = sorted(h3.str_to_int(h3.latlng_to_cell(latitude, 0, 3)) for latitude in (10, 20, 30))
    footprints = [
        np.array(cells, np.uint64) for cells in ([first, second], [second, third], [], [third, first], [third])
    ]
    placed = hexagons.of_footprints(footprints, [5, 2, 7, 1, 3])
    names = [h3.int_to_str(cell) for cell in (first, second, third)]
    assert hexagons.counted(placed, 9) == ([(names[1], 7), (names[0], 6), (names[2], 6)], 7)
    assert hexagons.counted(placed, 2) == ([(names[1], 7), (names[0], 6)], 10)
    assert hexagons.counted(placed, 1) == ([(names[1], 7)], 11)
    assert hexagons.counted(hexagons.of_footprints([], []), 9) == ([], 0)


def test_cells_take_eight_bytes_each() -> None:
    found = hexagons.of_footprint(shapely.to_wkb(shapely.box(0, 0, 10, 10)), 3, EVERYTHING)
    assert found.nbytes == 8 * len(found)


def grid(place: str) -> Grid:
    (found,) = measures([f"{place}_geohex_grid_frequency"], {}, "month", ITEMS)
    assert isinstance(found, Grid)
    return found


def test_footprints_have_so_many_cells_together() -> None:
    wkb = shapely.to_wkb(shapely.box(0, 0, 40, 40))
    size = len(hexagons.of_footprint(wkb, grid("geometry").precision, EVERYTHING))
    rows = [Row(0, None, "footprint", 1, wkb)] * 10
    limits = Limits(10, EVERYTHING, 10, 10, 10 * size, 1)
    (found,) = answers([grid("geometry")], rows, limits, lambda: None)
    assert found.buckets
    with pytest.raises(TooLargeError, match=f"at most {10 * size - 1} cells of footprints.*coarser"):
        answers([grid("geometry")], rows, structs.replace(limits, hexagons=10 * size - 1), lambda: None)


@pytest.mark.parametrize("place", ["centroid", "geometry"])
def test_hexagons_are_worked_out_until_they_are_stopped(place: str) -> None:
    if place == "centroid":
        rows = [Row(0, None, "centroids", 0, np.zeros((50_000, 2), ">f8").tobytes())]
    else:
        rows = [Row(0, None, "footprint", 1, shapely.to_wkb(shapely.Point(number, 0))) for number in range(5)]
    calls: list[None] = []

    def stop() -> None:
        calls.append(None)
        if len(calls) == 3:
            raise TimedOutError("It is enough")

    with pytest.raises(TimedOutError):
        answers([grid(place)], rows, Limits(10, EVERYTHING, 50_000, 10, 100, 1), stop)


async def test_hexagons_take_so_many_seconds_and_none_for_a_caller_that_is_gone() -> None:
    (fine,) = measures(
        ["geometry_geohex_grid_frequency"], {"geometry_geohex_grid_frequency_precision": 5}, "month", ITEMS
    )
    rows = [Row(0, None, "footprint", 1, shapely.to_wkb(shapely.box(0, 0, 3, 3)))] * 4_000
    limits = Limits(10, EVERYTHING, 10, len(rows), 10**9, -1.0)
    with pytest.raises(TimedOutError, match="took longer"):
        await worked_out([fine], rows, limits)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    task = asyncio.create_task(worked_out([fine], rows, structs.replace(limits, seconds=600.0)))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The only thread is free for others.
    await asyncio.wait_for(asyncio.to_thread(str), 5)

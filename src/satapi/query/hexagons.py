"""Hexagons: the H3 cells of centroids and of footprints, which SQL has no function for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, cast

import h3.api.basic_int as h3
import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    # As H3 has them, without their texts: eight bytes each.
    Cells = NDArray[np.uint64]

# A latitude and a longitude, as doubles.
POINT_BYTES = 16

_KM_A_DEGREE = 111.2
# H3 takes what is wider than half a turn for its other side, so what is wide is cut into these.
_THIRDS = [shapely.box(west, -90, west + 120, 90) for west in (-180, -60, 60)]


# Centroids that are looked up between two looks at the clock.
_CENTROIDS = 10_000


class Placed(NamedTuple):
    """Items in cells: `items[n]` of them are in each cell of `cells` whose place in `whose` has n, or in none."""

    cells: Cells
    whose: NDArray[np.intp]
    items: NDArray[np.int64]


class Counts(NamedTuple):
    """The cells that hold most items, those first, and how many items are in none of them."""

    cells: list[tuple[str, int]]
    overflow: int


def of_centroids(points: bytes, resolution: int, go_on: Callable[[], None]) -> Placed:
    """The cells of points, which are pairs of a latitude and a longitude, as big-endian doubles.

    `go_on` is called again and again, and may raise.
    """
    pairs = np.frombuffer(points, ">f8").reshape(-1, 2)
    found = np.empty(len(pairs), np.uint64)
    for first in range(0, len(pairs), _CENTROIDS):
        go_on()
        some = cast("list[tuple[float, float]]", pairs[first : first + _CENTROIDS].tolist())
        found[first : first + len(some)] = [h3.latlng_to_cell(south, east, resolution) for south, east in some]
    cells, items = np.unique(found, return_counts=True)
    return Placed(cells, np.arange(len(cells)), items)


def of_footprint(wkb: bytes | None, resolution: int, cells_max: int) -> Cells:
    """The cells that a geometry meets; none where it is missing or they would be more than about `cells_max`."""
    if wkb is None:
        return np.empty(0, np.uint64)
    parts = list(_parts(shapely.from_wkb(wkb)))
    if sum(_estimate(part, resolution) for part in parts) > cells_max:
        return np.empty(0, np.uint64)
    return np.array(sorted({cell for part in parts for cell in _cells(part, resolution)}), np.uint64)


def of_footprints(footprints: list[Cells], items: list[int]) -> Placed:
    """So many items have each of these footprints."""
    whose = np.repeat(np.arange(len(footprints)), [len(cells) for cells in footprints])
    return Placed(np.concatenate([np.empty(0, np.uint64), *footprints]), whose, np.array(items, np.int64))


def counted(placed: Placed, cells_max: int) -> Counts:
    """The `cells_max` cells that hold most items; of as many, the first by their names."""
    cells, place = np.unique(placed.cells, return_inverse=True)
    held = np.zeros(len(cells), np.int64)
    np.add.at(held, place, placed.items[placed.whose])
    # All names are of one length, so the numbers are in their order.
    shown = np.argsort(-held, kind="stable")[:cells_max]
    is_shown = np.zeros(len(cells), np.bool_)
    is_shown[shown] = True
    is_in_none = np.ones(len(placed.items), np.bool_)
    is_in_none[placed.whose[is_shown[place]]] = False
    names = [h3.int_to_str(cell) for cell in cast("list[int]", cells[shown].tolist())]
    frequencies = cast("list[int]", held[shown].tolist())
    return Counts(list(zip(names, frequencies, strict=True)), int(placed.items[is_in_none].sum()))


def _parts(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    """The points, lines and polygons of a geometry, none too wide."""
    if geometry.geom_type.startswith(("Multi", "Geometry")):
        for part in cast("list[BaseGeometry]", shapely.get_parts(geometry).tolist()):
            yield from _parts(part)
        return
    west, _, east, _ = geometry.bounds
    if east - west <= _THIRDS[0].bounds[2] - _THIRDS[0].bounds[0]:
        yield geometry
        return
    for third in _THIRDS:
        # What only touches a third is of a lower dimension there, and lies in its neighbour as well.
        cut = cast("list[BaseGeometry]", shapely.get_parts(shapely.intersection(geometry, third)).tolist())
        yield from (part for part in cut if part.geom_type == geometry.geom_type and not part.is_empty)


def _estimate(part: BaseGeometry, resolution: int) -> float:
    """As many cells as the box around it would have."""
    west, south, east, north = part.bounds
    nearest = 0.0 if south <= 0 <= north else min(abs(south), abs(north))
    width = (east - west) * _KM_A_DEGREE * math.cos(math.radians(nearest))
    if part.geom_type != "Polygon":
        return (width + (north - south) * _KM_A_DEGREE) / h3.average_hexagon_edge_length(resolution)
    return width * (north - south) * _KM_A_DEGREE / h3.average_hexagon_area(resolution)


def _cells(part: BaseGeometry, resolution: int) -> list[int]:
    match part:
        case shapely.Point():
            return [h3.latlng_to_cell(part.y, part.x, resolution)]
        case shapely.Polygon():
            shape = h3.LatLngPoly(_ring(part.exterior), *map(_ring, part.interiors))
        case _:
            # There and back again: a ring around nothing.
            there = _ring(part)
            shape = h3.LatLngPoly([*there, *reversed(there)])
    return h3.h3shape_to_cells_experimental(shape, resolution, contain="overlap")


def _ring(line: BaseGeometry) -> list[tuple[float, float]]:
    points = cast("list[tuple[float, float]]", shapely.get_coordinates(line).tolist())
    return [(latitude, longitude) for longitude, latitude in points]

"""Hexagons: the H3 cells of centroids and of footprints, which SQL has no function for."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, cast

import h3.api.basic_int as h3
import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapely.geometry.base import BaseGeometry

# A latitude and a longitude, as doubles.
POINT_BYTES = 16

_KM_A_DEGREE = 111.2
# H3 takes what is wider than half a turn for its other side, so what is wide is cut into these.
_THIRDS = [shapely.box(west, -90, west + 120, 90) for west in (-180, -60, 60)]


def of_centroids(points: bytes, resolution: int) -> Counter[str]:
    """How many points are in each cell; points are pairs of a latitude and a longitude, as big-endian doubles."""
    pairs = cast("list[tuple[float, float]]", np.frombuffer(points, ">f8").reshape(-1, 2).tolist())
    found = Counter(h3.latlng_to_cell(latitude, longitude, resolution) for latitude, longitude in pairs)
    return Counter({h3.int_to_str(cell): items for cell, items in found.items()})


def of_footprint(wkb: bytes | None, resolution: int, cells_max: int) -> frozenset[str]:
    """The cells that a geometry meets; none where it is missing or they would be more than about `cells_max`."""
    if wkb is None:
        return frozenset()
    parts = list(_parts(shapely.from_wkb(wkb)))
    if sum(_estimate(part, resolution) for part in parts) > cells_max:
        return frozenset()
    return frozenset(h3.int_to_str(cell) for part in parts for cell in _cells(part, resolution))


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
        cut = shapely.intersection(geometry, third)
        if not cut.is_empty and cut.geom_type.endswith(geometry.geom_type):
            yield from _parts(cut)


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

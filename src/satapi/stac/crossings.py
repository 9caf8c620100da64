"""Crossings: polygons that cross or touch themselves, as the area that they enclose."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import shapely

from satapi.errors import InvalidError, TooLargeError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    _Array = NDArray[np.object_]

# Mending takes 20 us for each crossing, and 2,000 points can have half a million.
_CROSSINGS_MAX = 1_000

# Uniting takes 25 us for each crossing of lines, and 8 us for each of polygons, which may also share edges.
_LINE_CROSSINGS_MAX = 10_000
_UNITED_CROSSINGS_MAX = 50_000

# Edges whose boxes meet must be compared, also where they do not cross; a pair takes 0.2 us.
_NEAR_MAX = 1_000_000

# Edges that are compared with all others at once.
_COMPARED = 50


def mended(geometry: BaseGeometry, parameter: str) -> BaseGeometry:
    """The same area as a valid geometry, and a collection as one whose parts can be united in a short time.

    Raises TooLargeError for one that crosses itself too often, and InvalidError where GEOS finds no way.
    """
    try:
        if geometry.is_valid:
            if geometry.geom_type == "GeometryCollection":
                _check_parts(geometry, parameter)
            return geometry
        _check_crossings(np.concatenate(_edges(geometry)), _CROSSINGS_MAX, geometry, parameter)
        # GEOS leaves marks of divisions by zero that it has dealt with, of which NumPy would warn.
        with np.errstate(all="ignore"):
            return shapely.make_valid(geometry, method="structure", keep_collapsed=True)
    except shapely.errors.GEOSException as error:
        raise InvalidError(parameter, geometry.geom_type, f"it is not valid and cannot be mended: {error}") from None


def _check_parts(geometry: BaseGeometry, parameter: str) -> None:
    of_lines, of_polygons = _edges(geometry)
    _check_crossings(of_lines, _LINE_CROSSINGS_MAX, geometry, parameter)
    _check_crossings(np.concatenate((of_lines, of_polygons)), _UNITED_CROSSINGS_MAX, geometry, parameter)


def _check_crossings(edges: _Array, at_most: int, geometry: BaseGeometry, parameter: str) -> None:
    if not len(edges):
        return
    tree = shapely.STRtree(edges)
    # Each edge meets itself and its two neighbours, and a crossing is met by both of its edges.
    left, near = 3 * len(edges) + 2 * at_most, _NEAR_MAX
    for some in np.array_split(edges, len(edges) // _COMPARED + 1):
        near -= tree.query(some).shape[1]
        if near < 0:
            raise TooLargeError(
                parameter,
                f"a {geometry.geom_type} with more edges that are near each other",
                f"at most {_NEAR_MAX} pairs of edges may have boxes that meet",
            )
        left -= tree.query(some, predicate="intersects").shape[1]
        if left < 0:
            raise TooLargeError(
                parameter,
                f"a {geometry.geom_type} that crosses itself more often",
                f"at most {at_most} crossings are allowed",
            )


def _edges(geometry: BaseGeometry) -> tuple[_Array, _Array]:
    """The edges of all lines and of all polygons in a geometry, each a line of two points."""
    parts = np.array([geometry])
    while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():
        parts = shapely.get_parts(parts)
    lines = parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING]
    return _edges_of(lines), _edges_of(shapely.get_rings(parts))


def _edges_of(lines: _Array) -> _Array:
    points, line = shapely.get_coordinates(lines, return_index=True)
    pairs = np.stack((points[:-1], points[1:]), axis=1)
    return cast("_Array", shapely.linestrings(pairs[line[:-1] == line[1:]]))

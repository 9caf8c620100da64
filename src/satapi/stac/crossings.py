"""Crossings: polygons that cross or touch themselves, as the area that they enclose."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import shapely

from satapi.errors import InvalidError, TooLargeError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

# Mending takes 20 us for each crossing, and 2,000 points can have half a million.
_CROSSINGS_MAX = 1_000

# Edges that are compared with all others at once.
_COMPARED = 50


def mended(geometry: BaseGeometry, parameter: str) -> BaseGeometry:
    """The same area as a valid geometry.

    Raises TooLargeError for one that crosses itself too often, and InvalidError where GEOS finds no way.
    """
    try:
        if geometry.is_valid:
            return geometry
        _check_crossings(geometry, parameter)
        # GEOS leaves marks of divisions by zero that it has dealt with, of which NumPy would warn.
        with np.errstate(all="ignore"):
            return shapely.make_valid(geometry, method="structure", keep_collapsed=True)
    except shapely.errors.GEOSException as error:
        raise InvalidError(parameter, geometry.geom_type, f"it is not valid and cannot be mended: {error}") from None


def _check_crossings(geometry: BaseGeometry, parameter: str) -> None:
    edges = _edges(geometry)
    tree = shapely.STRtree(edges)
    # Each edge meets itself and its two neighbours, and a crossing is met by both of its edges.
    left = 3 * len(edges) + 2 * _CROSSINGS_MAX
    for some in np.array_split(edges, len(edges) // _COMPARED + 1):
        left -= tree.query(some, predicate="intersects").shape[1]
        if left < 0:
            raise TooLargeError(
                parameter,
                f"a {geometry.geom_type} that crosses itself more often",
                f"at most {_CROSSINGS_MAX} crossings are allowed",
            )


def _edges(geometry: BaseGeometry) -> NDArray[np.object_]:
    """The edges of all polygons in a geometry, each a line of two points."""
    parts = np.array([geometry])
    while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():
        parts = shapely.get_parts(parts)
    points, ring = shapely.get_coordinates(shapely.get_rings(parts), return_index=True)
    pairs = np.stack((points[:-1], points[1:]), axis=1)
    return cast("NDArray[np.object_]", shapely.linestrings(pairs[ring[:-1] == ring[1:]]))

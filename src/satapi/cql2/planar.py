"""Planar geometry: the literals of filters as shapes in two dimensions, as PostGIS compares them."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never, cast

import msgspec
import shapely

from satapi.cql2 import geojson
from satapi.cql2.ast import BoundingBox, Geometry, GeometryCollection
from satapi.errors import InvalidError
from satapi.stac.geometry import box, comparable, parse_bbox

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from satapi.cql2.ast import AnyGeometry, Spot

_DEGREES = (-180.0, -90.0, 180.0, 90.0)


def shape(spot: Spot, parameter: str) -> BaseGeometry:
    """The shape of a literal; what crosses itself is taken as the area that it encloses. Raises InvalidError."""
    match spot:
        case BoundingBox(numbers):
            return _box(numbers, parameter)
        case Geometry() | GeometryCollection():
            return _read(spot, parameter)
        case _:
            assert_never(spot)


def _read(geometry: AnyGeometry, parameter: str) -> BaseGeometry:
    written = msgspec.json.encode(geojson.document(geometry))
    try:
        found = shapely.force_2d(shapely.from_geojson(written))
    except shapely.errors.GEOSException as error:
        raise InvalidError(parameter, written.decode(), f"{error}; allowed is a geometry of GeoJSON") from None
    return comparable(found, parameter)


def _box(numbers: tuple[float, ...], parameter: str) -> BaseGeometry:
    """A box in degrees may cross the antimeridian; others are taken as they are."""
    half = len(numbers) // 2
    west, south, east, north = *numbers[:2], *numbers[half : half + 2]
    if min(west, east) < _DEGREES[0] or max(west, east) > _DEGREES[2] or south < _DEGREES[1] or north > _DEGREES[3]:
        if west > east:
            raise InvalidError(parameter, f"{numbers}", "west is greater than east in degrees alone")
        return box(west, south, east, north)
    parts = [shapely.from_wkb(part.wkb) for part in parse_bbox((west, south, east, north), parameter).parts]
    return parts[0] if len(parts) == 1 else shapely.unary_union(parts)


def stored_shape(value: object) -> BaseGeometry | None:
    """The shape of a GeoJSON value in an item, None where it is none."""
    if not isinstance(value, dict) or cast("dict[str, object]", value).get("type") not in _TYPES:
        return None
    try:
        geometry = shapely.force_2d(shapely.from_geojson(_ENCODER.encode(value)))
        if geometry.geom_type == "GeometryCollection" or not geometry.is_valid:
            geometry = shapely.unary_union(shapely.make_valid(geometry, method="structure", keep_collapsed=True))
    except (shapely.errors.GEOSException, ValueError):
        return None
    if geometry.is_empty or not max(map(abs, geometry.bounds)) <= _GREATEST:
        return None
    return geometry


# As in the SQL: doubles reach a little further.
_GREATEST = 1e300
_TYPES = frozenset({*geojson.LEVELS, "GeometryCollection"})
_ENCODER = msgspec.json.Encoder(decimal_format="number")

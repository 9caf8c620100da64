"""Planar geometry: the literals of filters as shapes in two dimensions, as PostGIS compares them."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never, cast

import msgspec
import shapely

from satapi.cql2 import geojson, wkt
from satapi.cql2.ast import BoundingBox, Function, Geometry, GeometryCollection, Property
from satapi.errors import InvalidError
from satapi.stac.geometry import box, comparable, fault, parse_bbox, united, wrapped

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from satapi.cql2.ast import AnyGeometry, Expression, SpatialOperator, Spot

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


def is_on_the_globe(expression: Expression) -> bool:
    """Whether it is the geometry of a document, or made of it: what stands beside it is in degrees."""
    match expression:
        case Property(name):
            return name.removeprefix("properties.") == "geometry"
        case Function(_, arguments):
            return any(map(is_on_the_globe, arguments))
        case _:
            return False


def placed(operator: SpatialOperator, spot: Spot, parameter: str) -> BaseGeometry:
    """The shape of a literal beside the geometry of documents: what runs over the antimeridian is wrapped.

    A shape that only touches the antimeridian from one side meets what touches it there; to the other relations that
    edge is no part of it. Raises InvalidError for what lies outside the world.
    """
    edges = operator in {"s_intersects", "s_disjoint"}
    if isinstance(spot, BoundingBox):
        west, south, east, north = _corners(spot.numbers)
        if (allowed := fault(shapely.LineString([(west, south), (east, north)]))) is not None:
            raise _outside(spot, parameter, allowed)
        parts = [shapely.from_wkb(part.wkb) for part in parse_bbox((west, south, east, north), parameter).parts]
        return united(parts, parameter, edges=edges)
    found = _read(spot, parameter)
    if (allowed := fault(found)) is not None:
        raise _outside(spot, parameter, allowed)
    return wrapped(found, parameter, edges=edges)


def _outside(spot: Spot, parameter: str, allowed: str) -> InvalidError:
    return InvalidError(parameter, wkt.render(spot), f"a coordinate is outside the world; {allowed}")


def _read(geometry: AnyGeometry, parameter: str) -> BaseGeometry:
    written = msgspec.json.encode(geojson.document(geometry))
    try:
        found = shapely.force_2d(shapely.from_geojson(written))
    except shapely.errors.GEOSException as error:
        raise InvalidError(parameter, written.decode(), f"{error}; allowed is a geometry of GeoJSON") from None
    return comparable(found, parameter)


def _box(numbers: tuple[float, ...], parameter: str) -> BaseGeometry:
    """A box in degrees may cross the antimeridian; others are taken as they are."""
    west, south, east, north = _corners(numbers)
    if min(west, east) < _DEGREES[0] or max(west, east) > _DEGREES[2] or south < _DEGREES[1] or north > _DEGREES[3]:
        if west > east:
            raise InvalidError(parameter, f"{numbers}", "west is greater than east in degrees alone")
        return box(west, south, east, north)
    parts = [shapely.from_wkb(part.wkb) for part in parse_bbox((west, south, east, north), parameter).parts]
    return parts[0] if len(parts) == 1 else shapely.unary_union(parts)


def _corners(numbers: tuple[float, ...]) -> tuple[float, float, float, float]:
    half = len(numbers) // 2
    west, south = numbers[:2]
    east, north = numbers[half : half + 2]
    return west, south, east, north


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

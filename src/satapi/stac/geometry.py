"""Areas: the bbox and intersects parameters as geometries that PostGIS takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, cast

import msgspec
import shapely
from shapely import affinity

from satapi.errors import InvalidError, TooLargeError
from satapi.stac.crossings import mended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

_WORLD = shapely.box(-180.0, -90.0, 180.0, 90.0)
_BBOX = (
    "allowed are 4 numbers west,south,east,north in degrees, or 6 with heights: west,south,lowest,east,north,highest"
)
_GEOJSON = "allowed is a GeoJSON geometry in WGS 84 longitude and latitude (RFC 7946)"


class Part(msgspec.Struct, frozen=True):
    """A geometry in degrees: as WKB, and the west, south, east and north of the box around it, within the world."""

    wkb: bytes
    box: tuple[float, float, float, float]


class Area(msgspec.Struct, frozen=True):
    """Where an item's geometry must lie: it intersects one of `parts` (WKB in degrees; one to three).

    An area that spans the antimeridian has a western and an eastern part: as one geometry its envelope would
    be the whole band of latitudes, which no index narrows. `world` says that it covers every geometry.
    """

    parts: tuple[Part, ...]
    world: bool = False


def parse_bbox(numbers: Sequence[float], parameter: str = "bbox") -> Area:
    """The bbox parameter (OGC API Features 1.0, 7.15.2): west may be greater than east, across the antimeridian.

    Heights are checked and not compared: geometries are compared in two dimensions, as in PostGIS. Raises InvalidError.
    """
    match list(numbers):
        case [west, south, east, north]:
            pass
        case [west, south, low, east, north, high]:
            if not low <= high:
                raise InvalidError(parameter, _shown(numbers), f"the lowest height is above the highest; {_BBOX}")
        case _:
            raise InvalidError(parameter, _shown(numbers), _BBOX)
    if not all(math.isfinite(number) for number in numbers):
        raise InvalidError(parameter, _shown(numbers), _BBOX)
    if south > north:
        raise InvalidError(parameter, _shown(numbers), f"south is greater than north; {_BBOX}")
    if max(abs(west), abs(east)) > _LONGITUDE_MAX:
        raise InvalidError(parameter, _shown(numbers), f"longitudes go from -180 to 180; {_BBOX}")
    # Maps that were dragged or zoomed beyond the world send such boxes; what they show is inside it.
    south, north = max(south, -90.0), min(north, 90.0)
    if south > north:
        raise InvalidError(parameter, _shown(numbers), f"latitudes go from -90 to 90; {_BBOX}")
    if east - west >= _TURN:
        return _area([box(-180.0, south, 180.0, north)])
    west, east = _wrapped(west), _wrapped(east)
    if west <= east:
        return _area([box(west, south, east, north)])
    return _area([box(west, south, 180.0, north), box(-180.0, south, east, north)])


def parse_geometry(geojson: bytes, *, points_max: int, parameter: str = "intersects") -> Area:
    """The intersects parameter: any GeoJSON geometry, as JSON text.

    Like a box it may run over the antimeridian, to longitudes of 540 degrees. A polygon that crosses itself is taken as
    the area that it encloses. Raises InvalidError, and TooLargeError for more than `points_max` points.
    """
    shown = geojson.decode(errors="replace")
    try:
        head = msgspec.json.decode(geojson, type=_GeometryHead)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidError(parameter, shown, f"{error}; {_GEOJSON}") from None
    try:
        geometry = shapely.from_geojson(geojson)
    except (shapely.errors.GEOSException, ValueError) as error:
        raise InvalidError(parameter, shown, f"{error}; {_GEOJSON}") from None
    points = int(shapely.get_num_coordinates(geometry))
    if points > points_max:
        raise TooLargeError(parameter, f"{head.type} of {points} points", f"at most {points_max} points are allowed")
    if geometry.is_empty:
        raise InvalidError(parameter, shown, f"the geometry is empty; {_GEOJSON}")
    geometry = shapely.force_2d(geometry)
    west, south, east, north = geometry.bounds
    if not all(map(math.isfinite, (west, south, east, north))):
        raise InvalidError(parameter, shown, f"a coordinate is not a number; {_GEOJSON}")
    if max(-west, east) > _LONGITUDE_MAX or max(-south, north) > _LATITUDE_MAX:
        raise InvalidError(parameter, shown, f"a coordinate is outside the world; {_GEOJSON}")
    geometry = comparable(geometry, parameter)
    if geometry.is_empty:
        raise InvalidError(parameter, shown, f"the geometry encloses nothing; {_GEOJSON}")
    return _area(_halves(geometry) if max(-west, east) <= _HALF_TURN else _turned(geometry))


def comparable(geometry: BaseGeometry, parameter: str) -> BaseGeometry:
    """The same places as a geometry that PostGIS can compare: nothing in it crosses itself.

    Parts of one kind are no collection, which PostGIS compares a hundred times slower.
    Raises InvalidError, and TooLargeError for too many crossings.
    """
    if geometry.geom_type != "GeometryCollection":
        return mended(geometry, parameter)
    parts = _simple_parts(geometry)
    if {part.geom_type for part in parts} in ({"Point"}, {"LineString"}):
        return _collected(parts)
    try:
        return shapely.unary_union(mended(geometry, parameter))
    except shapely.errors.GEOSException as error:
        raise InvalidError(parameter, geometry.geom_type, f"its parts cannot be united: {error}") from None


def _simple_parts(geometry: BaseGeometry) -> list[BaseGeometry]:
    if not geometry.geom_type.startswith(("Multi", "Geometry")):
        return [geometry]
    return [simple for part in shapely.get_parts(geometry).tolist() for simple in _simple_parts(part)]


def fault(geometry: BaseGeometry) -> str | None:
    """What its coordinates must be, where they are not: areas may run over the antimeridian."""
    west, south, east, north = geometry.bounds
    if max(-west, east) > _LONGITUDE_MAX or max(-south, north) > _LATITUDE_MAX:
        return f"allowed are latitudes from -90 to 90 and longitudes from {-_LONGITUDE_MAX:g} to {_LONGITUDE_MAX:g}"
    return None


def wrapped(geometry: BaseGeometry, parameter: str, *, edges: bool) -> BaseGeometry:
    """The same places within the world, of a valid geometry that may run over the antimeridian.

    Raises TooLargeError for too many crossings. See `united` for `edges`.
    """
    west, _, east, _ = geometry.bounds
    if not max(-west, east) > _HALF_TURN:
        return geometry
    pieces = [
        piece
        for turn in (0.0, -_TURN, _TURN)
        for part in _simple_parts(affinity.translate(geometry, turn))
        for piece in _simple_parts(shapely.intersection(part, _WORLD))
        if not piece.is_empty and (edges or shapely.get_dimensions(piece) == shapely.get_dimensions(part))
    ]
    return united(pieces, parameter, edges=True)


def united(parts: list[BaseGeometry], parameter: str, *, edges: bool) -> BaseGeometry:
    """Simple parts as one geometry; without `edges` those are left out that have fewer dimensions than others."""
    if not edges:
        most = max(int(shapely.get_dimensions(part)) for part in parts)
        parts = [part for part in parts if shapely.get_dimensions(part) == most]
    return parts[0] if len(parts) == 1 else comparable(shapely.geometrycollections(parts), parameter)


def area(geometry: BaseGeometry) -> Area:
    """The area of a valid geometry within the world."""
    return _area(_halves(geometry))


class _GeometryHead(msgspec.Struct):
    """Enough of a GeoJSON geometry to say which member is missing or of the wrong kind."""

    type: Literal[
        "Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"
    ]


# Degrees: a turn and a half, and how far a box may lie off the world before it is a mistake.
_TURN, _HALF_TURN = 360.0, 180.0
_LONGITUDE_MAX = 540.0
_LATITUDE_MAX = 90.0


def _wrapped(longitude: float) -> float:
    return longitude if abs(longitude) <= _HALF_TURN else (longitude + _HALF_TURN) % _TURN - _HALF_TURN


def box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """A rectangle; one without width or height is the line or point that it is, since GEOS has no such polygons."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _halves(geometry: BaseGeometry) -> list[BaseGeometry]:
    """The western and the eastern parts of a geometry that was cut at the antimeridian, else the geometry alone."""
    parts = cast(
        "list[BaseGeometry]",
        [shapely.get_geometry(geometry, index) for index in range(int(shapely.get_num_geometries(geometry)))],
    )
    west, _, east, _ = geometry.bounds
    western = [part for part in parts if part.bounds[2] <= 0.0]
    eastern = [part for part in parts if part.bounds[0] >= 0.0]
    if east - west <= _HALF_TURN or len(western) + len(eastern) != len(parts) or not western or not eastern:
        return [geometry]
    return [_collected(eastern), _collected(western)]


def _turned(geometry: BaseGeometry) -> list[BaseGeometry]:
    """A geometry that runs over the antimeridian, from each side: what then lies off the world meets nothing."""
    west, _, east, _ = geometry.bounds
    return [
        affinity.translate(geometry, turn)
        for turn in (0.0, -_TURN, _TURN)
        if west + turn <= _HALF_TURN and east + turn >= -_HALF_TURN
    ]


def _collected(parts: list[BaseGeometry]) -> BaseGeometry:
    match {part.geom_type for part in parts}:
        case kinds if kinds == {"Polygon"}:
            collected = shapely.multipolygons(parts)
        case kinds if kinds == {"LineString"}:
            collected = shapely.multilinestrings(parts)
        case kinds if kinds == {"Point"}:
            collected = shapely.multipoints(parts)
        case _:
            collected = shapely.geometrycollections(parts)
    return cast("BaseGeometry", collected)


def _area(parts: list[BaseGeometry]) -> Area:
    world = any(_within(part.bounds) == _WORLD.bounds and shapely.covers(part, _WORLD) for part in parts)
    return Area(tuple(Part(shapely.to_wkb(part), _within(part.bounds)) for part in parts), world)


def _within(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    west, south, east, north = bounds
    return max(west, -_HALF_TURN), south, min(east, _HALF_TURN), north


def _shown(numbers: Sequence[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)

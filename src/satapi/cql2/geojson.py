"""GeoJSON: geometries as CQL2 JSON writes them (RFC 7946), what holds of their coordinates in both encodings."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, assert_never, cast

from satapi.cql2.ast import AnyGeometry, BoundingBox, Coordinates, Geometry, GeometryCollection, GeometryType

if TYPE_CHECKING:
    from collections.abc import Sequence

# How deep the coordinates of each type are nested, above positions.
LEVELS: dict[GeometryType, int] = {
    "Point": 0,
    "LineString": 1,
    "MultiPoint": 1,
    "Polygon": 2,
    "MultiLineString": 2,
    "MultiPolygon": 3,
}

_BOX = "4 numbers (west, south, east, north) or 6 (west, south, lowest, east, north, highest)"
_RING_POSITIONS_MIN = 4
_LINE_POSITIONS_MIN = 2


def document(geometry: AnyGeometry) -> dict[str, object]:
    """The GeoJSON of a geometry, as values that JSON can be written of."""
    match geometry:
        case GeometryCollection(geometries):
            return {"type": "GeometryCollection", "geometries": [document(part) for part in geometries]}
        case Geometry(kind, coordinates):
            return {"type": kind, "coordinates": coordinates}
        case _:
            assert_never(geometry)


def fault_of_box(numbers: Sequence[float]) -> str | None:
    """What a box must be, where it is not; west may be greater than east, across the antimeridian."""
    match numbers:
        case (_, south, _, north) if south <= north:
            return None
        case (_, south, lowest, _, north, highest) if south <= north and lowest <= highest:
            return None
        case _:
            return f"{_BOX}, south below north and lowest below highest"


def fault(kind: GeometryType, coordinates: Coordinates) -> str | None:
    """What the coordinates of a type must be, where they are not."""
    match kind:
        case "LineString":
            return _fault_of_line(coordinates)
        case "MultiLineString":
            return next(filter(None, map(_fault_of_line, _parts(coordinates))), None)
        case "Polygon":
            return _fault_of_polygon(coordinates)
        case "MultiPolygon":
            return next(filter(None, map(_fault_of_polygon, _parts(coordinates))), None)
        case _:
            return None


def _fault_of_line(line: Coordinates) -> str | None:
    return None if len(line) >= _LINE_POSITIONS_MIN else "a line of at least 2 positions"


def _fault_of_polygon(rings: Coordinates) -> str | None:
    for ring in _parts(rings):
        if len(ring) < _RING_POSITIONS_MIN or ring[0] != ring[-1]:
            return "rings of at least 4 positions, whose last position is the first one again"
    return None


def _parts(coordinates: Coordinates) -> tuple[Coordinates, ...]:
    return cast("tuple[Coordinates, ...]", coordinates)


def is_finite(number: float) -> bool:
    """Whether it is a number that a coordinate can be."""
    return math.isfinite(number)


def box_document(box: BoundingBox) -> dict[str, object]:
    """The JSON of a box, as values that JSON can be written of."""
    return {"bbox": box.numbers}


def plain(value: object) -> object:
    """The value as parsed JSON has it: lists, and exact numbers."""
    match value:
        case float():
            return Decimal(repr(value))
        case tuple() | list():
            return [plain(each) for each in cast("list[object]", value)]
        case dict():
            return {name: plain(each) for name, each in cast("dict[str, object]", value).items()}
        case _:
            return value

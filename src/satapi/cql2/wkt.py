"""WKT: geometries as CQL2 text writes them (OGC 06-103r4, clause 7), heights included, and BBOX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar, assert_never, cast

from satapi.cql2 import geojson
from satapi.cql2.ast import AnyGeometry, BoundingBox, Coordinates, Geometry, GeometryCollection, GeometryType, Spot

if TYPE_CHECKING:
    from collections.abc import Callable

    from satapi.cql2.lexer import Cursor

T = TypeVar("T")

_Kind = GeometryType | Literal["GeometryCollection"]

_NAMES: dict[str, _Kind] = {
    "point": "Point",
    "linestring": "LineString",
    "polygon": "Polygon",
    "multipoint": "MultiPoint",
    "multilinestring": "MultiLineString",
    "multipolygon": "MultiPolygon",
    "geometrycollection": "GeometryCollection",
}
# With heights: POINT Z and POINTZ are the same.
_TAGS: dict[str, _Kind] = {f"{name}{tag}": kind for name, kind in _NAMES.items() for tag in ("", "z")}


def starts(cursor: Cursor) -> bool:
    """Whether a geometry or box starts here: its word, and a parenthesis."""
    if not cursor.token.is_word("bbox", *_TAGS):
        return False
    return cursor.following.is_symbol("(") or (cursor.token.is_word(*_NAMES) and cursor.following.is_word("z"))


def parse(cursor: Cursor, depth: int) -> Spot:
    """The geometry or box that starts here. Raises InvalidError."""
    if cursor.token.is_word("bbox"):
        return _bbox(cursor)
    return _geometry(cursor, depth)


def _bbox(cursor: Cursor) -> BoundingBox:
    start = cursor.advance()
    numbers = _listed(cursor, _number)
    if reason := geojson.fault_of_box(numbers):
        cursor.fail(reason, start)
    return BoundingBox(numbers)


def _geometry(cursor: Cursor, depth: int) -> AnyGeometry:
    cursor.budget.nest(depth)
    if not cursor.token.is_word(*_TAGS):
        cursor.fail("a geometry")
    start = cursor.advance()
    kind = _TAGS[start.value.lower()]
    if start.is_word(*_NAMES):
        cursor.take_word("z")
    if kind == "GeometryCollection":
        return GeometryCollection(_listed(cursor, lambda cursor: _geometry(cursor, depth + 1)))
    coordinates = _coordinates(cursor, kind)
    if reason := geojson.fault(kind, coordinates):
        cursor.fail(reason, start)
    return Geometry(kind, coordinates)


def _coordinates(cursor: Cursor, kind: GeometryType) -> Coordinates:
    match kind:
        case "Point":
            return _point(cursor)
        case "LineString":
            return _listed(cursor, _position)
        case "MultiPoint":
            return _listed(cursor, lambda cursor: _point(cursor) if cursor.token.is_symbol("(") else _position(cursor))
        case "Polygon" | "MultiLineString":
            return _listed(cursor, _line)
        case "MultiPolygon":
            return _listed(cursor, lambda cursor: _listed(cursor, _line))
        case _:
            assert_never(kind)


def _listed(cursor: Cursor, read: Callable[[Cursor], T]) -> tuple[T, ...]:
    cursor.expect("(")
    found = [read(cursor)]
    while cursor.take_symbol(","):
        found.append(read(cursor))
    cursor.expect(")", "',' or ')'")
    return tuple(found)


def _line(cursor: Cursor) -> tuple[Coordinates, ...]:
    return _listed(cursor, _position)


def _point(cursor: Cursor) -> Coordinates:
    cursor.expect("(")
    position = _position(cursor)
    cursor.expect(")", "a number or ')'")
    return position


def _position(cursor: Cursor) -> Coordinates:
    cursor.budget.point()
    numbers = [_number(cursor), _number(cursor)]
    if not cursor.token.is_symbol(",", ")"):
        numbers.append(_number(cursor))
    return tuple(numbers)


def _number(cursor: Cursor) -> float:
    sign = -1.0 if cursor.take_symbol("-") else 1.0
    if sign > 0:
        cursor.take_symbol("+")
    if cursor.token.kind != "number":
        cursor.fail("a number")
    number = sign * float(cursor.token.value)
    if not geojson.is_finite(number):
        cursor.fail("a number that is not infinite")
    cursor.advance()
    return number


def render(spot: Spot) -> str:
    """A geometry or box as text."""
    match spot:
        case BoundingBox(numbers):
            return f"BBOX({', '.join(map(repr, numbers))})"
        case GeometryCollection(geometries):
            return f"GEOMETRYCOLLECTION({', '.join(map(render, geometries))})"
        case Geometry("Point", position):
            return f"POINT({_written(position)})"
        case Geometry("MultiPoint", positions):
            points = (f"({_written(cast('Coordinates', position))})" for position in positions)
            return f"MULTIPOINT({', '.join(points)})"
        case Geometry(kind, coordinates):
            return f"{kind.upper()}{_nested(coordinates)}"
        case _:
            assert_never(spot)


def _nested(coordinates: Coordinates) -> str:
    parts = cast("tuple[Coordinates, ...]", coordinates)
    if isinstance(parts[0][0], float):
        return f"({', '.join(map(_written, parts))})"
    return f"({', '.join(map(_nested, parts))})"


def _written(position: Coordinates) -> str:
    return " ".join(map(repr, position))

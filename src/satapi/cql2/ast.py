"""The CQL2 tree: frozen nodes in one closed union (OGC 21-065r2), whichever encoding they were written in."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal as OneOf

import msgspec

Scalar = str | bool | int | Decimal | date | datetime


# Terms


class Property(msgspec.Struct, frozen=True):
    """A property of the item by its name, with or without properties. before it; dots lead into objects."""

    name: str


class Literal(msgspec.Struct, frozen=True):
    """A value: text, exact number, boolean, date, or time in UTC. A boolean is a predicate too."""

    value: Scalar


class CaseInsensitive(msgspec.Struct, frozen=True):
    """casei(): text without regard to case (requirements class case-insensitive-comparison)."""

    argument: Term


class AccentInsensitive(msgspec.Struct, frozen=True):
    """accenti(): text without regard to accents (requirements class accent-insensitive-comparison)."""

    argument: Term


ArithmeticOperator = OneOf["+", "-", "*", "/", "%", "div", "^"]


class Arithmetic(msgspec.Struct, frozen=True):
    """A calculation (requirements class arithmetic)."""

    operator: ArithmeticOperator
    left: Term
    right: Term


def steps(calculation: Arithmetic) -> tuple[Term, list[tuple[ArithmeticOperator, Term]]]:
    """A calculation from the left: the first operand, and then each operator with its other operand."""
    found: list[tuple[ArithmeticOperator, Term]] = []
    term: Term = calculation
    while isinstance(term, Arithmetic):
        found.append((term.operator, term.right))
        term = term.left
    return term, found[::-1]


class Function(msgspec.Struct, frozen=True):
    """A call of a function (requirements class functions); one that gives a boolean is a predicate too."""

    name: str
    arguments: tuple[Expression, ...]


class Interval(msgspec.Struct, frozen=True):
    """A closed interval of time; None is an open end."""

    start: Bound
    end: Bound


GeometryType = OneOf["Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"]

Coordinates = tuple["float | Coordinates", ...]


class Geometry(msgspec.Struct, frozen=True):
    """A geometry with the nesting of coordinates that GeoJSON gives its type; positions have 2 or 3 numbers."""

    type: GeometryType
    coordinates: Coordinates


class GeometryCollection(msgspec.Struct, frozen=True):
    """Geometries as one."""

    geometries: tuple[Geometry | GeometryCollection, ...]


class BoundingBox(msgspec.Struct, frozen=True):
    """West, south, east, north, or with heights west, south, lowest, east, north, highest."""

    numbers: tuple[float, ...]


class Array(msgspec.Struct, frozen=True):
    """An array of values of any kinds."""

    elements: tuple[Expression, ...]


AnyGeometry = Geometry | GeometryCollection
Spot = AnyGeometry | BoundingBox
Term = (
    Property
    | Literal
    | CaseInsensitive
    | AccentInsensitive
    | Arithmetic
    | Function
    | Interval
    | Geometry
    | GeometryCollection
    | BoundingBox
    | Array
)
Bound = Property | Literal | Function | None


# Predicates

ComparisonOperator = OneOf["=", "<>", "<", "<=", ">", ">="]

SpatialOperator = OneOf[
    "s_intersects", "s_equals", "s_disjoint", "s_touches", "s_within", "s_overlaps", "s_crosses", "s_contains"
]

TemporalOperator = OneOf[
    "t_after",
    "t_before",
    "t_contains",
    "t_disjoint",
    "t_during",
    "t_equals",
    "t_finishedBy",
    "t_finishes",
    "t_intersects",
    "t_meets",
    "t_metBy",
    "t_overlappedBy",
    "t_overlaps",
    "t_startedBy",
    "t_starts",
]

ArrayOperator = OneOf["a_equals", "a_contains", "a_containedBy", "a_overlaps"]


class Comparison(msgspec.Struct, frozen=True):
    """A binary comparison."""

    operator: ComparisonOperator
    left: Term
    right: Term


class Between(msgspec.Struct, frozen=True):
    """From low to high, both included."""

    value: Term
    low: Term
    high: Term


class Like(msgspec.Struct, frozen=True):
    r"""Text against a pattern: % stands for any text, _ for any character, \ takes the next one literally."""

    value: Term
    pattern: Term


class InList(msgspec.Struct, frozen=True):
    """Equal to one of the options."""

    value: Term
    options: tuple[Term, ...]


class IsNull(msgspec.Struct, frozen=True):
    """The value is missing, null or unknown."""

    value: Expression


class Spatial(msgspec.Struct, frozen=True):
    """A relation of two geometries (requirements class spatial-functions)."""

    operator: SpatialOperator
    left: Term
    right: Term


class Temporal(msgspec.Struct, frozen=True):
    """A relation of two instants or intervals (requirements class temporal-functions)."""

    operator: TemporalOperator
    left: Term
    right: Term


class ArrayTest(msgspec.Struct, frozen=True):
    """A relation of two arrays as sets (requirements class array-functions)."""

    operator: ArrayOperator
    left: Term
    right: Term


class Not(msgspec.Struct, frozen=True):
    """Negation: of an unknown it is unknown."""

    argument: Node


class And(msgspec.Struct, frozen=True):
    """All hold."""

    arguments: tuple[Node, ...]


class Or(msgspec.Struct, frozen=True):
    """At least one holds."""

    arguments: tuple[Node, ...]


Node = (
    Comparison | Between | Like | InList | IsNull | Spatial | Temporal | ArrayTest | Not | And | Or | Literal | Function
)
Expression = Node | Term

"""Forms: which expressions each operator takes, in both encodings alike (OGC 21-065r2, annex B)."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast, get_args

from satapi.cql2.ast import (
    AccentInsensitive,
    And,
    Arithmetic,
    ArithmeticOperator,
    Array,
    ArrayOperator,
    ArrayTest,
    Between,
    BoundingBox,
    CaseInsensitive,
    Comparison,
    ComparisonOperator,
    Expression,
    Function,
    Geometry,
    GeometryCollection,
    InList,
    Interval,
    IsNull,
    Like,
    Literal,
    Node,
    Not,
    Or,
    Property,
    Spatial,
    SpatialOperator,
    Temporal,
    TemporalOperator,
    Term,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T", bound=str)


class FormError(Exception):
    """An argument (by its index; None for all of them) is not what the operator takes."""

    def __init__(self, argument: int | None, expected: str) -> None:
        super().__init__(expected)
        self.argument = argument
        self.expected = expected


class _Place(NamedTuple):
    """What may stand in a place."""

    described: str
    admits: Callable[[Expression], bool]


def _by_lower_case(operators: tuple[T, ...]) -> dict[str, T]:
    return {operator.lower(): operator for operator in operators}


COMPARISONS: dict[str, ComparisonOperator] = _by_lower_case(get_args(ComparisonOperator))
ARITHMETIC: dict[str, ArithmeticOperator] = _by_lower_case(get_args(ArithmeticOperator))
SPATIAL: dict[str, SpatialOperator] = _by_lower_case(get_args(SpatialOperator))
TEMPORAL: dict[str, TemporalOperator] = _by_lower_case(get_args(TemporalOperator))
ARRAYS: dict[str, ArrayOperator] = _by_lower_case(get_args(ArrayOperator))

# Operators that are written like functions in text.
CALLED = frozenset({"casei", "accenti", *SPATIAL, *TEMPORAL, *ARRAYS})

# Of instants too; the others are of intervals alone.
_OF_INSTANTS = frozenset({"t_after", "t_before", "t_disjoint", "t_equals", "t_intersects"})

GEOMETRIES = ("point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection")

# Words that are no names of properties where they are not quoted, and no functions.
RESERVED = frozenset({"and", "or", "not", "like", "between", "in", "is", "null", "true", "false", "div"})
CONSTRUCTORS = frozenset({"date", "timestamp", "interval", "bbox", *GEOMETRIES, *(f"{name}z" for name in GEOMETRIES)})

_START = (
    ":_A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1ffe\u200c-\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
IDENTIFIER = re.compile(rf"[{_START}][{_START}.0-9\u0300-\u036f\u203f-\u2040]*")

_NODES = (Comparison, Between, Like, InList, IsNull, Spatial, Temporal, ArrayTest, Not, And, Or)


def _is_text(expression: Expression) -> bool:
    match expression:
        case Property() | Function() | CaseInsensitive() | AccentInsensitive() | Literal(str()):
            return True
        case _:
            return False


def is_pattern(expression: Expression) -> bool:
    """Whether it is a text that is the same for all items, perhaps without regard to case or accents."""
    match expression:
        case CaseInsensitive(argument) | AccentInsensitive(argument):
            return is_pattern(argument)
        case Literal(str()):
            return True
        case _:
            return False


def _is_number(expression: Expression) -> bool:
    match expression:
        case Property() | Function() | Arithmetic():
            return True
        case Literal(value):
            return isinstance(value, int | Decimal) and not isinstance(value, bool)
        case _:
            return False


def is_instant(expression: Expression) -> bool:
    """Whether it is a date or a timestamp."""
    return isinstance(expression, Literal) and isinstance(expression.value, date)


def is_predicate(expression: Expression) -> bool:
    """Whether it may be a filter by itself."""
    return isinstance(expression, (*_NODES, Function)) or _is_boolean(expression)


def _is_boolean(expression: Expression) -> bool:
    return isinstance(expression, Literal) and isinstance(expression.value, bool)


def _is_one_of(*kinds: type) -> Callable[[Expression], bool]:
    def admits(expression: Expression) -> bool:
        return isinstance(expression, kinds)

    return admits


def _is_time(expression: Expression) -> bool:
    return isinstance(expression, Property | Function | Interval) or is_instant(expression)


def _is_no_array(expression: Expression) -> bool:
    return not isinstance(expression, Array)


_VALUES = (Property, Literal, CaseInsensitive, AccentInsensitive, Arithmetic, Function)

_ANYTHING = _Place("an expression", _is_no_array)
_PREDICATE = _Place("a predicate", is_predicate)
_SCALAR = _Place("a value, property, function or calculation", _is_one_of(*_VALUES))
_TEXT = _Place("a text, property or function", _is_text)
_PATTERN = _Place("a text", is_pattern)
_NUMBER = _Place("a number, property, function or calculation", _is_number)
_GEOMETRY = _Place(
    "a geometry, property or function", _is_one_of(Property, Function, Geometry, GeometryCollection, BoundingBox)
)
_TIME = _Place("a date, timestamp, interval, property or function", _is_time)
_INTERVAL = _Place("an interval, property or function", _is_one_of(Property, Function, Interval))
_ARRAY = _Place("an array, property or function", _is_one_of(Array, Property, Function))


def operation(operator: str, arguments: Sequence[Expression]) -> Expression:
    """The expression of an operator (in any case) or function. Raises FormError."""
    name = operator.lower()
    if name in {"and", "or"}:
        return _logical(name, arguments)
    if name in COMPARISONS:
        _check(arguments, _SCALAR, _SCALAR)
        return Comparison(COMPARISONS[name], *cast("tuple[Term, Term]", tuple(arguments)))
    if name in ARITHMETIC:
        _check(arguments, _NUMBER, _NUMBER)
        return Arithmetic(ARITHMETIC[name], *cast("tuple[Term, Term]", tuple(arguments)))
    if name in SPATIAL:
        _check(arguments, _GEOMETRY, _GEOMETRY)
        return Spatial(SPATIAL[name], *cast("tuple[Term, Term]", tuple(arguments)))
    if name in TEMPORAL:
        place = _TIME if name in _OF_INSTANTS else _INTERVAL
        _check(arguments, place, place)
        return Temporal(TEMPORAL[name], *cast("tuple[Term, Term]", tuple(arguments)))
    if name in ARRAYS:
        _check(arguments, _ARRAY, _ARRAY)
        return ArrayTest(ARRAYS[name], *cast("tuple[Term, Term]", tuple(arguments)))
    return _other(name, operator, arguments)


def _logical(name: str, arguments: Sequence[Expression]) -> Node:
    if len(arguments) < len(("left", "right")):
        raise FormError(None, "at least 2 predicates")
    _check(arguments, *[_PREDICATE] * len(arguments))
    nodes = cast("tuple[Node, ...]", tuple(arguments))
    return And(nodes) if name == "and" else Or(nodes)


def _other(name: str, operator: str, arguments: Sequence[Expression]) -> Expression:
    match name:
        case "not":
            _check(arguments, _PREDICATE)
            return Not(cast("Node", arguments[0]))
        case "isnull":
            _check(arguments, _ANYTHING)
            return IsNull(arguments[0])
        case "casei" | "accenti":
            _check(arguments, _TEXT)
            kind = CaseInsensitive if name == "casei" else AccentInsensitive
            return kind(cast("Term", arguments[0]))
        case "like":
            _check(arguments, _TEXT, _PATTERN)
            return Like(*cast("tuple[Term, Term]", tuple(arguments)))
        case "between":
            _check(arguments, _SCALAR, _SCALAR, _SCALAR)
            return Between(*cast("tuple[Term, Term, Term]", tuple(arguments)))
        case "in":
            return _in_list(arguments)
        case _:
            if name in RESERVED | CONSTRUCTORS or not IDENTIFIER.fullmatch(operator):
                raise FormError(None, "an operator of CQL2 or the name of a function")
            return Function(operator, tuple(arguments))


def _in_list(arguments: Sequence[Expression]) -> Node:
    match list(arguments):
        case [value, Array(elements)]:
            _check([value], _SCALAR)
            if not elements or not all(map(_SCALAR.admits, elements)):
                raise FormError(1, f"a list of values, each {_SCALAR.described}")
            return InList(cast("Term", value), cast("tuple[Term, ...]", elements))
        case _:
            raise FormError(None, "a value and a list of values")


def interval(start: Expression | None, end: Expression | None) -> Interval:
    """An interval of two ends; None is an open one. Raises FormError."""
    for at, bound in enumerate((start, end)):
        if bound is not None and not isinstance(bound, Property | Function) and not is_instant(bound):
            raise FormError(at, "'..', a date, timestamp, property or function")
    return Interval(cast("Property | Literal | Function | None", start), cast("Literal | None", end))


def _check(arguments: Sequence[Expression], *places: _Place) -> None:
    if len(arguments) != len(places):
        raise FormError(None, f"{len(places)} arguments: {'; '.join(place.described for place in places)}")
    for at, (argument, place) in enumerate(zip(arguments, places, strict=True)):
        if not place.admits(argument):
            raise FormError(at, place.described)


def is_known(operator: str) -> bool:
    """Whether it is an operator of CQL2, in any case, and no function."""
    name = operator.lower()
    return name in CALLED | {"and", "or", "not", "like", "between", "in", "isnull"} | {*COMPARISONS, *ARITHMETIC}

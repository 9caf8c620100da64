"""Relations of plain values, as the SQL has them; None is unknown, as in SQL."""

from __future__ import annotations

import operator as operators
import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import shapely

from satapi.cql2.instants import moment_of_text
from satapi.cql2.temporal import DEFINITIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

    from satapi.cql2.ast import ArrayOperator, ComparisonOperator, SpatialOperator, TemporalOperator
    from satapi.cql2.values import Instant, Span

# Unknown is None.
Truth = bool | None


def conjunction(values: list[Truth]) -> Truth:
    """Whether all hold."""
    if False in values:
        return False
    return None if None in values else True


def disjunction(values: list[Truth]) -> Truth:
    """Whether one holds."""
    return negation(conjunction([negation(value) for value in values]))


def negation(value: Truth) -> Truth:
    """Whether it does not hold."""
    return None if value is None else not value


# Comparison


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | Decimal):
        return "number"
    return type(value).__name__


_ORDERINGS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}
_ORDERED = frozenset({"boolean", "number", "str", "datetime"})


def compare(operator: ComparisonOperator, left: object, right: object) -> Truth:
    """A comparison: values of different kinds are not equal, and have no order."""
    if left is None or right is None:
        return None
    if isinstance(left, datetime) and isinstance(right, str):
        right = moment_of_text(right)
    elif isinstance(right, datetime) and isinstance(left, str):
        left = moment_of_text(left)
    if operator in {"=", "<>"}:
        return _same(left, right) == (operator == "=")
    # Values of different kinds have no order, nor have arrays and objects; what is equal is not less and not greater.
    kind = _kind(left)
    if kind != _kind(right) or kind not in _ORDERED:
        return operator in {"<=", ">="} and _same(left, right)
    return _ORDERINGS[operator](cast("Decimal", left), cast("Decimal", right))


def _same(left: object, right: object) -> bool:
    """Whether two values of JSON are equal: of one kind, numbers by what they are worth."""
    if _kind(left) != _kind(right):
        return False
    if isinstance(left, list) and isinstance(right, list):
        ones, others = cast("list[object]", left), cast("list[object]", right)
        return len(ones) == len(others) and all(map(_same, ones, others))
    if isinstance(left, dict) and isinstance(right, dict):
        one, other = cast("dict[str, object]", left), cast("dict[str, object]", right)
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return left == right


def like(value: object, pattern: object) -> Truth:
    r"""Whether a text is as the pattern: % is any text, _ any character, and \ takes the next one as it is."""
    if not isinstance(value, str) or not isinstance(pattern, str):
        return None
    expression = ""
    for match in re.finditer(r"\\(.)|(.)", pattern, re.DOTALL):
        if match[1]:
            expression += re.escape(match[1])
        else:
            expression += {"%": ".*", "_": "."}.get(match[2], re.escape(match[2]))
    return re.fullmatch(expression, value, re.DOTALL) is not None


# Relations

_RELATIONS: dict[str, Callable[..., object]] = {
    "s_intersects": shapely.intersects,
    "s_disjoint": shapely.disjoint,
    "s_equals": shapely.equals,
    "s_touches": shapely.touches,
    "s_within": shapely.within,
    "s_overlaps": shapely.overlaps,
    "s_crosses": shapely.crosses,
    "s_contains": shapely.contains,
}


def relate(operator: SpatialOperator, left: BaseGeometry | None, right: BaseGeometry | None) -> Truth:
    """A relation of two shapes."""
    if left is None or right is None:
        return None
    # Before GEOS 3.13 these relations of collections are errors: they are unknown with every version.
    collected = "GeometryCollection" in {left.geom_type, right.geom_type}
    if collected and operator not in {"s_intersects", "s_disjoint"}:
        return None
    return bool(_RELATIONS[operator](left, right))


_ENDS: dict[str, Callable[[Instant, Instant], bool]] = {
    "<": operators.lt,
    "<=": operators.le,
    "=": operators.eq,
    ">=": operators.ge,
    ">": operators.gt,
}


def meet(operator: TemporalOperator, left: Span, right: Span) -> Truth:
    """A relation of two intervals."""
    ones, others = dict(zip(("start", "end"), left, strict=True)), dict(zip(("start", "end"), right, strict=True))
    found: list[Truth] = []
    for first, sign, second in DEFINITIONS[operator]:
        one, other = ones[first], others[second]
        found.append(None if one is None or other is None else _ENDS[sign](one, other))
    met = conjunction(found)
    return negation(met) if operator == "t_disjoint" else met


def contain(operator: ArrayOperator, left: list[object] | None, right: list[object] | None) -> Truth:
    """A relation of two arrays as sets."""
    if left is None or right is None:
        return None
    match operator:
        case "a_equals":
            return _holds(left, right) and _holds(right, left)
        case "a_contains":
            return _holds(left, right)
        case "a_containedBy":
            return _holds(right, left)
        case _:
            return any(_same(one, other) for one in left for other in right)


def _holds(whole: list[object], part: list[object]) -> bool:
    return all(any(_same(one, other) for one in whole) for other in part)

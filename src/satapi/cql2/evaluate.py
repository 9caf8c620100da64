"""The meaning of the tree in plain Python: what the SQL must agree with. None is unknown, as in SQL."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, cast

from satapi.cql2 import calculate, functions, geojson, instants, planar, relations
from satapi.cql2.ast import (
    AccentInsensitive,
    And,
    Arithmetic,
    Array,
    ArrayTest,
    Between,
    BoundingBox,
    CaseInsensitive,
    Comparison,
    Function,
    Geometry,
    GeometryCollection,
    InList,
    Interval,
    IsNull,
    Like,
    Literal,
    Not,
    Or,
    Property,
    Spatial,
    Temporal,
    steps,
)
from satapi.cql2.values import AFTER_ALL, BEFORE_ALL, lookup, of_kind, stored, without_accents

if TYPE_CHECKING:
    from decimal import Decimal

    from shapely.geometry.base import BaseGeometry

    from satapi.cql2.ast import Bound, Expression, Node, SpatialOperator
    from satapi.cql2.relations import Truth
    from satapi.cql2.values import Instant, Item, Span


def evaluate(node: Node, item: Item) -> Truth:
    """Whether the item (parsed JSON, numbers as int and Decimal) meets the node: true, false or unknown."""
    match node:
        case And(arguments):
            return relations.conjunction([evaluate(argument, item) for argument in arguments])
        case Or(arguments):
            return relations.disjunction([evaluate(argument, item) for argument in arguments])
        case Not(argument):
            return relations.negation(evaluate(argument, item))
        case Spatial(operator, left, right):
            shapes = _related(operator, left, right, item), _related(operator, right, left, item)
            return relations.relate(operator, *shapes)
        case Temporal(operator, left, right):
            return relations.meet(operator, _span(left, item), _span(right, item))
        case ArrayTest(operator, left, right):
            return relations.contain(operator, _array(left, item), _array(right, item))
        case Literal() | Function():
            found = _value(node, item)
            return found if isinstance(found, bool) else None
        case _:
            return _compared(node, item)


def _compared(node: Comparison | Between | Like | InList | IsNull, item: Item) -> Truth:
    match node:
        case Comparison(operator, left, right):
            return relations.compare(operator, _value(left, item), _value(right, item))
        case Between(value, low, high):
            subject = _value(value, item)
            return relations.conjunction(
                [
                    relations.compare(">=", subject, _value(low, item)),
                    relations.compare("<=", subject, _value(high, item)),
                ]
            )
        case Like(value, pattern):
            return relations.like(_value(value, item), _value(pattern, item))
        case InList(value, options):
            subject = _value(value, item)
            return relations.disjunction([relations.compare("=", subject, _value(option, item)) for option in options])
        case IsNull(Property(name)):
            return lookup(name, item) is None or stored(name, item) is None
        case IsNull(value):
            return _value(value, item) is None


def _value(expression: Expression, item: Item) -> object:
    """The value: text, number, boolean, time, array, object, shape or interval."""
    match expression:
        case Property(name):
            return lookup(name, item)
        case Literal(value):
            return instants.moment(value) if isinstance(value, date) else value
        case CaseInsensitive(argument):
            value = _value(argument, item)
            return value.casefold() if isinstance(value, str) else value
        case AccentInsensitive(argument):
            value = _value(argument, item)
            return without_accents(value) if isinstance(value, str) else value
        case Arithmetic() | Function():
            return _calculated(expression, item)
        case Array():
            return _array(expression, item)
        case Interval():
            ends = _span(expression, item)
            return None if None in ends else ends
        case Geometry() | GeometryCollection() | BoundingBox():
            return _shape(expression, item)
        case _:
            return evaluate(expression, item)


def _calculated(term: Arithmetic | Function, item: Item) -> object:
    if isinstance(term, Arithmetic):
        first, others = steps(term)
        found = of_kind("number", _value(first, item))
        for operator, other in others:
            right = of_kind("number", _value(other, item))
            if found is None or right is None:
                return None
            found = calculate.arithmetic(operator, cast("Decimal", found), cast("Decimal", right))
        return found
    function = functions.find(term.name, len(term.arguments), "filter")
    values = [
        _argument(kind, argument, item) for kind, argument in zip(function.arguments, term.arguments, strict=True)
    ]
    return None if None in values else calculate.call(function.name, values)


def _argument(kind: functions.Kind, argument: Expression, item: Item) -> object:
    match kind:
        case "geometry":
            return _shape(argument, item)
        case "array":
            return _array(argument, item)
        case _:
            return of_kind(kind, _value(argument, item))


def _shape(expression: Expression, item: Item) -> BaseGeometry | None:
    match expression:
        case Geometry() | GeometryCollection() | BoundingBox():
            return planar.shape(expression, "filter")
        case Function():
            return cast("BaseGeometry | None", _value(expression, item))
        case _:
            return planar.stored_shape(_value(expression, item))


def _related(operator: SpatialOperator, expression: Expression, beside: Expression, item: Item) -> BaseGeometry | None:
    match expression:
        case Geometry() | GeometryCollection() | BoundingBox() if planar.is_on_the_globe(beside):
            return planar.placed(operator, expression, "filter")
        case _:
            return _shape(expression, item)


def _span(expression: Expression, item: Item) -> Span:
    if isinstance(expression, Interval):
        return _end(expression.start, item, BEFORE_ALL), _end(expression.end, item, AFTER_ALL)
    instant = _end(cast("Bound", expression), item, BEFORE_ALL)
    return instant, instant


def _end(bound: Bound, item: Item, opened: Instant) -> Instant | None:
    if bound is None:
        return opened
    instant = of_kind("instant", _value(bound, item))
    return None if instant is None else (0, cast("datetime", instant))


def _array(expression: Expression, item: Item) -> list[object] | None:
    value = _element(expression, item)
    return cast("list[object]", value) if isinstance(value, list) else None


def _element(expression: Expression, item: Item) -> object:
    """The value as JSON has it."""
    match expression:
        case Property(name):
            return stored(name, item)
        case Literal(date() as value):
            return instants.written(value)
        case Array(elements):
            return [_element(element, item) for element in elements]
        case Interval(start, end):
            return [".." if bound is None else _element(bound, item) for bound in (start, end)]
        case Geometry() | GeometryCollection():
            return geojson.plain(geojson.document(expression))
        case BoundingBox():
            return geojson.plain(geojson.box_document(expression))
        case _:
            return _value(expression, item)

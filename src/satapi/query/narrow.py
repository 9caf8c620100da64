"""Narrowing: what a filter says of the item's geometry and datetime, which searches have their own ways for."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from satapi.cql2 import instants, planar
from satapi.cql2.ast import (
    And,
    Between,
    BoundingBox,
    Comparison,
    ComparisonOperator,
    Geometry,
    GeometryCollection,
    Interval,
    Literal,
    Node,
    Property,
    Spatial,
    Temporal,
)
from satapi.cql2.temporal import DEFINITIONS, End
from satapi.query.comparisons import MIRRORED
from satapi.query.filters import conjuncts
from satapi.query.inventory import is_geometry, short
from satapi.stac import geometry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from satapi.cql2.ast import Expression, Spot
    from satapi.stac.geometry import Area


def narrowed(node: Node, parameter: str) -> tuple[Area | None, Node | None]:
    """An area that the geometries of all matches meet, if there is one, and what is left to ask. Raises InvalidError.

    Every relation but s_disjoint means that two geometries meet, and s_intersects means nothing else.
    """
    parts = node.arguments if isinstance(node, And) else (node,)
    for part in parts:
        if isinstance(part, Spatial) and (spot := _met(part)) is not None:
            shape = planar.placed(part.operator, spot, parameter)
            if shape.is_empty:
                # A hole around all of a polygon: nothing meets it, and it has no place.
                continue
            rest = tuple(other for other in parts if other is not part or not _is_intersection(part))
            return geometry.area(shape), rest[0] if len(rest) == 1 else And(rest) if rest else None
    return None, node


def _met(node: Spatial) -> Spot | None:
    match node:
        case Spatial("s_disjoint"):
            return None
        case Spatial(_, Property(name), Geometry() | GeometryCollection() | BoundingBox() as spot) if is_geometry(name):
            return spot
        case Spatial(_, Geometry() | GeometryCollection() | BoundingBox() as spot, Property(name)) if is_geometry(name):
            return spot
        case _:
            return None


def _is_intersection(node: Node) -> bool:
    return isinstance(node, Spatial) and node.operator == "s_intersects"


def bounds(nodes: Sequence[Node]) -> tuple[datetime | None, datetime | None]:
    """The earliest and the latest datetime that an item of which all nodes hold can have; None where there is no end.

    Comparisons that tell one of the two from a neighbour are taken to include it: the nodes are asked for as well.
    """
    found = [bound for node in nodes for part in conjuncts(node) for bound in _bounds(part)]
    floors = [moment for operator, moment in found if operator in {"=", ">", ">="}]
    ceilings = [moment for operator, moment in found if operator in {"=", "<", "<="}]
    return max(floors, default=None), min(ceilings, default=None)


def is_window(node: Node) -> bool:
    """Whether all that is asked bounds the datetime."""
    return all(any(_bounds(part)) for part in conjuncts(node))


def _bounds(node: Node) -> Iterator[tuple[ComparisonOperator, datetime]]:
    """How the datetime compares with moments."""
    match node:
        case Comparison(operator, Property(name), other) if short(name) == "datetime":
            yield from _bound(operator, other)
        case Comparison(operator, other, Property(name)) if short(name) == "datetime":
            yield from _bound(MIRRORED[operator], other)
        case Between(Property(name), low, high) if short(name) == "datetime":
            yield from _bound(">=", low)
            yield from _bound("<=", high)
        case Temporal("t_disjoint"):
            pass
        case Temporal(operator, Property(name), other) if short(name) == "datetime":
            for relation in DEFINITIONS[operator]:
                yield from _bound(relation.operator, _end(other, relation.second))
        case Temporal(operator, other, Property(name)) if short(name) == "datetime":
            for relation in DEFINITIONS[operator]:
                yield from _bound(MIRRORED[relation.operator], _end(other, relation.first))
        case _:
            pass


def _end(value: Expression, end: End) -> Expression | None:
    if not isinstance(value, Interval):
        return value
    return value.start if end == "start" else value.end


def _bound(operator: ComparisonOperator, value: Expression | None) -> Iterator[tuple[ComparisonOperator, datetime]]:
    match value:
        case Literal(date() as moment):
            yield operator, instants.moment(moment)
        case Literal(str() as text) if (moment := instants.moment_of_text(text)) is not None:
            yield operator, moment
        case _:
            pass

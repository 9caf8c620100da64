"""Random CQL2 trees of every kind, for hypothesis."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

from hypothesis import strategies as st

from satapi.cql2 import ast
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
)
from satapi.cql2.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from satapi.cql2.ast import Node

LIMITS = Limits(characters=1_000_000, nesting=200, terms=100_000, points=100_000)

_WORDS = ("and", "div", "date", "point", "casei", "interval", "bbox", "z", "null", "eo:cloud_cover", "a.b", 'it\'s "x"')

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(characters | st.sampled_from("\\'%_abt\t\a"), max_size=8)
# A pattern that escapes these cannot be written in text, and none ends with a single backslash.
patterns = texts.map(lambda text: re.sub(r"\\(?:([abfnrtv'])|\Z)|(\\.)", r"\1\2", text, flags=re.DOTALL))
properties = (st.sampled_from(_WORDS) | st.text(characters, min_size=1, max_size=6)).map(Property)
numbers = (
    st.integers(-(10**30), 10**30)
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)
).map(Literal)
times = st.datetimes(timezones=st.just(UTC), min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30))  # noqa: DTZ001 - hypothesis adds the zone
instants = (st.dates() | times).map(Literal)
scalars = texts.map(Literal) | numbers | st.booleans().map(Literal) | instants


# Geometry

_coordinate = st.integers(-180, 180).map(float) | st.floats(-1e6, 1e6)


def positions(dimensions: int) -> st.SearchStrategy[tuple[float, ...]]:
    return st.tuples(*[_coordinate] * dimensions)


def lines(dimensions: int) -> st.SearchStrategy[tuple[tuple[float, ...], ...]]:
    return st.lists(positions(dimensions), min_size=2, max_size=4).map(tuple)


def polygons(dimensions: int) -> st.SearchStrategy[tuple[tuple[tuple[float, ...], ...], ...]]:
    ring = st.lists(positions(dimensions), min_size=3, max_size=4).map(lambda ring: (*ring, ring[0]))
    return st.lists(ring, min_size=1, max_size=2).map(tuple)


def several(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, min_size=1, max_size=3).map(tuple)


def simple_geometries(dimensions: int) -> st.SearchStrategy[Geometry]:
    return st.one_of(
        st.builds(Geometry, st.just("Point"), positions(dimensions)),
        st.builds(Geometry, st.just("LineString"), lines(dimensions)),
        st.builds(Geometry, st.just("Polygon"), polygons(dimensions)),
        st.builds(Geometry, st.just("MultiPoint"), several(positions(dimensions))),
        st.builds(Geometry, st.just("MultiLineString"), several(lines(dimensions))),
        st.builds(Geometry, st.just("MultiPolygon"), several(polygons(dimensions))),
    )


geometries = st.recursive(
    simple_geometries(2) | simple_geometries(3),
    lambda parts: st.builds(GeometryCollection, several(parts)),
    max_leaves=3,
)


@st.composite
def boxes(draw: st.DrawFn) -> BoundingBox:
    west, east = draw(_coordinate), draw(_coordinate)
    south, north = sorted((draw(_coordinate), draw(_coordinate)))
    if draw(st.booleans()):
        return BoundingBox((west, south, east, north))
    low, high = sorted((draw(_coordinate), draw(_coordinate)))
    return BoundingBox((west, south, low, east, north, high))


# Expressions

_functions = st.sampled_from(["lower", "Foo", "year", "ns:f.g", "buffer"])
_OF_INSTANTS = ("t_after", "t_before", "t_disjoint", "t_equals", "t_intersects")


class _Drawn:
    """Expressions of each kind, at most so many levels deep."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def one_of(self, *choices: Callable[[], object]) -> object:
        return self._draw(st.sampled_from(choices))()

    def some(self, least: int, drawn: Callable[[], object]) -> tuple[object, ...]:
        return tuple(drawn() for _ in range(self._draw(st.integers(least, 3))))

    def operator(self, kind: object) -> str:
        return self._draw(st.sampled_from(get_args(kind)))

    def leaf(self, strategy: st.SearchStrategy[object]) -> Callable[[], object]:
        return lambda: self._draw(strategy)

    def call(self, depth: int) -> Function:
        return Function(self._draw(_functions), self.some(0, lambda: self.element(depth - 1)))

    def held(self, depth: int) -> object:
        """A property or a call."""
        return self.one_of(self.leaf(properties), lambda: self.call(depth)) if depth > 0 else self._draw(properties)

    def text(self, depth: int) -> object:
        if depth <= 0:
            return self._draw(properties | texts.map(Literal))
        return self.one_of(
            lambda: self.text(0),
            lambda: self.call(depth - 1),
            lambda: CaseInsensitive(self.text(depth - 1)),
            lambda: AccentInsensitive(self.text(depth - 1)),
        )

    def pattern(self, depth: int) -> object:
        kind = self._draw(st.sampled_from([Literal, CaseInsensitive, AccentInsensitive]))
        return Literal(self._draw(patterns)) if kind is Literal or depth <= 0 else kind(self.pattern(depth - 1))

    def number(self, depth: int) -> object:
        if depth <= 0:
            return self._draw(properties | numbers)
        return self.one_of(
            lambda: self.number(0),
            lambda: self.call(depth - 1),
            lambda: Arithmetic(self.operator(ast.ArithmeticOperator), self.number(depth - 1), self.number(depth - 1)),
        )

    def value(self, depth: int) -> object:
        return self.one_of(self.leaf(scalars), lambda: self.text(depth), lambda: self.number(depth))

    def interval(self, depth: int) -> Interval:
        bounds = [self.one_of(lambda: None, self.leaf(instants), lambda: self.held(depth)) for _ in range(2)]
        return Interval(*bounds)

    def element(self, depth: int) -> object:
        if depth <= 0:
            return self.value(0)
        return self.one_of(
            lambda: self.value(depth - 1),
            self.leaf(geometries | boxes()),
            lambda: self.interval(depth - 1),
            lambda: self.node(depth - 1),
            lambda: Array(self.some(0, lambda: self.element(depth - 1))),
        )

    def array(self, depth: int) -> object:
        return self.one_of(lambda: self.held(depth), lambda: Array(self.some(0, lambda: self.element(depth))))

    def spot(self, depth: int) -> object:
        return self.one_of(self.leaf(geometries | boxes()), lambda: self.held(depth))

    def period(self, depth: int) -> object:
        return self.one_of(lambda: self.interval(depth), lambda: self.held(depth))

    def time(self, depth: int) -> object:
        return self.one_of(self.leaf(instants), lambda: self.period(depth))

    def node(self, depth: int) -> object:
        below = depth - 1
        predicates = [
            lambda: Comparison(self.operator(ast.ComparisonOperator), self.value(below), self.value(below)),
            lambda: Between(self.value(below), self.value(below), self.value(below)),
            lambda: Like(self.text(below), self.pattern(below)),
            lambda: InList(self.value(below), self.some(1, lambda: self.value(below))),
            lambda: IsNull(self.one_of(lambda: self.value(below), lambda: self.spot(0), lambda: self.interval(0))),
            lambda: Spatial(self.operator(ast.SpatialOperator), self.spot(below), self.spot(below)),
            lambda: Temporal(self.operator(ast.TemporalOperator), self.period(below), self.period(below)),
            lambda: Temporal(self._draw(st.sampled_from(_OF_INSTANTS)), self.time(below), self.time(below)),
            lambda: ArrayTest(self.operator(ast.ArrayOperator), self.array(below), self.array(below)),
            self.leaf(st.booleans().map(Literal)),
            lambda: self.call(below),
        ]
        if depth > 0:
            predicates += [
                lambda: Not(self.node(below)),
                lambda: And(self.node_list(below)),
                lambda: Or(self.node_list(below)),
                lambda: IsNull(self.node(below)),
            ]
        return self.one_of(*predicates)

    def node_list(self, depth: int) -> tuple[object, ...]:
        return (self.node(depth), *self.some(1, lambda: self.node(depth)))


@st.composite
def nodes(draw: st.DrawFn) -> Node:
    """A predicate of any kind."""
    return _Drawn(draw).node(draw(st.integers(0, 3)))

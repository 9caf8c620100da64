"""Filters: from the CQL2 tree to SQL conditions, whose text depends on the shape of the tree alone."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, assert_never, cast

import msgspec

from satapi.cql2.ast import (
    AccentInsensitive,
    And,
    ArrayTest,
    Between,
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
    Node,
    Not,
    Or,
    Property,
    Spatial,
    SpatialOperator,
    Temporal,
    Term,
)
from satapi.cql2.temporal import DEFINITIONS
from satapi.errors import InvalidError
from satapi.query.comparisons import OPERATORS, comparison, membership
from satapi.query.inventory import is_geometry
from satapi.query.sql import Sql, join, sql
from satapi.query.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from satapi.query.inventory import Inventory

_RELATIONS: dict[SpatialOperator, Sql] = {
    "s_equals": sql("'s_equals'"),
    "s_touches": sql("'s_touches'"),
    "s_within": sql("'s_within'"),
    "s_overlaps": sql("'s_overlaps'"),
    "s_crosses": sql("'s_crosses'"),
    "s_contains": sql("'s_contains'"),
}


def conditions(nodes: Sequence[Node], inventory: Inventory, parameter: str, *, ordered: bool) -> list[Sql]:
    """One condition a predicate that must hold; `ordered` says that an index on time gives the order and is kept to.

    Raises InvalidError for a value of a kind that it cannot be compared with.
    """
    compiler = _Compiler(inventory, parameter)
    return [
        compiler.node(part) if compiler.is_estimable(part, ordered=ordered) else _even(compiler.node(part))
        for node in nodes
        for part in conjuncts(node)
    ]


def conjuncts(node: Node) -> Iterator[Node]:
    """The predicates that must all hold for the node to hold."""
    if isinstance(node, And):
        for argument in node.arguments:
            yield from conjuncts(argument)
    else:
        yield node


def _even(condition: Sql) -> Sql:
    """The condition, which PostgreSQL takes to be true for a half of all."""
    return sql("case when {} then true else false end", condition)


def properties(value: object) -> Iterator[str]:
    """The names of the properties in a tree, in their order."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        match found:
            case Property(name):
                yield name
            case Geometry() | GeometryCollection():
                pass
            case tuple():
                waiting += reversed(cast("tuple[object, ...]", found))
            case msgspec.Struct():
                waiting += [getattr(found, field) for field in reversed(found.__struct_fields__)]
            case _:
                pass


def is_plain(node: Node) -> bool:
    """Whether a property itself is compared with constants: what an index and statistics are of."""
    match node:
        case Comparison(_, Property(), Literal(value)) | Comparison(_, Literal(value), Property()):
            # Texts are times only after a function.
            return not isinstance(value, date)
        case Between(Property(), Literal(low), Literal(high)):
            return not isinstance(low, date) and not isinstance(high, date)
        case InList(Property(), options):
            return all(isinstance(option, Literal) and not isinstance(option.value, date) for option in options)
        case IsNull(Property()):
            return True
        case And(arguments) | Or(arguments):
            return all(map(is_plain, arguments))
        case Not(argument):
            return is_plain(argument)
        case _:
            return False


class _Compiler:
    """From predicates to SQL. `parameter` is what errors name."""

    def __init__(self, inventory: Inventory, parameter: str) -> None:
        self._inventory = inventory
        self._parameter = parameter
        self._terms = Terms(inventory, parameter, self.node)

    def is_estimable(self, node: Node, *, ordered: bool) -> bool:
        """Whether PostgreSQL knows how many match.

        Of a JSON member without statistics, and of what is made of one, it guesses that half a percent match, plans for
        a handful of rows and sorts what are many. Told nothing, it keeps to the index of the order.
        """
        columns = [self._inventory.column(name, self._parameter) for name in properties(node) if not is_geometry(name)]
        members = [found for found in columns if found.kind == "json"]
        known = self._inventory.estimated if ordered else self._inventory.indexed
        return not members or (is_plain(node) and all(found.name in known for found in members))

    def node(self, node: Node) -> Sql:
        match node:
            case And(arguments):
                return sql("({})", join(" and ", map(self.node, arguments)))
            case Or(arguments):
                return sql("({})", join(" or ", map(self.node, arguments)))
            case Not(argument):
                return sql("not ({})", self.node(argument))
            case Spatial():
                return self._spatial(node)
            case Temporal():
                return self._temporal(node)
            case ArrayTest():
                return self._array(node)
            case Literal() | Function():
                return self._terms.of_kind("boolean", node)
            case _:
                return self._compared(node)

    def _compared(self, node: Comparison | Between | Like | InList | IsNull) -> Sql:
        match node:
            case IsNull():
                return self._is_null(node)
            case Comparison(operator, left, right):
                return comparison(self._terms, operator, left, right)
            case Between(value, low, high):
                least, most = comparison(self._terms, ">=", value, low), comparison(self._terms, "<=", value, high)
                return sql("({} and {})", least, most)
            case Like(value, pattern):
                return sql("{} like {}", self._terms.of_kind("text", value), self._pattern(pattern))
            case InList(value, options):
                return membership(self._terms, value, options)
            case _:
                assert_never(node)

    def _pattern(self, pattern: Term) -> Sql:
        written = _written(pattern)
        if (len(written) - len(written.rstrip("\\"))) % 2:
            raise InvalidError(self._parameter, written, "a pattern ends with no single backslash")
        return self._terms.of_kind("text", pattern)

    def _is_null(self, node: IsNull) -> Sql:
        match node.value:
            case Property(name) if not is_geometry(name):
                found = self._inventory.column(name, self._parameter)
                if found.name in self._inventory.filled:
                    return _even(sql("{} is null", self._inventory.stored(name, self._parameter)))
                return sql("{} is null", found.expression)
            case Interval() as interval:
                return sql("({} is null or {} is null)", *self._terms.interval(interval))
            case value:
                kind = self._terms.kind(value)
                found = self._terms.json(value) if kind == "json" else self._terms.of_kind(kind, value)
                return sql("({}) is null", found)

    # Relations

    def _spatial(self, node: Spatial) -> Sql:
        one = self._terms.related(node.operator, node.left, beside=node.right)
        other = self._terms.related(node.operator, node.right, beside=node.left)
        match node.operator:
            case "s_intersects":
                return sql("st_intersects({}, {})", one, other)
            case "s_disjoint":
                return sql("not st_intersects({}, {})", one, other)
            case _:
                return sql("cql2_relates({}, {}, {})", _RELATIONS[node.operator], one, other)

    def _temporal(self, node: Temporal) -> Sql:
        ends = [
            dict(zip(("start", "end"), self._terms.interval(each), strict=True)) for each in (node.left, node.right)
        ]
        met = join(
            " and ",
            (
                sql("{} {} {}", ends[0][first], OPERATORS[operator], ends[1][second])
                for first, operator, second in DEFINITIONS[node.operator]
            ),
        )
        return sql("not ({})", met) if node.operator == "t_disjoint" else sql("({})", met)

    def _array(self, node: ArrayTest) -> Sql:
        one, other = (self._terms.of_kind("array", each) for each in (node.left, node.right))
        match node.operator:
            case "a_equals":
                return sql("(cql2_holds({}, {}) and cql2_holds({}, {}))", one, other, other, one)
            case "a_contains":
                return sql("cql2_holds({}, {})", one, other)
            case "a_containedBy":
                return sql("cql2_holds({}, {})", other, one)
            case "a_overlaps":
                return sql("cql2_overlaps({}, {})", one, other)


def _written(pattern: Term) -> str:
    match pattern:
        case CaseInsensitive(argument) | AccentInsensitive(argument):
            return _written(argument)
        case Literal(str() as value):
            return value
        case _:
            raise TypeError(pattern)

"""Terms: the values of the CQL2 tree as SQL, each as the kind that its place asks for; null is unknown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, cast
from typing import Literal as OneOf

import shapely

from satapi.cql2 import calculate, functions, instants, planar
from satapi.cql2.ast import (
    AccentInsensitive,
    Arithmetic,
    ArithmeticOperator,
    Array,
    BoundingBox,
    CaseInsensitive,
    Expression,
    Function,
    Geometry,
    GeometryCollection,
    Interval,
    Literal,
    Property,
    steps,
)
from satapi.errors import InvalidError
from satapi.query.constants import constant
from satapi.query.inventory import is_geometry
from satapi.query.sql import Sql, join, sql
from satapi.stac.times import format_instant

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import LiteralString

    from satapi.cql2.ast import Bound, Node, Scalar, SpatialOperator
    from satapi.query.inventory import Inventory

# json is what only the item knows.
Kind = OneOf["text", "number", "boolean", "instant", "geometry", "array", "interval", "json"]

_SIGNS: dict[ArithmeticOperator, Sql] = {
    "+": sql("'+'"),
    "-": sql("'-'"),
    "*": sql("'*'"),
    "/": sql("'/'"),
    "%": sql("'%'"),
    "div": sql("'div'"),
    "^": sql("'^'"),
}
_SHAPE: LiteralString = "st_geomfromwkb({}, 4326)"
_BEFORE_ALL, _AFTER_ALL = sql("'-infinity'::timestamptz"), sql("'infinity'::timestamptz")


class Terms:
    """Values as SQL. `parameter` is what errors name; `predicate` makes SQL of predicates that stand as values."""

    def __init__(self, inventory: Inventory, parameter: str, predicate: Callable[[Node], Sql]) -> None:
        self.inventory = inventory
        self.parameter = parameter
        self._predicate = predicate

    def kind(self, expression: Expression) -> Kind:
        """Of which kind a value is, as far as that is known before an item is read. Raises InvalidError."""
        match expression:
            case Property(name):
                if is_geometry(name):
                    return "geometry"
                return _COLUMN_KINDS[self.inventory.column(name, self.parameter).kind]
            case Literal(value):
                return _kind_of_literal(value)
            case CaseInsensitive(argument) | AccentInsensitive(argument):
                # What is no text stays as it is.
                return self.kind(argument)
            case Arithmetic():
                return "number"
            case Function(name, arguments):
                return functions.find(name, len(arguments), self.parameter).returns
            case Interval():
                return "interval"
            case Array():
                return "array"
            case Geometry() | GeometryCollection() | BoundingBox():
                return "geometry"
            case _:
                return "boolean"

    def of_kind(self, kind: Kind, expression: Expression) -> Sql:
        """The value as one of a kind, null where an item has another. Raises InvalidError where no item can have it."""
        found = self.kind(expression)
        if found not in {kind, "json"}:
            raise self.mismatch(expression, kind)
        match kind:
            case "text":
                return self._text(expression)
            case "number":
                return self._number(expression)
            case "boolean":
                return self._boolean(expression)
            case "instant":
                return self._instant(expression)
            case "geometry":
                return self._geometry(expression)
            case "array" | "json":
                return self.json(expression)
            case "interval":
                raise self.mismatch(expression, kind)

    def mismatch(self, expression: Expression, kind: str, *, beside: Expression | None = None) -> InvalidError:
        """The error that a value is of another kind than its place, or than what it stands beside."""
        parameter = self.parameter_of(beside or expression)
        return InvalidError(
            parameter, _shown(expression), f"it is of the kind {self.kind(expression)} where {kind} is asked for"
        )

    def parameter_of(self, expression: Expression) -> str:
        """What errors name of a value: the property if it is one."""
        match expression:
            case Property(name) | CaseInsensitive(Property(name)):
                return f"{self.parameter}.{name}"
            case _:
                return self.parameter

    # Each kind

    def _text(self, expression: Expression) -> Sql:
        match expression:
            case Literal(value):
                return sql("{}::text", value)
            case CaseInsensitive(argument):
                return sql("cql2_casei({})", self._text(argument))
            case AccentInsensitive(argument):
                return sql("cql2_accenti({})", self._text(argument))
            case Function():
                return self._call(expression)
            case Property(name) if (found := self.inventory.column(name, self.parameter)).kind == "text":
                return found.expression
            case _:
                value = self.json(expression)
                return sql("case when jsonb_typeof({}) = 'string' then {} #>> array[]::text[] end", value, value)

    def _number(self, expression: Expression) -> Sql:
        match expression:
            case Literal(int() | Decimal() as value):
                return sql("{}::text::numeric", str(value))
            case Arithmetic():
                first, others = steps(expression)
                found = self._operand(first)
                for operator, other in others:
                    found = sql("cql2_arithmetic({}, {}, {})", _SIGNS[operator], found, self._operand(other))
                return found
            case Function():
                return self._call(expression)
            case _:
                return sql("cql2_number({})", self.json(expression))

    def _operand(self, expression: Expression) -> Sql:
        """A number that is calculated with."""
        match expression:
            case Literal(int() | Decimal() as value) if calculate.bounded(value) is None:
                return sql("null::numeric")
            case _:
                return self.of_kind("number", expression)

    def _boolean(self, expression: Expression) -> Sql:
        match expression:
            case Literal(value):
                return sql("{}::boolean", value)
            case Property() | CaseInsensitive() | AccentInsensitive():
                value = self.json(expression)
                return sql("case when jsonb_typeof({}) = 'boolean' then {}::boolean end", value, value)
            case Function():
                return self._call(expression)
            case _:
                return self._predicate(cast("Node", expression))

    def _instant(self, expression: Expression) -> Sql:
        match expression:
            case Literal(date() as value):
                return sql("{}::text::timestamptz", format_instant(instants.moment(value)))
            case CaseInsensitive(argument) | AccentInsensitive(argument) if self.kind(argument) == "instant":
                return self._instant(argument)
            case Property(name) if (found := self.inventory.column(name, self.parameter)).kind == "time":
                return found.expression
            case Function():
                return self._call(expression)
            case _:
                return sql("cql2_instant({})", self.json(expression))

    def _geometry(self, expression: Expression) -> Sql:
        match expression:
            case Property(name) if is_geometry(name):
                return self.inventory.geometry
            case Geometry() | GeometryCollection() | BoundingBox():
                return sql(_SHAPE, shapely.to_wkb(planar.shape(expression, self.parameter)))
            case Function():
                return self._call(expression)
            case _:
                return sql("cql2_geometry({})", self.json(expression))

    def related(self, operator: SpatialOperator, expression: Expression, *, beside: Expression) -> Sql:
        """A geometry of a relation; a literal lies on the globe where the other one does. Raises InvalidError."""
        match expression:
            case Geometry() | GeometryCollection() | BoundingBox() if planar.is_on_the_globe(beside):
                return sql(_SHAPE, shapely.to_wkb(planar.placed(operator, expression, self.parameter)))
            case _:
                return self.of_kind("geometry", expression)

    def interval(self, expression: Expression) -> tuple[Sql, Sql]:
        """The start and the end of an interval or an instant."""
        if isinstance(expression, Interval):
            return self._bound(expression.start, _BEFORE_ALL), self._bound(expression.end, _AFTER_ALL)
        instant = self.of_kind("instant", expression)
        return instant, instant

    def _bound(self, bound: Bound, opened: Sql) -> Sql:
        return opened if bound is None else self.of_kind("instant", bound)

    # JSON

    def json(self, expression: Expression) -> Sql:
        """The value as jsonb, of whatever kind it is; times are texts."""
        if (text := constant(expression)) is not None:
            return sql("{}::text::jsonb", text)
        match expression:
            case Property(name):
                if is_geometry(name):
                    raise self.mismatch(expression, "a value of JSON")
                return self.inventory.stored(name, self.parameter)
            case CaseInsensitive(argument) | AccentInsensitive(argument) if self.kind(argument) == "json":
                value = self.json(argument)
                text = self._text(expression)
                return sql("case when jsonb_typeof({}) = 'string' then to_jsonb({}) else {} end", value, text, value)
            case Array(elements):
                return sql("to_jsonb(array[{}]::jsonb[])", join(", ", map(self.json, elements)))
            case Interval(start, end):
                ends = (Literal("..") if bound is None else bound for bound in (start, end))
                return self.json(Array(tuple(ends)))
            case _:
                kind = self.kind(expression)
                if kind in {"instant", "geometry"}:
                    raise self.mismatch(expression, "a value of JSON")
                return sql("to_jsonb({})", self.of_kind(kind, expression))

    def _call(self, call: Function) -> Sql:
        function = functions.find(call.name, len(call.arguments), self.parameter)
        given = [
            self._operand(each) if kind == "number" else self.of_kind(kind, each)
            for kind, each in zip(function.arguments, call.arguments, strict=True)
        ]
        return sql(_CALLS[function.name], *given)


_COLUMN_KINDS: dict[str, Kind] = {"text": "text", "time": "instant", "json": "json"}

_CALLS: dict[str, LiteralString] = {
    "lower": "cql2_lower({})",
    "upper": "cql2_upper({})",
    "trim": "btrim({}, ' ')",
    "length": "length({})::numeric",
    "abs": "abs({})",
    "ceil": "ceil({})",
    "floor": "floor({})",
    "round": "round({})",
    "year": "extract(year from {} at time zone 'UTC')",
    "month": "extract(month from {} at time zone 'UTC')",
    "day": "extract(day from {} at time zone 'UTC')",
    "hour": "extract(hour from {} at time zone 'UTC')",
    "area": "st_area({})::text::numeric",
    "envelope": "st_envelope({})",
    "size": "cql2_size({})::numeric",
}


def _kind_of_literal(value: Scalar) -> Kind:
    match value:
        case str():
            return "text"
        case bool():
            return "boolean"
        case date():
            return "instant"
        case _:
            return "number"


def _shown(expression: Expression) -> str:
    match expression:
        case Property(name) | Function(name):
            return name
        case Literal(value):
            return str(value)
        case _:
            return type(expression).__name__

"""The JSON encoding of CQL2 (OGC 21-065r2, requirements class cql2-json)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import msgspec

from satapi.cql2 import forms, geojson
from satapi.cql2.ast import (
    AnyGeometry,
    Array,
    BoundingBox,
    Coordinates,
    Expression,
    Geometry,
    GeometryCollection,
    Literal,
    Node,
    Property,
)
from satapi.cql2.instants import parse_date, parse_timestamp
from satapi.cql2.limits import Budget, Limits, levels
from satapi.errors import InvalidError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Numbers keep all their digits.
_DECODER = msgspec.json.Decoder(float_hook=Decimal)

_EXPRESSION = "an operation, a property, a value or a geometry"


def parse(given: bytes, limits: Limits, parameter: str = "filter") -> Node:
    """The tree of a filter. Raises InvalidError with the path of what is wrong, and TooLargeError over the limits."""
    budget = Budget(limits, parameter)
    shown = given.decode(errors="replace")
    budget.characters(shown)
    try:
        document = _DECODER.decode(given)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, ValueError) as error:
        raise InvalidError(parameter, shown, f"{error}; allowed is CQL2 JSON") from None
    except RecursionError:
        raise TooLargeError(parameter, shown, "it is nested too deeply") from None
    parser = _Parser(budget)
    try:
        found = parser.expression(document, parameter, 1)
    except RecursionError:
        raise TooLargeError(parameter, shown, "it is nested too deeply") from None
    if not forms.is_predicate(found):
        raise InvalidError(parameter, shown, "allowed is a predicate")
    budget.nest(levels(found))
    return cast("Node", found)


def text(given: bytes, parameter: str = "filter") -> str:
    """The text that a JSON string says. Raises InvalidError for other JSON."""
    try:
        return _STRING.decode(given)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise InvalidError(parameter, given.decode(errors="replace"), "allowed is a text of CQL2") from None


_STRING = msgspec.json.Decoder(str)


class _Parser:
    """From JSON values to expressions; `path` is where a value stands."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def expression(self, value: object, path: str, depth: int) -> Expression:
        match value:
            case dict():
                return self._object(cast("Mapping[str, object]", value), path, depth)
            case list():
                self._budget.nest(depth)
                if not value:
                    self._budget.term()
                elements = enumerate(cast("list[object]", value))
                return Array(tuple(self.expression(each, f"{path}[{at}]", depth + 1) for at, each in elements))
            case None:
                raise _fault(path, value, _EXPRESSION)
            case _:
                return self._literal(value, path)

    def _literal(self, value: object, path: str) -> Expression:
        self._budget.term()
        match value:
            case str():
                return Literal(_text(value, path))
            case bool():
                return Literal(value)
            case int() | Decimal():
                self._budget.number(str(value))
                return Literal(value)
            case _:
                raise _fault(path, value, _EXPRESSION)

    def _object(self, given: Mapping[str, object], path: str, depth: int) -> Expression:
        match given:
            case {"op": str(operator)}:
                return self._operation(operator, given.get("args", []), path, depth)
            case {"property": str(name)}:
                self._budget.term()
                if not name:
                    raise _fault(f"{path}.property", name, "the name of a property")
                return Property(_text(name, f"{path}.property"))
            case {"date": instant} | {"timestamp": instant}:
                kind = "date" if "date" in given else "timestamp"
                return self._instant(kind, instant, f"{path}.{kind}")
            case {"interval": bounds}:
                return self._interval(bounds, f"{path}.interval", depth)
            case {"bbox": numbers}:
                self._budget.term()
                box = tuple(_number(number, f"{path}.bbox") for number in _list(numbers, f"{path}.bbox"))
                if reason := geojson.fault_of_box(box):
                    raise _fault(f"{path}.bbox", numbers, reason)
                return BoundingBox(box)
            case {"type": str()}:
                self._budget.term()
                return self._geometry(given, path, depth)
            case _:
                raise _fault(path, given, _EXPRESSION)

    def _operation(self, operator: str, arguments: object, path: str, depth: int) -> Expression:
        self._budget.nest(depth)
        given = _list(arguments, f"{path}.args")
        if not given:
            self._budget.term()
        if _calculation({"op": operator, "args": given}) is not None:
            return self._calculated(operator, given, path, depth)
        found = [self.expression(each, f"{path}.args[{at}]", depth + 1) for at, each in enumerate(given)]
        return self._of(operator, found, given, path)

    def _calculated(self, operator: str, given: list[object], path: str, depth: int) -> Expression:
        """From the left, which is one level however long it is, in a loop."""
        steps = [(operator, given, path)]
        first, place = given[0], f"{path}.args[0]"
        while (inner := _calculation(first)) is not None:
            steps.append((*inner, place))
            first, place = inner[1][0], f"{place}.args[0]"
        found = self.expression(first, place, depth + 1)
        for sign, operands, at in reversed(steps):
            other = self.expression(operands[1], f"{at}.args[1]", depth + 1)
            found = self._of(sign, [found, other], operands, at)
        return found

    def _of(self, operator: str, found: list[Expression], given: list[object], path: str) -> Expression:
        try:
            return forms.operation(operator, found)
        except forms.FormError as error:
            if error.argument is not None:
                raise _fault(f"{path}.args[{error.argument}]", given[error.argument], error.expected) from None
            if forms.is_known(operator):
                raise _fault(f"{path}.args", given, error.expected) from None
            raise _fault(f"{path}.op", operator, error.expected) from None

    def _instant(self, kind: str, value: object, path: str) -> Expression:
        self._budget.term()
        if not isinstance(value, str):
            raise _fault(path, value, "a text")
        try:
            return Literal(parse_date(value) if kind == "date" else parse_timestamp(value))
        except ValueError as error:
            raise _fault(path, value, f"a {kind}: {error}") from None

    def _interval(self, bounds: object, path: str, depth: int) -> Expression:
        given = _list(bounds, path)
        if len(given) != len(("start", "end")):
            raise _fault(path, bounds, "an array of 2 bounds")
        self._budget.nest(depth)
        start, end = (self._bound(bound, f"{path}[{at}]", depth + 1) for at, bound in enumerate(given))
        try:
            return forms.interval(start, end)
        except forms.FormError as error:
            at = error.argument or 0
            raise _fault(f"{path}[{at}]", given[at], error.expected) from None

    def _bound(self, value: object, path: str, depth: int) -> Expression | None:
        if value == "..":
            return None
        if isinstance(value, str):
            return self._instant("timestamp" if "T" in value.upper() else "date", value, path)
        return self.expression(value, path, depth)

    def _geometry(self, given: Mapping[str, object], path: str, depth: int) -> AnyGeometry:
        self._budget.nest(depth)
        kind = given["type"]
        if kind == "GeometryCollection":
            parts = _list(given.get("geometries"), f"{path}.geometries")
            if not parts:
                raise _fault(f"{path}.geometries", parts, "at least one geometry")
            return GeometryCollection(
                tuple(self._part(part, f"{path}.geometries[{at}]", depth + 1) for at, part in enumerate(parts))
            )
        for name, nested in geojson.LEVELS.items():
            if kind == name:
                path = f"{path}.coordinates"
                coordinates = self._coordinates(given.get("coordinates"), nested, path)
                if reason := geojson.fault(name, coordinates):
                    raise _fault(path, given["coordinates"], reason)
                return Geometry(name, coordinates)
        raise _fault(f"{path}.type", kind, f"one of {', '.join(geojson.LEVELS)} and GeometryCollection")

    def _part(self, given: object, path: str, depth: int) -> AnyGeometry:
        match given:
            case {"type": str()}:
                return self._geometry(cast("Mapping[str, object]", given), path, depth)
            case _:
                raise _fault(path, given, "a geometry")

    def _coordinates(self, given: object, levels: int, path: str) -> Coordinates:
        values = _list(given, path)
        if levels == 0:
            self._budget.point()
            position = tuple(_number(value, path) for value in values)
            if len(position) not in _DIMENSIONS:
                raise _fault(path, given, "positions of 2 or 3 numbers")
            return position
        if not values:
            raise _fault(path, given, "at least one position")
        return tuple(self._coordinates(value, levels - 1, f"{path}[{at}]") for at, value in enumerate(values))


_DIMENSIONS = (2, 3)
_BINARY = 2


def _calculation(value: object) -> tuple[str, list[object]] | None:
    """The operator and the two operands, if it is a calculation."""
    given = cast("dict[str, object]", value) if isinstance(value, dict) else dict[str, object]()
    operator, operands = given.get("op"), given.get("args")
    if not isinstance(operator, str) or operator.lower() not in forms.ARITHMETIC or not isinstance(operands, list):
        return None
    pair = cast("list[object]", operands)
    return (operator, pair) if len(pair) == _BINARY else None


def _text(value: str, path: str) -> str:
    if "\0" in value:
        raise _fault(path, value, "text without the character U+0000")
    return value


def _list(value: object, path: str) -> list[object]:
    if not isinstance(value, list):
        raise _fault(path, value, "an array")
    return cast("list[object]", value)


def _number(value: object, path: str) -> float:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            raise _fault(path, value, "numbers that are not infinite") from None
        if geojson.is_finite(number):
            return number
    raise _fault(path, value, "numbers that are not infinite")


def _fault(path: str, value: object, expected: str) -> InvalidError:
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return InvalidError(path, shown, f"expected was {expected}")

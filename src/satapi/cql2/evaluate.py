"""The meaning of the tree in plain Python: what the SQL must agree with. None is unknown, as in SQL."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from satapi.cql2.ast import (
    And,
    CaseInsensitive,
    Comparison,
    InList,
    IsNull,
    Like,
    Literal,
    Node,
    Not,
    Or,
    Property,
    Term,
)
from satapi.stac.times import parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = object
# Unknown is None.
Truth = bool | None

_ENDS = ("start_datetime", "end_datetime")
_TIMES = frozenset({"datetime", "start_datetime", "end_datetime", "created", "updated"})


def evaluate(node: Node, item: Mapping[str, Value]) -> Truth:
    """Whether the item (parsed JSON, numbers as int and Decimal) meets the node: true, false or unknown."""
    match node:
        case And(arguments):
            return _conjunction([evaluate(argument, item) for argument in arguments])
        case Or(arguments):
            return _negation(_conjunction([_negation(evaluate(argument, item)) for argument in arguments]))
        case Not(argument):
            return _negation(evaluate(argument, item))
        case IsNull(value):
            return _term(value, item) is None
        case Comparison(operator, left, right):
            return _compare(operator, _term(left, item), _term(right, item))
        case Like(value, pattern):
            return _like(_term(value, item), _term(pattern, item))
        case InList(value, options):
            subject = _term(value, item)
            return _negation(
                _conjunction([_negation(_compare("=", subject, _term(option, item))) for option in options])
            )


def lookup(name: str, item: Mapping[str, Value]) -> Value:
    """The value of a property by its short name: a member of the item for id and collection, a time where it is one."""
    if name in {"id", "collection"}:
        return item.get(name)
    properties = cast("Mapping[str, Value]", item["properties"])
    if name in _TIMES:
        return _time(name, properties)
    value: Value = properties
    for step in name.split("."):
        value = _inside(value, step)
    return value


def _inside(value: Value, step: str) -> Value:
    """A member of an object, or an element of an array by its number, from 0, or from -1 at its end."""
    if isinstance(value, dict):
        return cast("Mapping[str, Value]", value).get(step)
    if isinstance(value, list) and re.fullmatch(r"-?\d+", step):
        elements = cast("list[Value]", value)
        return elements[int(step)] if -len(elements) <= int(step) < len(elements) else None
    return None


def _time(name: str, properties: Mapping[str, Value]) -> Value:
    """A time; what is no time counts as missing, and so does one end of an interval without the other."""
    value = properties.get(name)
    if value is None and name == "datetime":
        value = properties.get("start_datetime")
    if name in _ENDS and None in map(properties.get, _ENDS):
        return None
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _term(term: Term, item: Mapping[str, Value]) -> Value:
    match term:
        case Property(name):
            return lookup(name, item)
        case Literal(value):
            return value
        case CaseInsensitive(argument):
            value = _term(argument, item)
            return value.lower() if isinstance(value, str) else value


def _conjunction(values: list[Truth]) -> Truth:
    if False in values:
        return False
    return None if None in values else True


def _negation(value: Truth) -> Truth:
    return None if value is None else not value


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | Decimal):
        return "number"
    return type(value).__name__


_ORDERINGS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _compare(operator: str, left: Value, right: Value) -> Truth:
    if left is None or right is None:
        return None
    if isinstance(left, datetime) and isinstance(right, str):
        right = parse_instant(right)
    if operator in {"=", "<>"}:
        equal = _kind(left) == _kind(right) and left == right
        return equal if operator == "=" else not equal
    # Values of different kinds have no order: the comparison is false, not an error.
    return _kind(left) == _kind(right) and _ORDERINGS[operator](cast("Decimal", left), cast("Decimal", right))


def _like(value: Value, pattern: Value) -> Truth:
    if not isinstance(value, str) or not isinstance(pattern, str):
        return None
    expression = ""
    for match in re.finditer(r"\\(.)|(.)", pattern, re.DOTALL):
        if match[1]:
            expression += re.escape(match[1])
        else:
            expression += {"%": ".*", "_": "."}.get(match[2], re.escape(match[2]))
    return re.fullmatch(expression, value, re.DOTALL) is not None

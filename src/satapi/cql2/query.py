"""The query extension as CQL2: each of its comparisons is one node of the tree.

Its operators are those of https://api.stacspec.org/v1.0.0/item-search#query, whose schema asks that text be compared
without regard to case in eq, neq, in, startsWith, endsWith and contains.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, assert_never

from satapi.cql2.ast import (
    CaseInsensitive,
    Comparison,
    ComparisonOperator,
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
from satapi.errors import InvalidError

if TYPE_CHECKING:
    from satapi.stac.search import Operator, PropertyTest, Scalar

# Members that are text, whatever it says.
_TEXTS = frozenset({"id", "collection"})

# A JSON number.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,3})?")

_COMPARISONS: dict[Operator, ComparisonOperator] = {
    "eq": "=",
    "neq": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
}


def node(test: PropertyTest) -> Node:
    """The meaning of one comparison. Raises InvalidError where the value is not of a kind that the operator takes."""
    prop = Property(test.property)
    match test.operator:
        case "eq" | "neq" if test.value is None:
            return IsNull(prop) if test.operator == "eq" else Not(IsNull(prop))
        case "eq" | "lt" | "lte" | "gt" | "gte" if _is_numeric_text(test):
            # pystac-client sends the number of "eo:cloud_cover<10" as text.
            text = str(test.value)
            as_number = Comparison(_COMPARISONS[test.operator], prop, Literal(Decimal(text)))
            return Or((_text_test(prop, test, text), as_number))
        case "eq" | "neq":
            value = _literal(test, test.value)
            return Comparison(_COMPARISONS[test.operator], _folded(prop, value), _folded(value, value))
        case "lt" | "lte" | "gt" | "gte":
            if isinstance(test.value, bool):
                raise _invalid(test, "a number or text")
            return Comparison(_COMPARISONS[test.operator], prop, _literal(test, test.value))
        case "startsWith" | "endsWith" | "contains":
            if not isinstance(test.value, str):
                raise _invalid(test, "text")
            before = "" if test.operator == "startsWith" else "%"
            after = "" if test.operator == "endsWith" else "%"
            pattern = Literal(before + re.sub(r"([\\%_])", r"\\\1", test.value) + after)
            return Like(CaseInsensitive(prop), CaseInsensitive(pattern))
        case "in":
            if not isinstance(test.value, tuple):
                raise _invalid(test, "an array of numbers, texts and booleans")
            options = tuple(_literal(test, option) for option in test.value)
            return InList(CaseInsensitive(prop), tuple(_folded(option, option) for option in options))
        case _:
            assert_never(test.operator)


def _is_numeric_text(test: PropertyTest) -> bool:
    return test.property not in _TEXTS and isinstance(test.value, str) and bool(_NUMBER.fullmatch(test.value))


def _text_test(prop: Property, test: PropertyTest, text: str) -> Node:
    operator = _COMPARISONS[test.operator]
    if test.operator == "eq":
        return Comparison(operator, CaseInsensitive(prop), CaseInsensitive(Literal(text)))
    return Comparison(operator, prop, Literal(text))


def _literal(test: PropertyTest, value: Scalar | tuple[Scalar, ...]) -> Literal:
    if value is None or isinstance(value, tuple):
        raise _invalid(test, "a number, text or boolean")
    return Literal(value)


def _folded(term: Property | Literal, value: Literal) -> Term:
    return CaseInsensitive(term) if isinstance(value.value, str) else term


def _invalid(test: PropertyTest, allowed: str) -> InvalidError:
    return InvalidError(f"query.{test.property}.{test.operator}", test.value, f"allowed is {allowed}")

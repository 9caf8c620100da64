"""The query parameter (query extension), from JSON to typed tests."""

from __future__ import annotations

from decimal import Decimal
from typing import cast, get_args

import msgspec

from satapi.errors import InvalidError, TooLargeError
from satapi.query.inventory import short
from satapi.stac.search import Operator, PropertyTest, Scalar

_OPERATORS = get_args(Operator)
# Numbers keep all their digits.
_DECODER = msgspec.json.Decoder(dict[str, object], float_hook=Decimal)


def property_tests(text: bytes, terms_max: int) -> tuple[PropertyTest, ...]:
    """The comparisons of a query, all of which must hold. Raises InvalidError, and TooLargeError over the limit."""
    try:
        given = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError) as error:
        raise InvalidError(
            "query",
            text.decode(errors="replace"),
            f'{error}; allowed is an object such as {{"eo:cloud_cover":{{"lt":10}}}}',
        ) from None
    tests = tuple(test for name, value in given.items() for test in _of_property(name, value))
    terms = sum(len(test.value) if isinstance(test.value, tuple) else 1 for test in tests)
    if terms > terms_max:
        raise TooLargeError("query", f"{terms} comparisons", f"at most {terms_max} are allowed")
    return tests


def _of_property(name: str, given: object) -> list[PropertyTest]:
    """The tests of one property: a bare value means eq."""
    if not isinstance(given, dict):
        return [_test(name, "eq", given)]
    return [_test(name, operator, value) for operator, value in cast("dict[str, object]", given).items()]


def _test(name: str, operator: str, value: object) -> PropertyTest:
    if operator not in _OPERATORS:
        raise InvalidError(f"query.{name}", operator, f"allowed operators are {', '.join(_OPERATORS)}")
    if "\0" in name:
        raise InvalidError("query", name, "no property's name holds the character U+0000")
    parameter = f"query.{name}.{operator}"
    if operator == "in":
        if not isinstance(value, list):
            raise InvalidError(parameter, value, "allowed is an array of numbers, texts and booleans")
        options = tuple(_scalar(parameter, option) for option in cast("list[object]", value))
        return PropertyTest(short(name), "in", options)
    return PropertyTest(short(name), cast("Operator", operator), _scalar(parameter, value))


def _scalar(parameter: str, value: object) -> Scalar:
    if isinstance(value, str) and "\0" in value:
        raise InvalidError(parameter, value, "no text holds the character U+0000")
    if value is None or isinstance(value, str | bool | int | Decimal):
        return value
    raise InvalidError(parameter, value, "allowed is a number, text or boolean")

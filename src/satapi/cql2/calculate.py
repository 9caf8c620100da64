"""Calculation: arithmetic and functions on plain values, to the digit as the SQL does them; None is unknown."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from satapi.stac.geometry import box

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from shapely.geometry.base import BaseGeometry

    from satapi.cql2.ast import ArithmeticOperator

Number = int | Decimal

# Numbers that are calculated with lie below 10^1000 and have 1,000 digits after the point, at most.
_DIGITS_MAX = 1_000
# Enough for products of them.
_PRECISION = 10 * _DIGITS_MAX
# Digits after the point that a quotient keeps.
_QUOTIENT_DIGITS = 40
# Powers are doubles; operands and results stay away from the ends of their range.
_LEAST, _GREATEST, _LOGARITHM_MAX = Decimal("1e-300"), Decimal("1e300"), 690.0


def bounded(value: Number) -> Decimal | None:
    """The number if it is one to calculate with."""
    with localcontext(prec=_PRECISION):
        plain = Decimal(value).normalize()
        exponent = cast("int", plain.as_tuple().exponent)
        return plain if plain.adjusted() < _DIGITS_MAX and -exponent <= _DIGITS_MAX else None


def arithmetic(operator: ArithmeticOperator, left: Number, right: Number) -> Decimal | None:
    """The result; None for a division by zero, and for what is out of bounds."""
    with localcontext(prec=_PRECISION):
        one, other = Decimal(left), Decimal(right)
        match operator:
            case "+":
                found = one + other
            case "-":
                found = one - other
            case "*":
                found = one * other
            case "^":
                return _power(one, other)
            case "/" | "div" | "%":
                if other == 0:
                    return None
                found = _divided(operator, one, other)
        return bounded(found)


def _divided(operator: str, one: Decimal, other: Decimal) -> Decimal:
    quotient = Fraction(one) / Fraction(other)
    match operator:
        case "div":
            return Decimal(math.trunc(quotient))
        case "%":
            return one - other * math.trunc(quotient)
        case _:
            return Decimal(math.trunc(quotient * 10**_QUOTIENT_DIGITS)).scaleb(-_QUOTIENT_DIGITS)


def _power(base: Decimal, exponent: Decimal) -> Decimal | None:
    if any(number != 0 and not _LEAST < abs(number) < _GREATEST for number in (base, exponent)):
        return None
    one, other = float(base), float(exponent)
    if exponent == 0:
        return Decimal(1)
    if base == 0:
        return Decimal(0) if exponent > 0 else None
    if base < 0 and exponent % 1 != 0:
        return None
    if abs(other * math.log(abs(one))) > _LOGARITHM_MAX:
        return None
    return bounded(Decimal(repr(one**other)))


def call(name: str, arguments: Sequence[object]) -> object:
    """A function of values of its kinds."""
    return _FUNCTIONS[name](*arguments)


def _to_integral(rounding: str) -> Callable[[Decimal], Decimal]:
    def rounded(number: Decimal) -> Decimal:
        with localcontext(prec=_PRECISION):
            return number.to_integral_value(rounding)

    return rounded


def _length(text: str) -> int:
    return len(text)


def _lower(text: str) -> str:
    return text.lower()


def _upper(text: str) -> str:
    return text.upper()


def _trim(text: str) -> str:
    return text.strip(" ")


def _size(array: list[object]) -> int:
    return len(array)


def _part(name: str) -> Callable[[datetime], int]:
    def part(instant: datetime) -> int:
        return cast("int", getattr(instant, name))

    return part


def _area(geometry: BaseGeometry) -> Decimal:
    return Decimal(repr(geometry.area))


def _envelope(geometry: BaseGeometry) -> BaseGeometry:
    return box(*geometry.bounds)


_FUNCTIONS: dict[str, Callable[..., object]] = {
    "lower": _lower,
    "upper": _upper,
    "trim": _trim,
    "length": _length,
    "abs": Decimal.copy_abs,
    "ceil": _to_integral(ROUND_CEILING),
    "floor": _to_integral(ROUND_FLOOR),
    "round": _to_integral(ROUND_HALF_UP),
    "year": _part("year"),
    "month": _part("month"),
    "day": _part("day"),
    "hour": _part("hour"),
    "area": _area,
    "envelope": _envelope,
    "size": _size,
}

"""Limits: how large a filter may be, counted while it is parsed."""

from __future__ import annotations

from typing import cast

import msgspec

from satapi.cql2.ast import Arithmetic, BoundingBox, Geometry, Literal, Property
from satapi.errors import InvalidError, TooLargeError


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a filter may have: characters of text, levels of nesting, properties and values, positions."""

    characters: int
    nesting: int
    terms: int
    points: int


def levels(tree: object) -> int:
    """How deep operators are nested in a tree, in whichever encoding it was written; values and properties add nothing.

    A calculation from the left is one level, however long it is.
    """
    deepest = 0
    waiting = [(tree, 1)]
    while waiting:
        value, level = waiting.pop()
        match value:
            case Property() | Literal() | Geometry() | BoundingBox():
                continue
            case Arithmetic(_, left, right):
                waiting += [(left, level + (not isinstance(left, Arithmetic))), (right, level + 1)]
            case tuple():
                waiting += [(each, level) for each in cast("tuple[object, ...]", value)]
                continue
            case msgspec.Struct():
                waiting += [(getattr(value, field), level + 1) for field in value.__struct_fields__]
            case _:
                continue
        deepest = max(deepest, level)
    return deepest


# What Python's stack holds of everything that recurses into a tree.
_LEVELS_MAX = 100

# PostgreSQL's numbers are exact far beyond these; so are Python's.
_DIGITS_MAX = 1_000


class Budget:
    """What is left of the limits. `parameter` is what errors name."""

    def __init__(self, limits: Limits, parameter: str) -> None:
        self.limits = limits
        self.parameter = parameter
        self._terms = 0
        self._points = 0

    def characters(self, text: str) -> None:
        """Raises TooLargeError for a text that is too long."""
        if len(text) > self.limits.characters:
            raise self._too_large(f"{len(text)} characters", f"at most {self.limits.characters} are allowed")

    def nest(self, levels: int) -> None:
        """Raises TooLargeError where something stands so many levels deep."""
        at_most = min(self.limits.nesting, _LEVELS_MAX)
        if levels > at_most:
            raise self._too_large("a deeper one", f"at most {at_most} levels of nesting are allowed")

    def term(self) -> None:
        """Counts a property or value."""
        self._terms += 1
        if self._terms > self.limits.terms:
            raise self._too_large("a longer one", f"at most {self.limits.terms} properties and values are allowed")

    def point(self) -> None:
        """Counts a position of a geometry."""
        self._points += 1
        if self._points > self.limits.points:
            raise self._too_large("a geometry", f"at most {self.limits.points} points are allowed")

    def number(self, text: str) -> None:
        """Raises InvalidError for a number, as it is written, that is too long or too large to calculate with."""
        digits, _, exponent = text.lower().partition("e")
        if len(digits) > _DIGITS_MAX or len(exponent) > _EXPONENT_CHARACTERS or abs(int(exponent or 0)) > _DIGITS_MAX:
            raise InvalidError(self.parameter, text, f"numbers have at most {_DIGITS_MAX} digits")

    def _too_large(self, value: str, allowed: str) -> TooLargeError:
        return TooLargeError(self.parameter, value, allowed)


_EXPONENT_CHARACTERS = 6

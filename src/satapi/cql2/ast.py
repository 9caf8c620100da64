"""The CQL2 tree: frozen nodes in one closed union (OGC 21-065r2, as far as searches need it so far)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal as OneOf

import msgspec


class Property(msgspec.Struct, frozen=True):
    """A property of the item, by its short name."""

    name: str


class Literal(msgspec.Struct, frozen=True):
    """A value: text, number, boolean or time."""

    value: str | bool | int | Decimal | datetime


class CaseInsensitive(msgspec.Struct, frozen=True):
    """casei(): text without regard to case (requirements class case-insensitive-comparison)."""

    argument: Property | Literal


Term = Property | Literal | CaseInsensitive

ComparisonOperator = OneOf["=", "<>", "<", "<=", ">", ">="]


class Comparison(msgspec.Struct, frozen=True):
    """A binary comparison."""

    operator: ComparisonOperator
    left: Term
    right: Term


class Like(msgspec.Struct, frozen=True):
    r"""Text against a pattern: % stands for any text, _ for any character, \ takes the next one literally."""

    value: Term
    pattern: Term


class InList(msgspec.Struct, frozen=True):
    """Equal to one of the options."""

    value: Term
    options: tuple[Term, ...]


class IsNull(msgspec.Struct, frozen=True):
    """The property is missing or null."""

    value: Property


class Not(msgspec.Struct, frozen=True):
    """Negation: of an unknown it is unknown."""

    argument: Node


class And(msgspec.Struct, frozen=True):
    """All hold."""

    arguments: tuple[Node, ...]


class Or(msgspec.Struct, frozen=True):
    """At least one holds."""

    arguments: tuple[Node, ...]


Node = Comparison | Like | InList | IsNull | Not | And | Or

"""SQL statements: literal text with parameters, the only way to make one."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, LiteralString

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Param:
    """A value that is sent beside the text. The same Param in several places of a statement is sent once."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


class Sql(msgspec.Struct, frozen=True):
    """A statement or a piece of one: literal texts and the parameters between them."""

    parts: tuple[str | Param, ...]

    def render(self) -> tuple[str, list[object]]:
        """The text with $1, $2, ... and the values in that order."""
        numbers: dict[Param, int] = {}
        text: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                text.append(part)
            else:
                text.append(f"${numbers.setdefault(part, len(numbers) + 1)}")
        return "".join(text), [param.value for param in numbers]


def sql(text: LiteralString, *values: object) -> Sql:
    """A piece of SQL: each {} is the next value, as a parameter, or as it is where it is itself Sql."""
    literals = _literals(text)
    if len(literals) != len(values) + 1:
        raise TypeError(f"{len(values)} values for {len(literals) - 1} places in {text!r}")
    parts: list[str | Param] = [literals[0]]
    for value, literal in zip(values, literals[1:], strict=True):
        if isinstance(value, Sql):
            parts.extend(value.parts)
        else:
            parts.append(value if isinstance(value, Param) else Param(value))
        parts.append(literal)
    return Sql(tuple(parts))


def join(separator: LiteralString, pieces: Iterable[Sql]) -> Sql:
    """The pieces with the separator between them."""
    parts: list[str | Param] = []
    for piece in pieces:
        if parts:
            parts.append(separator)
        parts.extend(piece.parts)
    return Sql(tuple(parts))


@cache
def _literals(text: str) -> tuple[str, ...]:
    # Bounded: texts are literals of this program.
    return tuple(text.split("{}"))

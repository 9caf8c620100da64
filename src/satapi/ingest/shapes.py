"""Shapes: what the values at each place of many documents are, so that columns can hold all of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from satapi.stac.times import parse_instant

if TYPE_CHECKING:
    from datetime import datetime

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

# What a column holds; JSON text where values are of several kinds, or of one that no column has.
Kind = Literal["boolean", "integer", "number", "text", "time", "list", "object", "json"]

# The integers of a column, and those that floating-point numbers tell apart.
_INTEGERS = 2**63
_EXACT = 2**53

# Objects whose members have so many names have values for names, as it were.
_MEMBERS_MAX = 1_000

_SIMPLE: dict[frozenset[type], Kind] = {
    frozenset({bool}): "boolean",
    frozenset({int}): "integer",
    frozenset({float}): "number",
    frozenset({int, float}): "number",
    frozenset({str}): "text",
    frozenset({list}): "list",
    frozenset({dict}): "object",
}


class Shape:
    """What is at one place of all documents that were seen."""

    __slots__ = ("_is_timed", "_kinds", "_magnitude", "digits", "entries", "members", "nulls", "objects", "present")

    def __init__(self) -> None:
        self.present = 0
        self.nulls = 0
        self.objects = 0
        self.members: dict[str, Shape] = {}
        """By name, of objects; not all of them where these are wide."""
        self.entries: Shape | None = None
        """Of lists."""
        self.digits: set[int] = set()
        """How many digits fractions of seconds have, of times; -1 is for those that are written in another way."""
        self._kinds: set[type] = set()
        self._magnitude = 0
        self._is_timed = True

    def see(self, value: Json, *, is_time: bool = False) -> None:
        """Take in one more value; where times belong, it is noted whether texts are times."""
        self.present += 1
        if value is None:
            self.nulls += 1
            return
        self._kinds.add(type(value))
        match value:
            case dict():
                if len(self.members) <= _MEMBERS_MAX:
                    self.see_members(value)
            case list():
                if self.entries is None:
                    self.entries = Shape()
                self.entries.see_entries(value)
            case int():
                self._magnitude = max(self._magnitude, abs(value))
            case str():
                self._is_timed = is_time and self._is_timed and _is_time(value)
                if self._is_timed:
                    self.digits.add(_digits(value))
            case _:
                pass

    def see_entries(self, values: list[Json]) -> None:
        """Take in the entries of a list; many lists are of numbers alone, such as coordinates."""
        if set(map(type, values)) == {float}:
            self.present += len(values)
            self._kinds.add(float)
            return
        for value in values:
            self.see(value)

    def see_members(self, value: dict[str, Json], times: frozenset[str] = frozenset()) -> None:
        """Take in the members of an object; `times` are those where times belong."""
        self.objects += 1
        for name, member in value.items():
            shape = self.members.get(name)
            if shape is None:
                shape = self.members[name] = Shape()
            shape.see(member, is_time=name in times)

    @property
    def kind(self) -> Kind | None:
        """The kind of column that holds all values; None where there is nothing but null."""
        if not self._kinds:
            return None
        kind = _SIMPLE.get(frozenset(self._kinds), "json")
        if kind == "text" and self._is_timed:
            return "time"
        if kind == "object" and (
            len(self.members) > _MEMBERS_MAX or not any(member.kind for member in self.members.values())
        ):
            # No column has an object without members.
            return "json"
        is_mixed = len(self._kinds) > 1
        return "json" if self._magnitude >= (_EXACT if is_mixed else _INTEGERS) else kind

    def keeps_nulls(self, parents: int) -> bool:
        """Whether each null is one that was given, and not a missing member, among so many objects."""
        return self.nulls > 0 and self.present == parents

    def mixed_nulls(self, before: str) -> list[str]:
        """The places, `before` which this is written, where some objects have a null and others nothing."""
        found: list[str] = []
        for name, member in self.members.items():
            if member.kind == "json":
                continue
            if member.nulls and not member.keeps_nulls(self.objects):
                found.append(before + name)
            found += member.mixed_nulls(f"{before}{name}.")
        if self.entries is not None:
            found += self.entries.mixed_nulls(f"{before[:-1]}[].")
        return found


_USUAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,6}))?Z")


def _digits(text: str) -> int:
    usual = _USUAL.fullmatch(text)
    return -1 if usual is None else len(usual[1] or "")


def _is_time(text: str) -> bool:
    try:
        instant(text)
    except ValueError:
        return False
    return True


def instant(text: str) -> datetime:
    """A time as the loader reads it, which also takes a space between date and time. Raises ValueError."""
    return parse_instant(text[:10] + "T" + text[11:] if text[10:11] == " " else text)

"""Values: what an item holds, in plain Python, and what counts as a value of a kind; None is unknown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from satapi.cql2 import calculate, instants
from satapi.stac.times import parse_instant

if TYPE_CHECKING:
    from satapi.cql2.functions import Kind

# A parsed item, its numbers as int and Decimal.
Item = Mapping[str, object]

# An instant, or before and after all of them: the second number says which.
Instant = tuple[int, datetime]
Span = tuple[Instant | None, Instant | None]

_ENDS = ("start_datetime", "end_datetime")
_TIMES = frozenset({"datetime", "start_datetime", "end_datetime", "created", "updated"})
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
BEFORE_ALL, AFTER_ALL = (-1, _ANY_TIME), (1, _ANY_TIME)

# The combining marks of Unicode that accents are written with.
MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")


def lookup(name: str, item: Item) -> object:
    """The value of a property: a member of the item for id, collection and geometry, a time where it is one."""
    name = name.removeprefix("properties.")
    if name in {"id", "collection", "geometry"}:
        return item.get(name)
    properties = cast("Mapping[str, object]", item["properties"])
    return _time(name, properties) if name in _TIMES else _member(name, properties)


def _member(name: str, properties: Mapping[str, object]) -> object:
    value: object = properties
    for step in name.split("."):
        value = _inside(value, step)
    return value


def _inside(value: object, step: str) -> object:
    """A member of an object, or an element of an array by its number, from 0, or from -1 at its end."""
    if isinstance(value, dict):
        return cast("Mapping[str, object]", value).get(step)
    if isinstance(value, list) and re.fullmatch(r"-?\d+", step):
        elements = cast("list[object]", value)
        return elements[int(step)] if -len(elements) <= int(step) < len(elements) else None
    return None


def stored(name: str, item: Item) -> object:
    """The value of a property as JSON has it: times are the texts that they are."""
    short = name.removeprefix("properties.")
    return cast("Item", item["properties"]).get(short) if short in _TIMES else lookup(name, item)


def _time(name: str, properties: Mapping[str, object]) -> datetime | None:
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


def without_accents(text: str) -> str:
    """The text decomposed, without combining marks, and composed again."""
    return unicodedata.normalize("NFC", MARKS.sub("", unicodedata.normalize("NFD", text)))


def of_kind(kind: Kind, value: object) -> object:
    """The value if it is of the kind; texts that say a time are times, and numbers have bounds."""
    match kind:
        case "text":
            return value if isinstance(value, str) else None
        case "number":
            if isinstance(value, bool) or not isinstance(value, int | Decimal):
                return None
            return calculate.bounded(value)
        case "boolean":
            return value if isinstance(value, bool) else None
        case "instant":
            if isinstance(value, str):
                return instants.moment_of_text(value)
            return value if isinstance(value, datetime) else None
        case _:
            return value

"""Properties: what is known of the values that items have, by name."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

# The words of JSON Schema; a null says as little as a missing member and is none of them.
Kind = Literal["string", "integer", "number", "boolean", "array", "object"]

TEXTS_MAX = 50
"""Different texts that are remembered of a property; with more it is no enumeration."""

TEXT_MAX_CHARACTERS = 100
"""A longer text is none of an enumeration."""

NAMES_MAX = 1_000
"""Properties that are remembered of a collection: documents may use their names as values."""


class Found(msgspec.Struct, frozen=True, omit_defaults=True):
    """The values of one property; no kinds where all that was found is null.

    `least` and `greatest` bound its numbers, None where there are none or no bound is known. `texts` are all its texts,
    None where they are too many or too long. `first` and `last` bound its texts in time if all of them are RFC 3339
    times, and are None otherwise.
    """

    kinds: frozenset[Kind] = frozenset()
    least: int | float | None = None
    greatest: int | float | None = None
    texts: frozenset[str] | None = frozenset()
    first: datetime | None = None
    last: datetime | None = None

    @property
    def has_numbers(self) -> bool:
        """Whether some values are numbers."""
        return not self.kinds.isdisjoint({"integer", "number"})


# By name.
Properties = dict[str, Found]


def merged(one: Properties, other: Properties) -> Properties:
    """What both tell together."""
    both = {name: _joined(found, other[name]) if name in other else found for name, found in one.items()}
    room = NAMES_MAX - len(one)
    return both | dict([pair for pair in other.items() if pair[0] not in one][: max(room, 0)])


def _joined(one: Found, other: Found) -> Found:
    texts = None if one.texts is None or other.texts is None else one.texts | other.texts
    times = [each for each in (one, other) if "string" in each.kinds]
    timed = bool(times) and all(each.first is not None for each in times)
    numbers = [each for each in (one, other) if each.has_numbers]
    return Found(
        widest(one.kinds | other.kinds),
        _extreme(min, [each.least for each in numbers]),
        _extreme(max, [each.greatest for each in numbers]),
        None if texts is None or len(texts) > TEXTS_MAX else texts,
        min(each.first for each in times if each.first is not None) if timed else None,
        max(each.last for each in times if each.last is not None) if timed else None,
    )


def widest(kinds: frozenset[Kind]) -> frozenset[Kind]:
    """The kinds without one that another includes: an integer is a number."""
    return kinds - {"integer"} if "number" in kinds else kinds


def _extreme(
    choose: Callable[[list[int | float]], int | float], bounds: list[int | float | None]
) -> int | float | None:
    known = [bound for bound in bounds if bound is not None]
    return choose(known) if known and len(known) == len(bounds) else None


_DECODER = msgspec.json.Decoder(Properties)


def read(text: bytes) -> Properties:
    """The properties of a JSON text that `write` made."""
    return _DECODER.decode(text)


def write(properties: Properties) -> bytes:
    """A JSON text, the same for the same properties."""
    return msgspec.json.encode(properties, order="deterministic")

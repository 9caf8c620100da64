"""The survey: what documents tell of their properties, and which of them tell anything new."""

from __future__ import annotations

import math
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from satapi.stac import times
from satapi.stac.properties import (
    NAMES_MAX,
    TEXT_MAX_CHARACTERS,
    TEXTS_MAX,
    Found,
    Kind,
    Properties,
    merged,
    read,
    widest,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# Beyond, floats skip integers, and bounds would not be exact.
_EXACT = 2**53

# Making a type of what is known takes as long as a survey of so many documents.
_FEW = 16

# Numbers too large for a float are infinite here.
_DECODER = msgspec.json.Decoder(dict[str, object], float_hook=float)
_KINDS: dict[type, Kind] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}


def survey(documents: Sequence[bytes]) -> Properties:
    """What properties, each a JSON object, tell; a document with a number that nothing can read tells nothing."""
    columns: dict[str, list[object]] = {}
    for document in documents:
        try:
            members = _DECODER.decode(document)
        except (msgspec.DecodeError, ValueError):
            continue
        for name, value in members.items():
            values = columns.setdefault(name, [])
            if value is not None:
                values.append(value)
    return merged({}, {name: _found(values) for name, values in columns.items()})


def _found(values: list[object]) -> Found:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    exact = bool(numbers) and max(abs(number) for number in numbers) <= _EXACT
    texts = {value for value in values if isinstance(value, str)}
    few = len(texts) <= TEXTS_MAX and all(len(text) <= TEXT_MAX_CHARACTERS for text in texts)
    spoken = _times(texts)
    return Found(
        widest(frozenset(_KINDS[kind] for kind in set(map(type, values)))),
        min(numbers) if exact else None,
        max(numbers) if exact else None,
        frozenset(texts) if few else None,
        min(spoken, default=None),
        max(spoken, default=None),
    )


def _times(texts: set[str]) -> list[datetime]:
    """The texts as times; none where one of them is no time."""
    try:
        return [times.parse_instant(text) for text in texts]
    except ValueError:
        return []


def news(known: bytes, documents: Sequence[bytes]) -> Properties | None:
    """What documents tell beyond what is known, the JSON text of properties; None where they tell nothing new."""
    if len(documents) > _FEW:
        documents = unheard(known, documents)
    told = survey(documents)
    before = read(known) if told else told
    return None if merged(before, told) == before else told


def unheard(known: bytes, documents: Sequence[bytes]) -> list[bytes]:
    """The documents that tell more than is known, the JSON text of properties.

    What is known becomes a type, and a document that fits it tells nothing new: two microseconds each, since no value
    is looked at in Python but times; a survey takes ten times as long.
    """
    decoder, timed = _fitting(known)
    found: list[bytes] = []
    for document in documents:
        try:
            value = decoder.decode(document)
        except (msgspec.DecodeError, ValueError):
            found.append(document)
            continue
        for name, first, last in timed:
            moment = getattr(value, name)
            if isinstance(moment, datetime) and not first <= moment <= last:
                found.append(document)
                break
    return found


@lru_cache(maxsize=256)
def _fitting(known: bytes) -> tuple[msgspec.json.Decoder[object], list[tuple[str, datetime, datetime]]]:
    """A decoder of documents that tell nothing new, if the times of the given members lie within their bounds."""
    fields: list[tuple[str, object, object]] = []
    timed: list[tuple[str, datetime, datetime]] = []
    properties = read(known)
    for number, (name, found) in enumerate(properties.items()):
        if not name.isprintable() or '"' in name or "\\" in name:
            # No field can have such a name: its documents are looked at one by one.
            continue
        field = f"f{number}"
        fields.append((field, _type(found), msgspec.field(default=None, name=name)))
        if found.texts is None and found.first is not None and found.last is not None:
            timed.append((field, found.first, found.last))
    full = len(properties) >= NAMES_MAX
    kind = msgspec.defstruct("Fitting", fields, forbid_unknown_fields=not full, gc=False)
    return msgspec.json.Decoder(kind), timed


def _type(found: Found) -> object:
    fitting: Any = type(None)
    for kind in sorted(found.kinds):
        match kind:
            case "string":
                fitting = fitting | _text_type(found)
            case "integer":
                fitting = fitting | _integer_type(found)
            case "number":
                fitting = fitting | _number_type(found)
            case "boolean":
                fitting = fitting | bool
            case "array":
                fitting = fitting | list[object]
            case "object":
                fitting = fitting | dict[str, object]
    return fitting


def _text_type(found: Found) -> object:
    if found.texts:
        return Literal[tuple(sorted(found.texts))]
    return str if found.first is None else Annotated[datetime, msgspec.Meta(tz=True)]


def _integer_type(found: Found) -> object:
    if found.least is None or found.greatest is None:
        return int
    return Annotated[int, msgspec.Meta(ge=math.ceil(found.least), le=math.floor(found.greatest))]


def _number_type(found: Found) -> object:
    if found.least is None or found.greatest is None:
        return float
    return Annotated[float, msgspec.Meta(ge=found.least, le=found.greatest)]

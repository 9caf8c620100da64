"""Vectors: the words of a document's texts in PostgreSQL's binary form of a tsvector.

Source: tsvectorrecv in PostgreSQL's src/backend/utils/adt/tsvector.c, whose limits are kept to.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from satapi.stac.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import asyncpg

COLLECTION_MEMBERS = ("title", "description", "keywords")

# A tsvector has a megabyte, positions to 16,383 and 255 of them for a word.
_WORDS_MAX = 10_000
_BYTES_MAX = 500_000
_PLACES_MAX = 255

# Items of a collection have most texts in common; of others no more are kept.
_KNOWN_MAX = 10_000

_count = Struct(">i").pack
_text = msgspec.json.Decoder(str)
_list = msgspec.json.Decoder(list[Raw])


class Vectors:
    """Makes vectors of the words of some members of JSON objects, which are texts or lists of texts."""

    def __init__(self, members: tuple[str, ...]) -> None:
        fields = [(f"member_{number}", Raw, Raw(b"")) for number in range(len(members))]
        names = {field[0]: member for field, member in zip(fields, members, strict=True)}
        self._decoder = msgspec.json.Decoder(msgspec.defstruct("Members", fields, rename=names))
        self._known: dict[tuple[bytes, ...], bytes] = {}

    def of(self, document: bytes) -> bytes:
        """The vector of a JSON object."""
        values = tuple(map(bytes, msgspec.structs.astuple(self._decoder.decode(document))))
        found = self._known.get(values)
        if found is None:
            found = vector(text for value in values for text in _texts(value))
            if len(self._known) < _KNOWN_MAX:
                self._known[values] = found
        return found


@lru_cache(maxsize=4)
def vectors(members: tuple[str, ...]) -> Vectors:
    """The vectors of these members, with what is known of them."""
    return Vectors(members)


async def item_vectors(connection: asyncpg.Connection) -> Vectors:
    """The vectors of items; until the transaction ends nobody changes of which members they are."""
    return vectors(tuple(await connection.fetchval("select members from free_text for share")))


def _texts(value: bytes) -> Iterator[str]:
    if value.startswith(b'"'):
        yield _text.decode(value)
    elif value.startswith(b"["):
        for element in map(bytes, _list.decode(value)):
            if element.startswith(b'"'):
                yield _text.decode(element)


def vector(texts: Iterable[str]) -> bytes:
    """The vector of the first 10,000 words of texts; words of different texts are not side by side."""
    places: dict[str, list[int]] = {}
    place = size = 0
    for text in texts:
        place += 1
        for word in words(text):
            place += 1
            size += len(word.encode())
            if place > _WORDS_MAX or size > _BYTES_MAX:
                return _encoded(places)
            places.setdefault(word, []).append(place)
    return _encoded(places)


def _encoded(places: dict[str, list[int]]) -> bytes:
    parts = [_count(len(places))]
    for word, found in sorted((word.encode(), found) for word, found in places.items()):
        kept = found[:_PLACES_MAX]
        parts.append(word + b"\0" + b"".join(number.to_bytes(2, "big") for number in (len(kept), *kept)))
    return b"".join(parts)

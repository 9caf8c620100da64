"""Contents: items as they are stored, each a zstd frame against a dictionary, which is another item of its collection.

Items of a collection are alike, so what is left of one is little: 14 KB become less than 2. A frame ends with a
checksum, so a wrong dictionary is an error and never another item.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import zstandard

from satapi.query.sql import Sql, sql

if TYPE_CHECKING:
    import asyncpg

# Runs a statement.
Fetch = Callable[[Sql], Awaitable["Sequence[asyncpg.Record]"]]

# Levels above take twice as long for a tenth less.
_LEVEL = 3

# How many dictionaries are kept ready to read with; each takes about twice its own size.
_READY_MAX = 256

_PLAIN = b"{"


def in_a_line(content: bytes) -> bytes:
    """A document without line breaks: loads store none, but SQL may."""
    return msgspec.json.format(content, indent=-1) if b"\n" in content or b"\r" in content else content


class Content(NamedTuple):
    """An item's content as it is stored: a frame and the number of its dictionary, if it has one, or plain JSON."""

    dictionary: int | None
    stored: bytes


class Dictionary(NamedTuple):
    """What the contents of a collection are compressed against, and its number."""

    number: int
    content: bytes


def compress(contents: Sequence[bytes], dictionary: Dictionary | None) -> list[Content]:
    """Contents as they are to be stored; other threads run meanwhile."""
    number, prepared = None, None
    if dictionary is not None:
        number, prepared = dictionary.number, _prepared(dictionary.content)
        prepared.precompute_compress(level=_LEVEL)
    compressor = zstandard.ZstdCompressor(
        level=_LEVEL, dict_data=prepared, write_checksum=True, write_content_size=True
    )
    frames = compressor.multi_compress_to_buffer(list(contents))
    return [Content(number, frame.tobytes()) for frame in frames]


class Dictionaries:
    """The dictionaries that were read last. They never change, so none is ever stale."""

    def __init__(self) -> None:
        self._ready: dict[int, zstandard.ZstdDecompressor] = {}
        self._without = zstandard.ZstdDecompressor()

    async def plain(self, contents: Sequence[Content], fetch: Fetch) -> Iterator[bytes]:
        """The contents as they were given, in order, each made when it is asked for.

        `fetch` reads the dictionaries that are not known yet.
        """
        numbers = {content.dictionary for content in contents if content.dictionary is not None}
        ready: dict[int | None, zstandard.ZstdDecompressor] = {None: self._without}
        ready.update((number, self._ready[number]) for number in numbers & self._ready.keys())
        if missing := sorted(numbers - self._ready.keys()):
            for record in await fetch(
                sql("select number, content from dictionaries where number = any({}::integer[])", missing)
            ):
                decompressor = zstandard.ZstdDecompressor(dict_data=_prepared(record[1]))
                ready[record[0]] = self._ready[record[0]] = decompressor
            for number in list(self._ready)[:-_READY_MAX]:
                del self._ready[number]
        return (
            stored if stored.startswith(_PLAIN) else ready[number].decompress(stored) for number, stored in contents
        )


def _prepared(dictionary: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(dictionary, dict_type=zstandard.DICT_TYPE_RAWCONTENT)

"""Sequences: the whole result of a search, item after item, read page after page while it is sent.

Each page is a statement of its own that goes on from the last item of the one before, and each piece of it is read when
the client has taken the one before: a client that is slow holds neither memory nor a connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

import msgspec
from starlette.responses import StreamingResponse

from satapi.db import items
from satapi.db.contents import in_a_line
from satapi.errors import InvalidError
from satapi.http import parquet
from satapi.http.formats import MEDIA_TYPES
from satapi.http.requests import PageSize
from satapi.http.streaming import stored
from satapi.http.tables import Table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from satapi.db.pool import Database
    from satapi.http import formats
    from satapi.http.asked import Asked
    from satapi.http.responses import Buffers
    from satapi.settings import Settings
    from satapi.stac.search import Position, Search

# The keys of so many items are read at once.
_PAGE_ITEMS = 5_000

_RECORD_SEPARATOR = b"\x1e"


class Wanted(NamedTuple):
    """A sequence that is asked for: its format, the item that it goes on behind, and the columns of a table."""

    format: formats.Sequence
    after: tuple[str, str] | None
    table: Table


def size(kind: formats.Sequence | None, settings: Settings) -> PageSize | None:
    """How many items an answer has; None for what pages have."""
    return None if kind is None else PageSize(settings.export_max_items, settings.export_max_items)


def wanted(given: Asked, kind: formats.Sequence | None) -> Wanted | None:
    """The sequence, None where it is pages. Raises InvalidError."""
    if kind is None:
        if given.after is not None:
            raise InvalidError(
                "after", given.after, "it goes with f=geojsonseq, ndjson, csv or parquet; pages have token"
            )
        return None
    if given.after is not None and given.token is not None:
        raise InvalidError("after", given.after, "it cannot be combined with token")
    if kind == "parquet":
        parquet.check()
    include, exclude = (given.fields.include, given.fields.exclude) if given.fields is not None else (None, None)
    return Wanted(kind, None if given.after is None else _key(given.after), Table(include or (), exclude or ()))


def _key(after: str) -> tuple[str, str]:
    names = after.split("/")
    if len(names) != len(("collection", "id")) or "\0" in unquote(after):
        raise InvalidError("after", after, "allowed is a collection/id; a slash in either is written %2F, and % as %25")
    return unquote(names[0]), unquote(names[1])


async def after(database: Database, search: Search, key: tuple[str, str]) -> Search:
    """The search from behind an item on. Raises InvalidError where there is no such item."""
    place = await items.place(database, search, key)
    if place is None:
        raise InvalidError("after", "/".join(key), "there is no such item any longer; name the one before it")
    return msgspec.structs.replace(search, position=place)


def page(search: Search, position: Position | None, left: int) -> Search:
    """The search for the next page, of the items that are left to send."""
    return msgspec.structs.replace(search, position=position, limit=min(left, _PAGE_ITEMS))


async def answer(
    database: Database,
    search: Search,
    first: items.Page,
    read: Callable[[Search], Awaitable[items.Page]],
    sequence: Wanted,
    render: Callable[[items.Row], Buffers],
) -> StreamingResponse:
    """The items of a search, as many as its limit, from its first page on; `read` gives the others."""
    pieces = _pieces(database, search, first, read)
    if sequence.format == "parquet":
        return await parquet.answer(pieces, render)
    return StreamingResponse(
        _written(pieces, sequence, render), headers={"Vary": "Accept"}, media_type=MEDIA_TYPES[sequence.format]
    )


async def _pieces(
    database: Database, search: Search, first: items.Page, read: Callable[[Search], Awaitable[items.Page]]
) -> AsyncIterator[Sequence[items.Row]]:
    found, left = first, search.limit - len(first.rows)
    while True:
        async for rows in stored(database, items.sizes(found.rows)):
            yield rows
        if found.following is None or not left:
            return
        found = await read(page(search, found.following, left))
        left -= len(found.rows)


async def _written(
    pieces: AsyncIterator[Sequence[items.Row]], sequence: Wanted, render: Callable[[items.Row], Buffers]
) -> AsyncIterator[bytes]:
    if sequence.format == "csv":
        yield sequence.table.header
    # RFC 8142, 2.
    opening = _RECORD_SEPARATOR if sequence.format == "geojsonseq" else b""
    async for rows in pieces:
        if sequence.format == "csv":
            yield sequence.table.lines(rows)
        else:
            yield b"".join(part for row in rows for part in (opening, in_a_line(b"".join(render(row))), b"\n"))

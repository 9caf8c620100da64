"""Streaming: a large page is read and sent in pieces, so that neither a worker nor a connection holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.db import items
from satapi.http.responses import OPENING, joined

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from satapi.db.pool import Database
    from satapi.http.responses import Buffers

# A page of more items is read in pieces.
WHOLE_ITEMS_MAX = 250

# A piece: items, and their bytes as they are stored.
_PIECE_ITEMS = 200
_PIECE_STORED_BYTES = 2_000_000

# What is made of a piece at once, in bytes as they are sent: some items are stored in a hundredth of it.
_CHUNK_BYTES = 4_000_000


def pieces(sizes: Sequence[items.Size]) -> Iterator[list[tuple[str, str]]]:
    """The keys of a page in pieces of bounded size, each of at least one item."""
    piece: list[tuple[str, str]] = []
    stored = 0
    for size in sizes:
        if piece and (len(piece) == _PIECE_ITEMS or stored + size.stored_bytes > _PIECE_STORED_BYTES):
            yield piece
            piece, stored = [], 0
        piece.append((size.collection, size.id))
        stored += size.stored_bytes
    if piece:
        yield piece


async def stored(database: Database, sizes: Sequence[items.Size]) -> AsyncIterator[list[items.Row]]:
    """The items of a page, some at a time: each piece is read when it is asked for.

    Those that are gone are left out.
    """
    for piece in pieces(sizes):
        for rows in _chunks(await items.items_at(database, piece)):
            yield rows


async def features(
    database: Database,
    sizes: Sequence[items.Size],
    render: Callable[[items.Row], Buffers],
    tail: Callable[[int], bytes],
) -> AsyncIterator[bytes]:
    """A feature collection: each piece is read in a statement of its own, and sent before the next is read.

    Items that were deleted since the page was planned are left out; `tail` gets the number that were sent.
    """
    sent = 0
    async for rows in stored(database, sizes):
        yield joined(b"," if sent else OPENING, rows, render)
        sent += len(rows)
    yield tail(sent) if sent else OPENING + tail(sent)


def _chunks(rows: Iterator[items.Row]) -> Iterator[list[items.Row]]:
    chunk: list[items.Row] = []
    made = 0
    for row in rows:
        chunk.append(row)
        made += len(row.content)
        if made > _CHUNK_BYTES:
            yield chunk
            chunk, made = [], 0
    if chunk:
        yield chunk

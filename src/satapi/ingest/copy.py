"""PostgreSQL's binary COPY form of item rows.

Source: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format"; each field is what the type's receive
function reads.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from satapi.db.contents import Content
    from satapi.ingest.prepare import Row

COLUMNS = (
    "collection",
    "id",
    "geometry",
    "datetime",
    "start_datetime",
    "end_datetime",
    "created",
    "updated",
    "properties",
    "dictionary",
    "content",
    "words",
)

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_count = Struct(">h").pack(len(COLUMNS))
_length = Struct(">i").pack
_time = Struct(">iq").pack
_TIME_BYTES = 8
_integer = Struct(">ii").pack
_INTEGER_BYTES = 4
_NULL = _length(-1)
_JSONB_VERSION = b"\1"

# Enough to keep the socket busy, little enough to hold twice.
_CHUNK_BYTES = 1 << 20


def encode(row: Row, content: Content, words: bytes) -> bytes:
    """Write one row, with its content as it is to be stored and the vector of its words, as a COPY tuple of COLUMNS."""
    collection = row.collection.encode()
    identity = row.id.encode()
    geometry = row.geometry
    return b"".join(
        (
            _count,
            _length(len(collection)),
            collection,
            _length(len(identity)),
            identity,
            _NULL if geometry is None else _length(len(geometry)) + geometry,
            _time(_TIME_BYTES, row.datetime),
            _instant(row.start_datetime),
            _instant(row.end_datetime),
            _instant(row.created),
            _instant(row.updated),
            _length(len(row.properties) + len(_JSONB_VERSION)),
            _JSONB_VERSION,
            row.properties,
            _NULL if content.dictionary is None else _integer(_INTEGER_BYTES, content.dictionary),
            _length(len(content.stored)),
            content.stored,
            _length(len(words)),
            words,
        )
    )


def _instant(microseconds: int | None) -> bytes:
    return _NULL if microseconds is None else _time(_TIME_BYTES, microseconds)


async def stream(rows: Iterable[tuple[Row, Content, bytes]]) -> AsyncIterator[bytes]:
    """Write rows, each as `encode` takes it, as a whole COPY file in chunks of about a megabyte."""
    parts = [HEADER]
    size = 0
    for row in rows:
        part = encode(*row)
        parts.append(part)
        size += len(part)
        if size >= _CHUNK_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
    parts.append(TRAILER)
    yield b"".join(parts)

"""Parquet: the whole result of a search as stac-geoparquet, which is read before the answer begins.

A thread puts the items into the file, which is compressed on disk meanwhile: a worker goes on to answer others, and its
memory does not grow with the number of items.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from satapi.errors import ExportError, InvalidError
from satapi.http.formats import MEDIA_TYPES
from satapi.ingest.extra import MISSING, has_parquet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from satapi.db.items import Row
    from satapi.http.responses import Buffers
    from satapi.ingest.parquet import Writer

_HEADERS = {"Vary": "Accept"}


def check() -> None:
    """Raises InvalidError where this server has no Parquet."""
    if not has_parquet():
        raise InvalidError("f", "parquet", f"this server does not have it, and has other formats. {MISSING}")


def head() -> Response:
    """What is said of an answer without making it."""
    return Response(headers=_HEADERS, media_type=MEDIA_TYPES["parquet"])


async def answer(pieces: AsyncIterator[Sequence[Row]], render: Callable[[Row], Buffers]) -> StreamingResponse:
    """All items in one file. Raises InvalidError for one that no columns can hold, naming it and its member."""
    # To import it takes 0.2 s, and not every server has it.
    from satapi.ingest.parquet import Writer  # noqa: PLC0415

    writer = Writer()
    try:
        async for rows in pieces:
            await asyncio.to_thread(_add, writer, [b"".join(render(row)) for row in rows])
    except ExportError as error:
        writer.close()
        raise InvalidError("f", "parquet", f"{error.description}; other formats have it") from None
    except BaseException:
        writer.close()
        raise
    return StreamingResponse(_sent(writer), headers=_HEADERS, media_type=MEDIA_TYPES["parquet"])


def _add(writer: Writer, items: Iterable[bytes]) -> None:
    for item in items:
        writer.add(item)


async def _sent(writer: Writer) -> AsyncIterator[bytes]:
    try:
        pieces = writer.pieces()
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece
    finally:
        writer.close()

"""The floor: satapi's own statement for the newest of one collection, by a bare ASGI application. Run by uvicorn."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from zstandard import DICT_TYPE_RAWCONTENT, ZstdCompressionDict, ZstdDecompressor

import cluster
from processes import free_port, serving
from satapi.db.pool import opened
from satapi.query.conditions import Spans
from satapi.query.inventory import ITEMS
from satapi.query.select import page
from satapi.settings import Settings
from satapi.stac.search import Search
from scenarios import LARGE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractContextManager

    import asyncpg

    from processes import Server

DSN_VARIABLE = "SATAPI_BENCH_FLOOR_DSN"
LIMITS = (10, 100)


def server(dsn: str, workers: int) -> AbstractContextManager[Server]:
    """The floor's server, in the same uvicorn and with the same loop and parser as satapi's."""
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("uvicorn")),
        "floor:Floor",
        "--factory",
        "--app-dir",
        str(cluster.BENCH),
    ]
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--no-access-log"]
    environment = {DSN_VARIABLE: dsn}
    return serving([*command, *options], port, cluster.work_folder() / "floor.log", environment)


class Floor:
    """Answers the known searches only: a request's body is looked up, its rows are joined and sent."""

    def __init__(self) -> None:
        self._pool: asyncpg.Pool
        self._ready: dict[int, ZstdDecompressor]
        searches = [(collection, limit) for collection in LARGE for limit in LIMITS]
        self._known = {
            orjson.dumps({"collections": [collection], "limit": limit}): (
                page(Search(limit=limit, collections=(collection,)), ITEMS, Spans()).sql.render(),
                limit,
            )
            for collection, limit in searches
        }

    async def __call__(self, scope: dict[str, object], receive: Callable[[], Awaitable], send: Callable) -> None:
        """Answer a request: GET / when it is ready, else a search."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        asked = (await receive())["body"]
        body = await self._answer(asked) if asked else b"{}"
        headers = [(b"content-type", b"application/geo+json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Callable[[], Awaitable], send: Callable) -> None:
        async with opened(os.environ[DSN_VARIABLE], Settings()) as database:
            self._pool = database.pool
            self._ready = {
                number: ZstdDecompressor(dict_data=ZstdCompressionDict(content, dict_type=DICT_TYPE_RAWCONTENT))
                for number, content in await database.pool.fetch("select number, content from dictionaries")
            }
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, asked: bytes) -> bytes:
        (text, values), limit = self._known[asked]
        rows = await self._pool.fetch(text, *values)
        # A statement reads one item more than its page shows.
        contents = [self._ready[row[2]].decompress(row[3]) for row in rows[:limit]]
        # Joined with what stands around them, so that a page is copied once.
        contents[0] = b'{"type":"FeatureCollection","features":[' + contents[0]
        contents[-1] += b"]}"
        return b",".join(contents)

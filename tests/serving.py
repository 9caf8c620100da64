"""The API for tests: in this process for an httpx client, or as a process that answers over TCP."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import asyncpg
import httpx
import msgspec

from satapi.db.pool import connect
from satapi.http.app import build_app
from satapi.ingest.prepare import CollectionRow, Row, prepare_collections, prepare_items
from satapi.ingest.store import store_collections, store_items
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Generator, Iterable

BASE = "http://stac.test"

_START_TIMEOUT_S = 30


@asynccontextmanager
async def in_process(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the application, which opens its connections in the running loop."""
    app = build_app(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE, timeout=60) as client:
            yield client


class Served(NamedTuple):
    """A server process."""

    url: str
    process_id: int


@contextmanager
def served(dsn: str, **variables: str) -> Generator[Served]:
    """`satapi serve` as a process of its own; `variables` are settings, such as pool_size="2"."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SATAPI_")}
    environment |= {f"SATAPI_{name.upper()}": value for name, value in variables.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "satapi", "serve", "--port", "0", "--dsn", dsn],
        env={"SATAPI_LOG_LEVEL": "warning", **environment},
        stderr=subprocess.PIPE,
    )
    try:
        yield Served(_url(process), process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=_START_TIMEOUT_S)


def _url(process: subprocess.Popen[bytes]) -> str:
    said = b""
    while line := process.stderr.readline() if process.stderr else b"":
        said += line
        if found := re.search(rb"http://[^/]+", line):
            return found[0].decode()
    raise AssertionError(f"the server did not start: {said.decode()}")


def run_apart(coroutine: Coroutine[object, object, None]) -> None:
    """Runs it in a thread with a loop of its own, since the caller may be in a loop already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, coroutine).result()


def execute(dsn: str, *statements: str) -> None:
    """Runs statements one by one, each outside of a transaction."""

    async def run() -> None:
        connection = await asyncpg.connect(dsn, server_settings={"search_path": "satapi, public"})
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    run_apart(run())


def store(dsn: str, collections: Iterable[object] = (), items: Iterable[object] = ()) -> None:
    """Puts documents (bytes, or what msgspec encodes) into the catalog as the loader does, without its analyze."""

    async def run() -> None:
        connection = await connect(dsn, Settings())
        try:
            for keep, prepare, kind, documents in (
                (store_collections, prepare_collections, CollectionRow, collections),
                (store_items, prepare_items, Row, items),
            ):
                stored = await keep(connection, _rows(prepare, documents, kind), "upsert")
                assert not stored.refused, stored.refused
        finally:
            await connection.close()

    run_apart(run())


def _rows(prepare: object, documents: Iterable[object], kind: type) -> list:
    raws = [document if isinstance(document, bytes) else msgspec.json.encode(document) for document in documents]
    rows = prepare(raws)
    for row in rows:
        if not isinstance(row, kind):
            raise row
    return rows


def sibling(dsn: str, name: str) -> str:
    """The DSN of another database of the same server."""
    return urlsplit(dsn)._replace(path="/" + name).geturl()


def collection(identifier: str, **members: object) -> dict[str, object]:
    """A small collection."""
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": identifier,
        "description": "Made for a test",
        "license": "CC0-1.0",
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
        "links": [],
        **members,
    }


def item(collection_id: str, identifier: str, **members: object) -> dict[str, object]:
    """A small item; `properties` of its own are added to its datetime."""
    properties = {"datetime": "2024-06-01T00:00:00Z", **members.pop("properties", {})}
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": identifier,
        "collection": collection_id,
        "geometry": {"type": "Point", "coordinates": [10, 50]},
        "bbox": [10, 50, 10, 50],
        "properties": properties,
        "assets": {},
        "links": [],
        **members,
    }

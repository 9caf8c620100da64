"""Bulk: many items in one request, as an object of them that is stored whole, or line by line in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args

import msgspec
from msgspec import Raw, Struct, field

from satapi.db import collections
from satapi.errors import DocumentError, InvalidError, Refusal, RefusedError, TooLargeError
from satapi.http import bodies, problems, requests, responses, urls
from satapi.http.batches import prepared
from satapi.http.problems import ProblemEntry
from satapi.http.server import server
from satapi.ingest.edit import store_all
from satapi.ingest.store import Method, store_items

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from satapi.http.batches import Batch
    from satapi.http.timing import Timing
    from satapi.ingest.store import Stored
    from satapi.settings import Settings

METHOD = "method"

# What is stored in one transaction of a stream.
_BATCH_ITEMS = 1_000
_BATCH_BYTES = 8 << 20
# Of more documents that are refused the number alone is told.
_TOLD = 1_000
# What begins a record of a JSON text sequence (RFC 7464, 2.2).
_RECORD = b"\x1e"


class BulkItems(Struct, frozen=True):
    """Items by their ids, as clients of stac-fastapi send them."""

    items: dict[str, Raw]
    method: Literal["insert", "upsert"] = "insert"


class Report(Struct):
    """What became of the items of a request, in items; `errors` has the first 1,000 of those that are refused."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    ignored: int = 0
    refused: int = 0
    errors: list[ProblemEntry] = field(default_factory=list[ProblemEntry])

    def add(self, stored: Stored) -> None:
        """Count what became of rows."""
        self.inserted += stored.inserted
        self.updated += stored.updated
        self.unchanged += stored.unchanged
        self.ignored += stored.ignored

    def refuse(self, refusals: list[Refusal]) -> None:
        """Count and tell refused documents."""
        self.refused += len(refusals)
        told = sorted(refusals, key=lambda refusal: refusal.index)[: _TOLD - len(self.errors)]
        self.errors += problems.entries(told)


_bulk = msgspec.json.Decoder(BulkItems)


async def post_bulk_items(request: Request) -> Response:
    """POST /collections/{collection_id}/bulk_items: all of the items or none, inserted or replaced by `method`."""
    here = server(request)
    timing: Timing = request.state.timing
    bodies.media_type(request, bodies.DOCUMENTS)
    collection = urls.path_value(request, "collection_id")
    body = await requests.read_body(request, here.settings, is_bulk=True)
    with timing.stage("parse"):
        bodies.check(body)
        try:
            given = _bulk.decode(body)
        except msgspec.ValidationError as error:
            shown = body[:100].decode(errors="replace")
            raise DocumentError("body", shown, f"{error}; allowed are items and method") from None
        raws = [bytes(raw) for raw in given.items.values()]
        batch = await prepared(raws, collection, here)
        batch.refusals += _misnamed(batch, list(given.items))
    if batch.refusals:
        raise RefusedError(sorted(batch.refusals, key=lambda refusal: refusal.index), len(raws))
    if not raws:
        await collections.must_exist(here.database, collection)
    with timing.stage("db"):
        async with here.database.writer() as connection:
            report = Report(read=len(raws))
            report.add(await store_all(connection, batch.rows, given.method, here.rules.item_stamp))
    return responses.json(report)


def _misnamed(batch: Batch, names: list[str]) -> list[Refusal]:
    return [
        Refusal(at, row.id, "InvalidDocument", f"its id is {row.id!r}, and it stands under {names[at]!r}")
        for at, row in zip(batch.places, batch.rows, strict=True)
        if row.id != names[at]
    ]


async def post_stream(request: Request) -> Response:
    """POST /collections/{collection_id}/items of newline-delimited JSON, or of a GeoJSON text sequence (RFC 8142).

    It is stored as it comes, in batches that are transactions of their own; the answer tells what became of each item.
    """
    here = server(request)
    timing: Timing = request.state.timing
    collection = urls.path_value(request, "collection_id")
    given = dict(requests.pairs(request, (METHOD,), here.settings))
    method = given.get(METHOD, "insert")
    if method not in get_args(Method):
        raise InvalidError(METHOD, method, f"allowed are {', '.join(get_args(Method))}")
    await collections.must_exist(here.database, collection)
    report = Report()
    async for raws in _batches(request, here.settings, report):
        with timing.stage("parse"):
            batch = await prepared(raws, collection, here, report.read)
        with timing.stage("db"):
            async with here.database.writer() as connection:
                stored = await store_items(connection, batch.rows, cast("Method", method), here.rules.item_stamp)
        report.read += len(raws)
        report.add(stored)
        report.refuse([*batch.refusals, *_refused(batch, stored)])
    return responses.json(report)


def _refused(batch: Batch, stored: Stored) -> list[Refusal]:
    return [
        Refusal(batch.places[at], batch.rows[at].id, refused.code, refused.reason)
        for at, refused in stored.refused.items()
    ]


async def _batches(request: Request, settings: Settings, report: Report) -> AsyncIterator[list[bytes]]:
    """The documents of a stream in batches. Raises TooLargeError, before anything is stored where that is known."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > settings.stream_max_bytes:
        raise TooLargeError("body", f"{length} bytes", f"at most {settings.stream_max_bytes} are allowed")
    batch: list[bytes] = []
    rest, read, size = b"", 0, 0
    async for chunk in request.stream():
        read += len(chunk)
        *lines, rest = (rest + chunk).split(b"\n")
        if read > settings.stream_max_bytes or any(len(line) > settings.body_max_bytes for line in (*lines, rest)):
            allowed = (
                f"a stream has at most {settings.stream_max_bytes} bytes and an item {settings.body_max_bytes}; "
                f"the first {report.read} items were dealt with"
            )
            raise TooLargeError("body", f"{read} bytes", allowed)
        for document in _documents(lines):
            batch.append(document)
            size += len(document)
            if len(batch) == _BATCH_ITEMS or size >= _BATCH_BYTES:
                yield batch
                batch, size = [], 0
    batch += _documents([rest])
    if batch:
        yield batch


def _documents(lines: list[bytes]) -> list[bytes]:
    stripped = (line.removeprefix(_RECORD).strip() for line in lines)
    return [line for line in stripped if line]

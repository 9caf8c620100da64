"""Transactions: items that are made, replaced, patched and deleted, each request whole or not at all."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

from satapi.db import collections
from satapi.errors import DocumentError, InvalidError, RefusedError, TooLargeError
from satapi.http import bodies, bulk, changes, items, nesting, requests, urls
from satapi.http.batches import prepared
from satapi.http.conditions import conditions
from satapi.http.server import server
from satapi.ingest.edit import edit_item, insert_item, store_all
from satapi.ingest.prepare import prepare_item
from satapi.ingest.stamps import item_modified
from satapi.stac import paths
from satapi.stac.links import GEOJSON, Link

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from satapi.http.server import Server
    from satapi.http.timing import Timing
    from satapi.ingest.prepare import Row

_KEY = ("collection", "id")


async def put_item(request: Request) -> Response:
    """PUT /collections/{collection_id}/items/{item_id}: another document in place of the item."""
    row = _row(request, await changes.replacement(request))
    return await _replaced(request, lambda _: row)


async def patch_item(request: Request) -> Response:
    """PATCH /collections/{collection_id}/items/{item_id}."""
    change = await changes.patching(request)
    return await _replaced(request, lambda content: _row(request, change(content)))


async def _replaced(request: Request, change: Callable[[bytes], Row]) -> Response:
    stamp = server(request).rules.item_stamp
    stored: list[Row] = []

    def edit(content: bytes) -> Row:
        row = change(content)
        stored.append(row if stamp is None else stamp(row, content))
        return stored[-1]

    await _edit(request, edit)
    return _answer(request, stored[-1], HTTPStatus.OK)


async def delete_item(request: Request) -> Response:
    """DELETE /collections/{collection_id}/items/{item_id}."""
    await _edit(request, lambda _: None)
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _edit(request: Request, edit: Callable[[bytes], Row | None]) -> None:
    """Change an item as the conditions of the request allow."""
    here = server(request)
    timing: Timing = request.state.timing
    condition = conditions(request, here.settings, item_modified)

    def allowed(content: bytes) -> Row | None:
        condition.check(content)
        return edit(content)

    with timing.stage("db"):
        async with here.database.writer() as connection:
            await edit_item(connection, *_path(request), allowed)


def _path(request: Request) -> tuple[str, str]:
    return urls.path_value(request, "collection_id"), urls.path_value(request, "item_id")


def _row(request: Request, body: bytes) -> Row:
    """The row of a document that is to be the item of a path. Raises DocumentError, InvalidError for another id."""
    path = _path(request)
    members = bodies.members(body)
    try:
        row = prepare_item(body, dict(zip(_KEY, path, strict=True)), server(request).item_check)
    except InvalidError as error:
        raise changes.invalid(error, body) from None
    changes.agree(members, _KEY, row.key, path)
    return row


def _answer(request: Request, row: Row, status: HTTPStatus) -> Response:
    base = urls.base(request, server(request).settings)
    body = items.linked(base, row.collection, row.id, row.content)
    return changes.answer(request, row.content, body, base + paths.item(row.collection, row.id), GEOJSON, status)


# New items --------------------------------------------------------------------------------------------------------


async def post_items(request: Request) -> Response:
    """POST /collections/{collection_id}/items: an item, a feature collection that is all new or refused, or a stream.

    STAC API transaction extension 1.0.0, POST; an item gets the collection of the path where it names none.
    """
    if bodies.media_type(request, (*bodies.DOCUMENTS, *bodies.STREAMS)) in bodies.STREAMS:
        return await bulk.post_stream(request)
    return await _post(request, urls.path_value(request, "collection_id"))


async def post_anywhere(request: Request) -> Response:
    """POST /items: the same for items that name their collections, as sat-api-pg had it."""
    return await _post(request, None)


async def _post(request: Request, collection: str | None) -> Response:
    here = server(request)
    timing: Timing = request.state.timing
    bodies.media_type(request, bodies.DOCUMENTS)
    body = await requests.read_body(request, here.settings, is_bulk=True)
    with timing.stage("parse"):
        bodies.check(body)
        members = bodies.members(body)
    if bytes(members.get("type", b"")) != b'"FeatureCollection"':
        return await _post_one(request, body, collection)
    if "features" not in members:
        raise DocumentError("features", None, "a FeatureCollection has features")
    with timing.stage("parse"):
        raws = bodies.entries(members["features"], "features")
        batch = await prepared(raws, collection, here)
    if batch.refusals:
        raise RefusedError(batch.refusals, len(raws))
    if collection is not None and not raws:
        await collections.must_exist(here.database, collection)
    with timing.stage("db"):
        async with here.database.writer() as connection:
            await store_all(connection, batch.rows, "insert", here.rules.item_stamp)
    base = urls.base(request, here.settings)
    made = [Link(rel="item", href=base + paths.item(row.collection, row.id), type=GEOJSON) for row in batch.rows]
    return changes.created(request, [row.id for row in batch.rows], made)


async def _post_one(request: Request, body: bytes, collection: str | None) -> Response:
    here = server(request)
    timing: Timing = request.state.timing
    with timing.stage("parse"):
        if len(body) > here.settings.body_max_bytes:
            allowed = f"an item has at most {here.settings.body_max_bytes} bytes"
            raise TooLargeError("body", f"{len(body)} bytes", allowed)
        nesting.check(body, here.settings.nesting_max, "body")
        row = _new_row(here, body, collection)
    with timing.stage("db"):
        async with here.database.writer() as connection:
            await insert_item(connection, row)
    return _answer(request, row, HTTPStatus.CREATED)


def _new_row(here: Server, body: bytes, collection: str | None) -> Row:
    try:
        row = prepare_item(body, _added(collection), here.item_check)
    except InvalidError as error:
        raise changes.invalid(error, body) from None
    if collection is not None and row.collection != collection:
        raise InvalidError("collection", row.collection, f"the path says {collection!r}")
    stamp = here.rules.item_stamp
    return row if stamp is None else stamp(row, None)


def _added(collection: str | None) -> dict[str, str]:
    return {} if collection is None else {"collection": collection}

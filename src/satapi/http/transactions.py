"""Transactions: items that are made, replaced, patched and deleted, each request whole or not at all."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

from satapi.errors import DocumentError, InvalidError, Refusal, RefusedError, TooLargeError
from satapi.http import bodies, items, nesting, requests, responses, urls
from satapi.http.conditions import conditions
from satapi.http.preferences import preferred
from satapi.http.server import server
from satapi.ingest.edit import edit_item, insert_item, insert_items
from satapi.ingest.prepare import identify, prepare_item, prepare_items
from satapi.stac import patch, paths
from satapi.stac.links import GEOJSON, JSON, Link

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from satapi.http.timing import Timing
    from satapi.ingest.prepare import Row
    from satapi.settings import Settings

# What is prepared between two looks at other requests.
_PREPARED_ITEMS = 100

_MINIMAL = {"Preference-Applied": "return=minimal"}


async def post_items(request: Request) -> Response:
    """POST /collections/{collection_id}/items: an item, or a feature collection of items that are all new or refused.

    STAC API transaction extension 1.0.0, POST; an item gets the collection of the path where it names none.
    """
    return await _post(request, urls.path_value(request, "collection_id"))


async def post_anywhere(request: Request) -> Response:
    """POST /items: the same for items that name their collections, as sat-api-pg had it."""
    return await _post(request, None)


async def put_item(request: Request) -> Response:
    """PUT /collections/{collection_id}/items/{item_id}: another document in place of the item."""
    bodies.media_type(request, bodies.DOCUMENTS)
    body = await bodies.read(request, server(request).settings)
    row = _row(body, _key(request))
    return await _edited(request, lambda _: row)


async def patch_item(request: Request) -> Response:
    """PATCH /collections/{collection_id}/items/{item_id}: a JSON merge patch (RFC 7396) or a JSON patch (RFC 6902)."""
    settings = server(request).settings
    kind = bodies.media_type(request, bodies.PATCHES)
    body = await bodies.read(request, settings)
    if kind == bodies.JSON_PATCH:
        operations = patch.operations(body, settings.terms_max)

        def change(content: bytes) -> bytes:
            return patch.patched(content, operations, len(content) + settings.body_max_bytes)
    else:
        bodies.members(body)

        def change(content: bytes) -> bytes:
            return patch.merged(content, body)

    def edit(content: bytes) -> Row:
        changed = change(content)
        nesting.check(changed, settings.nesting_max, "body")
        return _row(changed, _key(request))

    return await _edited(request, edit)


async def delete_item(request: Request) -> Response:
    """DELETE /collections/{collection_id}/items/{item_id}."""
    await _edit(request, lambda _: None)
    return Response(status_code=204)


def _key(request: Request) -> tuple[str, str]:
    return urls.path_value(request, "collection_id"), urls.path_value(request, "item_id")


def _row(body: bytes, key: tuple[str, str]) -> Row:
    """The row of a document that is to be the item of a path. Raises DocumentError, InvalidError for another id."""
    members = bodies.members(body)
    try:
        row = prepare_item(body, dict(zip(("collection", "id"), key, strict=True)))
    except InvalidError as error:
        raise DocumentError(error.parameter, error.value, error.allowed) from None
    for name, given, expected in zip(("collection", "id"), row.key, key, strict=True):
        if name in members and given != expected:
            raise InvalidError(name, given, f"the path says {expected!r}")
    return row


async def _edit(request: Request, edit: Callable[[bytes], Row | None]) -> Row | None:
    """Change an item as its conditions allow; gives the row that was stored."""
    here = server(request)
    timing: Timing = request.state.timing
    condition = conditions(request, here.settings)
    stored: list[Row | None] = []

    def allowed(content: bytes) -> Row | None:
        condition.check(content)
        stored.append(edit(content))
        return stored[-1]

    with timing.stage("db"):
        async with here.database.writer() as connection:
            await edit_item(connection, *_key(request), allowed)
    return stored[-1]


async def _edited(request: Request, edit: Callable[[bytes], Row]) -> Response:
    row = await _edit(request, edit)
    assert row is not None  # noqa: S101 - narrows what the callable says
    return _answer(request, row, HTTPStatus.OK)


def _answer(request: Request, row: Row, status: HTTPStatus) -> Response:
    """The item as it is stored now; nothing of it where the request prefers that (RFC 7240, 4.2)."""
    base = urls.base(request, server(request).settings)
    href = base + paths.item(*row.key)
    body = items.linked(base, row.collection, row.id, row.content)
    tag = responses.stored_tag(row.content, body)
    headers = {"Location": href} if status == HTTPStatus.CREATED else {}
    if preferred(request.headers, "return") == "minimal":
        # The answer to a PUT may have a tag only where what was sent is stored as it was (RFC 9110, 9.3.4).
        told = {} if request.method == "PUT" else {"ETag": tag}
        return Response(
            status_code=HTTPStatus.CREATED if status == HTTPStatus.CREATED else HTTPStatus.NO_CONTENT,
            headers=headers | told | _MINIMAL,
        )
    headers |= {"ETag": tag, "Content-Location": href}
    return Response(body, status_code=status, media_type=GEOJSON, headers=headers)


# Several items ----------------------------------------------------------------------------------------------------


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
        rows = await _rows(bodies.entries(members["features"], "features"), collection, here.settings)
    with timing.stage("db"):
        async with here.database.writer() as connection:
            await insert_items(connection, rows)
    return _created(request, rows)


async def _post_one(request: Request, body: bytes, collection: str | None) -> Response:
    here = server(request)
    timing: Timing = request.state.timing
    with timing.stage("parse"):
        if len(body) > here.settings.body_max_bytes:
            allowed = f"an item has at most {here.settings.body_max_bytes} bytes"
            raise TooLargeError("body", f"{len(body)} bytes", allowed)
        nesting.check(body, here.settings.nesting_max, "body")
        row = _new_row(body, collection)
    with timing.stage("db"):
        async with here.database.writer() as connection:
            await insert_item(connection, row)
    return _answer(request, row, HTTPStatus.CREATED)


def _new_row(body: bytes, collection: str | None) -> Row:
    try:
        row = prepare_item(body, _added(collection))
    except InvalidError as error:
        raise DocumentError(error.parameter, error.value, error.allowed) from None
    if collection is not None and row.collection != collection:
        raise InvalidError("collection", row.collection, f"the path says {collection!r}")
    return row


def _added(collection: str | None) -> dict[str, str]:
    return {} if collection is None else {"collection": collection}


async def _rows(raws: Sequence[bytes], collection: str | None, settings: Settings) -> list[Row]:
    """The rows of items, all of which must be valid. Raises RefusedError and TooLargeError."""
    rows: list[Row] = []
    refusals: list[Refusal] = []

    def prepare(first: int) -> None:
        some = raws[first : first + _PREPARED_ITEMS]
        for raw in some:
            nesting.check(raw, settings.nesting_max, "body")
        for index, (raw, row) in enumerate(zip(some, prepare_items(some, _added(collection)), strict=True), first):
            if isinstance(row, InvalidError):
                refusals.append(Refusal(index, identify(raw), "InvalidDocument", row.description))
            elif collection is not None and row.collection != collection:
                reason = f"its collection is {row.collection!r}, and the path says {collection!r}"
                refusals.append(Refusal(index, row.id, "InvalidDocument", reason))
            else:
                rows.append(row)

    for first in range(0, len(raws), _PREPARED_ITEMS):
        await asyncio.to_thread(prepare, first)
    if refusals:
        raise RefusedError(refusals, len(raws))
    return rows


def _created(request: Request, rows: Sequence[Row]) -> Response:
    """The ids of new items, and links to them."""
    if preferred(request.headers, "return") == "minimal":
        return Response(status_code=201, headers=_MINIMAL)
    base = urls.base(request, server(request).settings)
    made = [Link(rel="item", href=base + paths.item(*row.key), type=GEOJSON) for row in rows]
    return responses.json({"ids": [row.id for row in rows], "links": made}, JSON, 201)

"""Holdings: collections that are made, replaced, patched and deleted, each request whole or not at all."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

from satapi.errors import InvalidError, RefusedError
from satapi.http import bodies, changes, requests, responses, urls
from satapi.http.batches import refused
from satapi.http.conditions import conditions
from satapi.http.server import server
from satapi.ingest.edit import delete_collection as delete
from satapi.ingest.edit import edit_collection, insert_collection, insert_collections
from satapi.ingest.prepare import CollectionRow, prepare_collection, prepare_collections
from satapi.ingest.stamps import collection_modified
from satapi.stac import links, paths
from satapi.stac.links import JSON, Link

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from satapi.http.server import Server
    from satapi.http.timing import Timing

CASCADE = "cascade"


async def post_collections(request: Request) -> Response:
    """POST /collections: a collection, or an array of collections that are all new or refused.

    STAC API collection transaction extension 1.0.0, POST; the list may be the member `collections` of an object too.
    """
    here = server(request)
    timing: Timing = request.state.timing
    bodies.media_type(request, bodies.DOCUMENTS)
    body = (await bodies.read(request, here.settings)).strip()
    if not body.startswith(b"["):
        members = bodies.members(body)
        if "collections" not in members or "type" in members:
            row = _stamped(request, _row(request, body, None), None)
            with timing.stage("db"):
                async with here.database.writer() as connection:
                    await insert_collection(connection, row)
            return _answer(request, row, HTTPStatus.CREATED)
        body = bytes(members["collections"])
    rows = _rows(here, bodies.entries(body, "collections"))
    with timing.stage("db"):
        async with here.database.writer() as connection:
            await insert_collections(connection, rows, here.rules.collection_stamp)
    base = urls.base(request, here.settings)
    made = [Link(rel="child", href=base + paths.collection(row.id), type=JSON) for row in rows]
    return changes.created(request, [row.id for row in rows], made)


async def put_collection(request: Request) -> Response:
    """PUT /collections/{collection_id}: another document in place of the collection, whose items stay."""
    row = _row(request, await changes.replacement(request), _path(request))
    return await _changed(request, lambda _: row)


async def patch_collection(request: Request) -> Response:
    """PATCH /collections/{collection_id}."""
    change = await changes.patching(request)
    return await _changed(request, lambda content: _row(request, change(content), _path(request)))


async def delete_collection(request: Request) -> Response:
    """DELETE /collections/{collection_id}: one without items, or with `cascade=true` with all of its items."""
    here = server(request)
    timing: Timing = request.state.timing
    given = dict(requests.pairs(request, (CASCADE,), here.settings))
    cascade = given.get(CASCADE, "false")
    if cascade not in {"true", "false"}:
        raise InvalidError(CASCADE, cascade, "allowed are true and false")
    condition = conditions(request, here.settings, collection_modified)
    with timing.stage("db"):
        async with here.database.writer() as connection:
            await delete(connection, _path(request), condition.check, cascade=cascade == "true")
    return Response(status_code=HTTPStatus.NO_CONTENT)


async def _changed(request: Request, change: Callable[[bytes], CollectionRow]) -> Response:
    """Change a collection as the conditions of the request allow."""
    here = server(request)
    timing: Timing = request.state.timing
    condition = conditions(request, here.settings, collection_modified)

    def edit(content: bytes) -> CollectionRow:
        condition.check(content)
        return _stamped(request, change(content), content)

    name = _path(request)
    with timing.stage("db"):
        async with here.database.writer() as connection:
            stored = await edit_collection(connection, name, edit)
    return _answer(request, CollectionRow(name, stored), HTTPStatus.OK)


def _path(request: Request) -> str:
    return urls.path_value(request, "collection_id")


def _stamped(request: Request, row: CollectionRow, stored: bytes | None) -> CollectionRow:
    stamp = server(request).rules.collection_stamp
    return row if stamp is None else stamp(row, stored)


def _row(request: Request, body: bytes, path: str | None) -> CollectionRow:
    """The row of a document that is to be a new collection, or that of a path. Raises DocumentError, InvalidError."""
    members = bodies.members(body)
    try:
        row = prepare_collection(body, {} if path is None else {"id": path}, server(request).collection_check)
    except InvalidError as error:
        raise changes.invalid(error, body) from None
    if path is not None:
        changes.agree(members, ("id",), row.key, (path,))
    return row


def _rows(here: Server, raws: list[bytes]) -> list[CollectionRow]:
    """The rows of collections, all of which must be valid. Raises RefusedError."""
    rows = prepare_collections(raws, here.collection_check)
    refusals = [refused(index, raws[index], row) for index, row in enumerate(rows) if isinstance(row, InvalidError)]
    if refusals:
        raise RefusedError(refusals, len(raws))
    return [row for row in rows if isinstance(row, CollectionRow)]


def _answer(request: Request, row: CollectionRow, status: HTTPStatus) -> Response:
    base = urls.base(request, server(request).settings)
    body = responses.linked(row.content, links.collection(base, row.id))
    return changes.answer(request, row.content, body, base + paths.collection(row.id), JSON, status)

"""Items: single ones, by collection and id or by id alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.db import items
from satapi.errors import NotFoundError
from satapi.http import responses, urls
from satapi.http.conditions import last_modified
from satapi.http.presence import while_present
from satapi.http.server import server
from satapi.ingest.stamps import item_modified
from satapi.stac import links, paths
from satapi.stac.links import Link

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

# An id in more collections than this is listed in part.
_CHOICES_MAX = 1_000


async def get_item(request: Request) -> Response:
    """GET /collections/{collection_id}/items/{item_id}."""
    here = server(request)
    collection, identifier = urls.path_value(request, "collection_id"), urls.path_value(request, "item_id")
    row = await while_present(request, items.item(here.database, collection, identifier))
    if row is None:
        raise NotFoundError(f"There is no item {identifier!r} in collection {collection!r}")
    return _answer(request, row)


async def get_item_anywhere(request: Request) -> Response:
    """GET /items/{item_id}: the item where one collection has it, 300 with links to each where several do."""
    here = server(request)
    identifier = urls.path_value(request, "item_id")
    found = await while_present(request, items.items_named(here.database, identifier, _CHOICES_MAX))
    if not found:
        raise NotFoundError(f"There is no item {identifier!r} in any collection")
    if len(found) == 1:
        return _answer(request, found[0])
    base = urls.base(request, here.settings)
    choices = [
        Link(rel="item", href=base + paths.item(row.collection, row.id), type=links.GEOJSON, title=row.collection)
        for row in found
    ]
    description = f"{len(found)} collections have an item {identifier!r}"
    return responses.json({"description": description, "links": choices}, status=300)


def linked(base: str, collection: str, identifier: str, content: bytes) -> bytes:
    """An item as it is sent, with the server's links."""
    return b"".join(responses.ItemLinks(base).splice(content, collection, identifier))


def _answer(request: Request, row: items.Row) -> Response:
    body = linked(urls.base(request, server(request).settings), row.collection, row.id, row.content)
    modified = last_modified(row.content, server(request).settings, item_modified)
    return responses.tagged(request, body, responses.GEOJSON, responses.stored_tag(row.content, body), modified)

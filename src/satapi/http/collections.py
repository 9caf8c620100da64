"""Collections: the list and each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw

from satapi.db import collections
from satapi.errors import NotFoundError
from satapi.http import responses, urls
from satapi.http.presence import while_present
from satapi.http.server import server
from satapi.stac import links

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def get_collections(request: Request) -> Response:
    """GET /collections (STAC API 1.0.0, collections): all of them."""
    here = server(request)
    base = urls.base(request, here.settings)
    found = await while_present(request, collections.collections(here.database))
    listed = [Raw(responses.linked(content, links.collection(base, name))) for name, content in found]
    return responses.json(
        {
            "collections": listed,
            "links": links.collections(base),
            "numberMatched": len(listed),
            "numberReturned": len(listed),
        }
    )


async def get_collection(request: Request) -> Response:
    """GET /collections/{collection_id}."""
    here = server(request)
    name = urls.path_value(request, "collection_id")
    content = await while_present(request, collections.collection(here.database, name))
    if content is None:
        raise NotFoundError(f"There is no collection {name!r}")
    body = responses.linked(content, links.collection(urls.base(request, here.settings), name))
    return responses.tagged(request, body, responses.JSON, responses.stored_tag(content, body))

"""Queryables and sortables: what can be asked and sorted by, of all items, of a collection's, and of collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.db import knowledge
from satapi.errors import NotFoundError
from satapi.http import responses, urls
from satapi.http.presence import while_present
from satapi.http.server import server
from satapi.stac import paths, queryables
from satapi.stac.links import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from satapi.stac.queryables import Schema


async def get_queryables(request: Request) -> Response:
    """GET /queryables and /collections/{collection_id}/queryables (OGC API Features, part 3, 7.3)."""
    name, schemas = await _of_items(request)
    title = "What items can be asked" if name is None else f"What items of {name} can be asked"
    return _answer(request, paths.queryables(name), title, schemas)


async def get_sortables(request: Request) -> Response:
    """GET /sortables and /collections/{collection_id}/sortables (STAC API sort 1.1.0)."""
    name, schemas = await _of_items(request)
    title = "What items can be sorted by" if name is None else f"What items of {name} can be sorted by"
    return _answer(request, paths.sortables(name), title, queryables.sortables(schemas))


async def get_collections_queryables(request: Request) -> Response:
    """GET /collections-queryables, to which /collections links (collection-search 1.0.0-rc.1, filter)."""
    schemas = await _of_collections(request)
    return _answer(request, paths.COLLECTIONS_QUERYABLES, "What collections can be asked", schemas)


async def get_collections_sortables(request: Request) -> Response:
    """GET /collections-sortables, to which /collections links (STAC API sort 1.1.0)."""
    schemas = queryables.sortables(await _of_collections(request))
    return _answer(request, paths.COLLECTIONS_SORTABLES, "What collections can be sorted by", schemas)


async def _of_items(request: Request) -> tuple[str | None, Mapping[str, Schema]]:
    name = urls.path_value(request, "collection_id") if "collection_id" in request.path_params else None
    known = await while_present(request, knowledge.of_collection(server(request).database.fetch, name))
    if known is None:
        raise NotFoundError(f"There is no collection {name!r}")
    return name, known.schemas()


async def _of_collections(request: Request) -> Mapping[str, Schema]:
    return await while_present(request, knowledge.of_collections(server(request).database.fetch))


def _answer(request: Request, path: str, title: str, schemas: Mapping[str, Schema]) -> Response:
    settings = server(request).settings
    href, strict = urls.base(request, settings) + path, settings.unknown_properties == "error"
    document = queryables.document(schemas, href, title, strict=strict)
    return responses.tagged(request, responses.encode(document), SCHEMA)

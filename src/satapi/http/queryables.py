"""Queryables and sortables: what can be asked and sorted by, of all items or of a collection's."""

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
    from starlette.requests import Request
    from starlette.responses import Response

    from satapi.stac.queryables import Known


async def get_queryables(request: Request) -> Response:
    """GET /queryables and /collections/{collection_id}/queryables (OGC API Features, part 3, 7.3)."""
    name = _collection(request)
    known = await _known(request, name)
    here = server(request)
    href = urls.base(request, here.settings) + paths.queryables(name)
    title = "What items can be asked" if name is None else f"What items of {name} can be asked"
    strict = here.settings.unknown_properties == "error"
    return _answer(request, queryables.queryables(known, href, title, strict=strict))


async def get_sortables(request: Request) -> Response:
    """GET /sortables and /collections/{collection_id}/sortables (STAC API sort 1.1.0)."""
    name = _collection(request)
    known = await _known(request, name)
    here = server(request)
    href = urls.base(request, here.settings) + paths.sortables(name)
    title = "What items can be sorted by" if name is None else f"What items of {name} can be sorted by"
    strict = here.settings.unknown_properties == "error"
    return _answer(request, queryables.sortables(known, href, title, strict=strict))


def _collection(request: Request) -> str | None:
    return urls.path_value(request, "collection_id") if "collection_id" in request.path_params else None


async def _known(request: Request, name: str | None) -> Known:
    known = await while_present(request, knowledge.of_collection(server(request).database.fetch, name))
    if known is None:
        raise NotFoundError(f"There is no collection {name!r}")
    return known


def _answer(request: Request, schema: queryables.Schema) -> Response:
    return responses.tagged(request, responses.encode(schema), SCHEMA)

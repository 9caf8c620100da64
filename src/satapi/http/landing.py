"""The landing page and the conformance classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.db import collections
from satapi.http import responses, urls
from satapi.http.presence import while_present
from satapi.http.server import server
from satapi.stac import conformance, links, paths
from satapi.stac.links import Link

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def get_landing(request: Request) -> Response:
    """GET / (STAC API 1.0.0, core): the catalog, with a child link for each collection."""
    here = server(request)
    base = urls.base(request, here.settings)
    children = [
        Link(rel="child", href=base + paths.collection(found.id), type=links.JSON, title=found.title or None)
        for found in await while_present(request, collections.titles(here.database, _CHILDREN_MAX))
    ]
    return responses.json(
        {
            "type": "Catalog",
            "stac_version": "1.1.0",
            "id": here.settings.catalog_id,
            "title": here.settings.title,
            "description": here.settings.description,
            "conformsTo": conformance.classes(writing=here.settings.writes != "off"),
            "links": [*links.landing(base), *children],
        }
    )


async def get_conformance(request: Request) -> Response:
    """GET /conformance (OGC API Features 1.0, 7.4)."""
    writing = server(request).settings.writes != "off"
    return responses.json({"conformsTo": conformance.classes(writing=writing)})


# The data link leads to all collections; the landing page must stay small.
_CHILDREN_MAX = 1_000

"""The landing page and the conformance classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.http import browse, responses, urls
from satapi.http.presence import while_present
from satapi.http.server import server
from satapi.stac import conformance, links

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def get_landing(request: Request) -> Response:
    """GET / (STAC API 1.0.0, core): the catalog, with child links to all collections, or to groups of them."""
    here = server(request)
    base = urls.base(request, here.settings)
    children = await while_present(request, browse.children(here.database, base))
    return responses.json(
        {
            "type": "Catalog",
            "stac_version": links.STAC_VERSION,
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

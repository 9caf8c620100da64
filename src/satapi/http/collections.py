"""Collections: a search of them, which without parameters lists all, each of them, and the children of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw

from satapi.db import collections
from satapi.errors import InvalidError, NotFoundError
from satapi.http import asked, requests, responses, urls
from satapi.http.conditions import last_modified
from satapi.http.presence import while_present
from satapi.http.server import server
from satapi.ingest.stamps import collection_modified
from satapi.query import collections as statements
from satapi.query import keyset
from satapi.query.inventory import COLLECTIONS
from satapi.stac import fields, links
from satapi.stac.links import JSON, Link

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from satapi.http.timing import Timing
    from satapi.stac.search import Position, Search

CHILDREN_PARAMETERS = ("type", "limit", "token")
CHILD_TYPES = ("Catalog", "Collection")


async def get_collections(request: Request) -> Response:
    """GET /collections (STAC API 1.0.0, collections; collection-search extension)."""
    here = server(request)
    timing: Timing = request.state.timing
    with timing.stage("parse"):
        given = requests.pairs(request, asked.COLLECTION_PARAMETERS, here.settings)
        search = _search(request, given)
    return await _page(request, given, search, "collections")


async def get_children(request: Request) -> Response:
    """GET /children (children extension): the children of the landing page, which are all collections."""
    here = server(request)
    timing: Timing = request.state.timing
    with timing.stage("parse"):
        given = requests.pairs(request, CHILDREN_PARAMETERS, here.settings)
        kind = dict(given).get("type")
        if kind not in {None, *CHILD_TYPES}:
            raise InvalidError("type", kind, f"allowed are {' and '.join(CHILD_TYPES)}")
        search = _search(request, [pair for pair in given if pair[0] != "type"])
    return await _page(request, given, None if kind == "Catalog" else search, "children")


def _search(request: Request, given: list[tuple[str, str]]) -> Search:
    settings = server(request).settings
    return requests.search(
        asked.from_pairs(given, settings), COLLECTIONS, settings, size=requests.collections_page(settings)
    )


async def _page(request: Request, given: list[tuple[str, str]], search: Search | None, member: str) -> Response:
    """The page of a search, with the collections as that member; None finds nothing."""
    here = server(request)
    timing: Timing = request.state.timing
    base = urls.base(request, here.settings)
    found = collections.Found([], 0, None, None)
    render = _renderer(base, search)
    if search is not None:
        with timing.stage("plan"):
            statement = statements.page(search)
        with timing.stage("db"):
            found = await while_present(request, collections.found(here.database, statement, search))
    with timing.stage("render"):
        path = base + urls.path(request)
        listed = links.collections(base, urls.with_pairs(path, given))
        for rel, position in (("prev", found.preceding), ("next", found.following)):
            if position is not None:
                listed.append(_page_link(rel, path, given, position, search))
        return responses.json(
            {
                member: [render(name, content) for name, content in found.collections],
                "links": listed,
                "numberMatched": found.matched,
                "numberReturned": len(found.collections),
            }
        )


def _page_link(rel: str, path: str, given: list[tuple[str, str]], position: Position, search: Search | None) -> Link:
    token = keyset.encode(search.sortby if search else (), COLLECTIONS, position)
    pairs = [pair for pair in given if pair[0] != "token"]
    return Link(rel=rel, href=urls.with_pairs(path, [*pairs, ("token", token)]), type=JSON, method="GET")


def _renderer(base: str, search: Search | None) -> Callable[[str, bytes], Raw]:
    """How a collection is written: as stored and linked, or the chosen fields of it."""

    def whole(name: str, content: bytes) -> Raw:
        return Raw(responses.linked(content, links.collection(base, name)))

    if search is None or search.fields is None:
        return whole
    selection = fields.selection(search.fields, fields.OF_COLLECTIONS)
    has_links = fields.has_links(selection)

    def chosen(name: str, content: bytes) -> Raw:
        kept = fields.project(content, selection)
        return whole(name, kept) if has_links else Raw(kept)

    return chosen


async def get_collection(request: Request) -> Response:
    """GET /collections/{collection_id}."""
    here = server(request)
    name = urls.path_value(request, "collection_id")
    content = await while_present(request, collections.collection(here.database, name))
    if content is None:
        raise NotFoundError(f"There is no collection {name!r}")
    body = responses.linked(content, links.collection(urls.base(request, here.settings), name))
    modified = last_modified(content, here.settings, collection_modified)
    return responses.tagged(request, body, responses.JSON, responses.stored_tag(content, body), modified)

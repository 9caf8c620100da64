"""Collections: a search of them, which without parameters lists all, each of them, and the children of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Raw

from satapi.db import collections
from satapi.errors import InvalidError, NotFoundError, TimedOutError
from satapi.http import asked, browse, counting, requests, responses, urls
from satapi.http.conditions import last_modified
from satapi.http.presence import while_present
from satapi.http.server import server
from satapi.ingest.stamps import collection_modified
from satapi.query import collections as statements
from satapi.query import cost, keyset
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
    if await while_present(request, browse.are_many(here.database)):
        return await _catalog(request, given, kind)
    return await _page(request, given, None if kind == "Catalog" else search, "children")


async def _catalog(request: Request, given: list[tuple[str, str]], kind: str | None) -> Response:
    """The only child of a landing page of many collections, unless collections alone are asked for."""
    here = server(request)
    base = urls.base(request, here.settings)
    listed = links.collections(base, urls.with_pairs(base + urls.path(request), given))
    children: list[browse.Catalog] = []
    if kind != "Collection":
        children.append(await while_present(request, browse.everything(here.database, base, here.settings)))
    counts = {"numberMatched": len(children), "numberReturned": len(children)}
    return responses.json({"children": children, "links": listed, **counts})


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
    found = collections.Found([], 0, 0, None, None)
    render = _renderer(base, search)
    if search is not None:
        inventory = await here.database.memory.of_collections(here.database)
        with timing.stage("plan"):
            statement = statements.page(search, inventory)
        with timing.stage("db"):
            try:
                found = await while_present(request, collections.found(here.database, statement, search))
            except TimedOutError:
                took = f"The search took longer than {here.settings.statement_timeout_s:g} seconds"
                raise TimedOutError(f"{took}; {cost.advice_for_collections(search)}") from None
    with timing.stage("render"):
        path = base + urls.path(request)
        listed = links.collections(base, urls.with_pairs(path, given))
        for rel, position in (("prev", found.preceding), ("next", found.following)):
            if position is not None:
                listed.append(_page_link(rel, path, given, position, search))
        returned = len(found.collections)
        answer = responses.json(
            {
                member: [render(name, content) for name, content in found.collections],
                "links": listed,
                "numberMatched": found.matched,
                "numberReturned": returned,
            }
        )
        # All matches are always counted, so that is what is preferred, or nothing.
        if counting.preference(request.headers) == "exact":
            answer.headers.update(counting.told("exact", found.first, returned, found.matched))
        answer.headers["Vary"] = "Prefer"
        return answer


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
    found = await while_present(request, collections.collection(here.database, name))
    if found is None:
        raise NotFoundError(f"There is no collection {name!r}")
    body = responses.linked(found.content, links.collection(urls.base(request, here.settings), name))
    # What is made of the items changes with them, and its time is not kept.
    modified = last_modified(found.content, here.settings, collection_modified) if found.is_given else None
    return responses.tagged(request, body, responses.JSON, responses.stored_tag(found.content, body), modified)

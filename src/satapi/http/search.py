"""Search: items by GET and POST, over all collections or in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Raw
from starlette.responses import Response, StreamingResponse

from satapi.db import collections, items, spans
from satapi.errors import TimedOutError
from satapi.http import asked, counting, equalities, formats, parquet, requests, responses, sequences, urls
from satapi.http.presence import while_present
from satapi.http.server import Server, server
from satapi.http.streaming import WHOLE_ITEMS_MAX, features
from satapi.query import cost, keyset, select
from satapi.stac import fields, paths
from satapi.stac.links import GEOJSON, JSON, Link

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from asyncpg import Record
    from starlette.requests import Request

    from satapi.http.timing import Timing
    from satapi.query.inventory import Inventory
    from satapi.query.rows import Carried
    from satapi.query.sql import Sql
    from satapi.stac.search import Position, Search


async def get_search(request: Request) -> Response:
    """GET /search and GET /items."""
    return await _get(request, None)


async def get_items(request: Request) -> Response:
    """GET /collections/{collection_id}/items."""
    return await _get(request, urls.path_value(request, "collection_id"))


async def post_search(request: Request) -> Response:
    """POST /search."""
    here = server(request)
    timing: Timing = request.state.timing
    body = await requests.read_body(request, here.settings)
    await here.database.memory.knowledge(here.database)
    with timing.stage("parse"):
        members = requests.body_members(body, asked.SEARCH_PARAMETERS, here.settings)
        given = asked.from_members(members)
        kind = formats.sequence(given.f, request.headers.get("accept"))
        size = sequences.size(kind, here.settings)
        search = requests.search(given, _inventory(here), here.settings, size=size)
        sequence = sequences.wanted(given, kind)
    base = urls.base(request, here.settings)

    def page_link(rel: str, token: str) -> Link:
        # The whole body again, so that it need not be merged with the one before.
        again = members | {"token": Raw(responses.encode(token))}
        href = base + paths.SEARCH
        return Link(rel=rel, href=href, type=GEOJSON, method="POST", body=again, merge=False)

    return await _answer(request, _Question(here, search, base, base + paths.SEARCH, page_link, None, sequence))


async def _get(request: Request, collection_id: str | None) -> Response:
    here = server(request)
    timing: Timing = request.state.timing
    given, equal = await equalities.parameters(request, asked.SEARCH_PARAMETERS)
    with timing.stage("parse"):
        own = [pair for pair in given if pair[0] in asked.SEARCH_PARAMETERS]
        members = asked.from_pairs(own, here.settings)
        kind = formats.sequence(members.f, request.headers.get("accept"))
        size = sequences.size(kind, here.settings)
        search = requests.search(members, _inventory(here), here.settings, collection_id, equal, size=size)
        sequence = sequences.wanted(members, kind)
    base = urls.base(request, here.settings)
    here_path = base + urls.path(request)

    def page_link(rel: str, token: str) -> Link:
        pairs = [pair for pair in given if pair[0] != "token"]
        href = urls.with_pairs(here_path, [*pairs, ("token", token)])
        return Link(rel=rel, href=href, type=GEOJSON, method="GET")

    self_href = urls.with_pairs(here_path, given)
    return await _answer(request, _Question(here, search, base, self_href, page_link, collection_id, sequence))


def _inventory(here: Server, search: Search | None = None) -> Inventory:
    return here.database.memory.inventory(None if search is None else search.collections)


class _Question(NamedTuple):
    """A search with what its answer needs to know of the request."""

    here: Server
    search: Search
    base: str
    self_href: str
    page_link: Callable[[str, str], Link]
    collection_id: str | None = None
    sequence: sequences.Wanted | None = None


async def _answer(request: Request, question: _Question) -> Response:
    """Plan, read and render one page, or all of them."""
    here, search = question.here, question.search
    timing: Timing = request.state.timing
    await here.database.memory.learn(here.database, search.collections)
    if question.sequence is not None:
        return await _sequence(request, question, question.sequence)
    in_pieces = search.limit > WHOLE_ITEMS_MAX
    preferred = counting.preference(request.headers)
    page = await while_present(request, _page(timing, question, "size" if in_pieces else "content"))
    with timing.stage("db"):
        if not page.rows and question.collection_id is not None:
            await collections.must_exist(here.database, question.collection_id)
        rows = [] if in_pieces else list(await items.rows(here.database, page.rows))
        counted = await while_present(request, counting.counted(here, search, page, preferred))
    headers = {"Vary": "Accept, Prefer", **counted.headers}
    with timing.stage("render"):
        render = _renderer(question)
        tail = _tail(question, page, counted.matched)
        if in_pieces:
            found = features(here.database, items.sizes(page.rows), render, tail)
            return StreamingResponse(found, headers=headers, media_type=GEOJSON)
        body = responses.joined(responses.OPENING, rows, render, tail(len(rows)))
        return Response(body, headers=headers, media_type=GEOJSON)


async def _sequence(request: Request, question: _Question, sequence: sequences.Wanted) -> Response:
    """The whole result; its first page is read before the answer begins, so that what is wrong with it is told."""
    timing: Timing = request.state.timing
    database, search = question.here.database, question.search
    if sequence.after is not None:
        search = await while_present(request, sequences.after(database, search, sequence.after))

    def read(search: Search) -> Coroutine[object, object, items.Page]:
        return _page(timing, question._replace(search=search), "size")

    first = await while_present(request, read(sequences.page(search, search.position, search.limit)))
    if not first.rows and question.collection_id is not None:
        await collections.must_exist(database, question.collection_id)
    if sequence.format == "parquet" and request.method == "HEAD":
        return parquet.head()
    answer = sequences.answer(database, search, first, read, sequence, _renderer(question))
    return await while_present(request, answer)


async def _page(timing: Timing, question: _Question, carried: Carried) -> items.Page:
    """The rows of one page; where they are none because items reach further than is known, it is asked again."""
    database, search = question.here.database, question.search
    with timing.stage("plan"):
        given = spans.known(database, search)
        statement = select.page(search, _inventory(question.here, search), given, carried)
    with timing.stage("db"):
        rows = await _found(question, statement.sql)
        again = not rows and await spans.have_grown(database, search, given)
    return await _page(timing, question, carried) if again else items.paginate(rows, search, statement.plan.order)


async def _found(question: _Question, statement: Sql) -> list[Record]:
    here = question.here
    try:
        return await here.database.fetch(statement)
    except TimedOutError:
        took = f"The search took longer than {here.settings.statement_timeout_s:g} seconds"
        raise TimedOutError(f"{took}; {cost.advice(question.search, _inventory(here, question.search))}") from None


def _renderer(question: _Question) -> Callable[[items.Row], responses.Buffers]:
    """How an item is written: as stored and linked, or the chosen fields of it."""
    links = responses.ItemLinks(question.base)
    chosen = question.search.fields
    if chosen is None:
        return lambda row: links.splice(row.content, row.collection, row.id)
    selection = fields.selection(chosen)
    has_links = fields.has_links(selection)

    def render(row: items.Row) -> responses.Buffers:
        content = fields.project(row.content, selection)
        return links.splice(content, row.collection, row.id) if has_links else (content,)

    return render


class _Tail(msgspec.Struct, omit_defaults=True):
    links: list[Link]
    numberReturned: int = -1  # noqa: N815 - the standard's name
    numberMatched: int | None = None  # noqa: N815 - likewise


def _tail(question: _Question, page: items.Page, matched: int | None) -> Callable[[int], bytes]:
    """What follows the features, when their number is known."""
    links = [
        Link(rel="self", href=question.self_href, type=GEOJSON),
        Link(rel="root", href=question.base + paths.LANDING, type=JSON),
    ]
    if question.collection_id is not None:
        links.append(Link(rel="collection", href=question.base + paths.collection(question.collection_id), type=JSON))
    sortby = question.search.sortby

    def add(rel: str, position: Position | None) -> None:
        if position is not None:
            links.append(question.page_link(rel, keyset.encode(sortby, _inventory(question.here), position)))

    add("prev", page.preceding)
    add("next", page.following)
    return lambda returned: b"]," + responses.encode(_Tail(links, returned, matched))[1:]

"""Aggregations: what all items that match a search come to, by GET and POST, over all collections or in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from satapi.db import collections
from satapi.db.aggregations import aggregate
from satapi.errors import TimedOutError, TooLargeError
from satapi.http import asked, equalities, requests, responses, urls
from satapi.http.presence import while_present
from satapi.http.server import server
from satapi.http.shapes import AggregationCollection, Aggregations, AvailableAggregation
from satapi.query import measures
from satapi.query.aggregate import Limits
from satapi.stac import paths
from satapi.stac.links import JSON, Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from satapi.cql2.ast import Node
    from satapi.http.asked import Asked
    from satapi.http.timing import Timing
    from satapi.query.inventory import Inventory
    from satapi.query.measures import Measure
    from satapi.settings import Settings
    from satapi.stac.search import Search


async def get_aggregate(request: Request) -> Response:
    """GET /aggregate (aggregation extension v0.3.0)."""
    return await _get(request, None)


async def get_collection_aggregate(request: Request) -> Response:
    """GET /collections/{collection_id}/aggregate."""
    return await _get(request, urls.path_value(request, "collection_id"))


async def post_aggregate(request: Request) -> Response:
    """POST /aggregate."""
    return await _post(request, None)


async def post_collection_aggregate(request: Request) -> Response:
    """POST /collections/{collection_id}/aggregate."""
    return await _post(request, urls.path_value(request, "collection_id"))


async def get_aggregations(request: Request) -> Response:
    """GET /aggregations: what may be asked for."""
    return _available(request, None)


async def get_collection_aggregations(request: Request) -> Response:
    """GET /collections/{collection_id}/aggregations."""
    collection_id = urls.path_value(request, "collection_id")
    await while_present(request, collections.must_exist(server(request).database, collection_id))
    return _available(request, collection_id)


class _Question(NamedTuple):
    """A search and what is asked of its items."""

    search: Search
    measures: list[Measure]
    collection_id: str | None


async def _get(request: Request, collection_id: str | None) -> Response:
    settings = server(request).settings
    timing: Timing = request.state.timing
    given, equal = await equalities.parameters(request, asked.AGGREGATE_PARAMETERS)
    inventory = await _inventory(request, collection_id)
    with timing.stage("parse"):
        own = [pair for pair in given if pair[0] in asked.AGGREGATE_PARAMETERS]
        question = _question(asked.from_pairs(own, settings), inventory, settings, collection_id, equal)
    return await _answer(request, question)


async def _post(request: Request, collection_id: str | None) -> Response:
    settings = server(request).settings
    timing: Timing = request.state.timing
    body = await requests.read_body(request, settings)
    inventory = await _inventory(request, collection_id)
    with timing.stage("parse"):
        given = requests.body_members(body, asked.AGGREGATE_PARAMETERS, settings)
        question = _question(asked.from_members(given), inventory, settings, collection_id)
    return await _answer(request, question)


async def _inventory(request: Request, collection_id: str | None) -> Inventory:
    database = server(request).database
    collections = None if collection_id is None else (collection_id,)
    await database.memory.knowledge(database)
    await database.memory.learn(database, collections)
    return database.memory.inventory(collections)


def _question(
    given: Asked, inventory: Inventory, settings: Settings, collection_id: str | None, also: Sequence[Node] = ()
) -> _Question:
    names = given.aggregations or []
    if len(names) > settings.aggregations_max:
        raise TooLargeError("aggregations", f"{len(names)} names", f"at most {settings.aggregations_max} are allowed")
    precisions = {name: getattr(given, name) for name in asked.PRECISION_PARAMETERS}
    wanted = measures.measures(
        names,
        {name: precision for name, precision in precisions.items() if precision is not None},
        given.datetime_frequency_interval or "month",
        inventory,
    )
    return _Question(requests.search(given, inventory, settings, collection_id, also), wanted, collection_id)


async def _answer(request: Request, question: _Question) -> Response:
    here = server(request)
    timing: Timing = request.state.timing
    settings = here.settings
    limits = Limits(
        buckets=settings.buckets_max,
        cells=settings.footprint_cells_max,
        centroids=settings.geohex_centroids_max,
        footprints=settings.geohex_footprints_max,
        hexagons=settings.geohex_cells_max,
        seconds=settings.statement_timeout_s,
    )
    with timing.stage("db"):
        if question.collection_id is not None:
            await collections.must_exist(here.database, question.collection_id)
        try:
            found = await while_present(request, aggregate(here.database, question.search, question.measures, limits))
        except TimedOutError:
            took = f"The aggregation took longer than {settings.statement_timeout_s:g} seconds"
            what = (
                "all items that match are read; an area, a time, a collection or fewer aggregations at once would help"
            )
            raise TimedOutError(f"{took}: {what}") from None
    with timing.stage("render"):
        query = request.scope["query_string"].decode("latin-1")
        links = _links(request, urls.path(request) + (f"?{query}" if query else ""), question.collection_id)
        return responses.json(AggregationCollection("AggregationCollection", found, links))


def _links(request: Request, path: str, collection_id: str | None) -> list[Link]:
    base = urls.base(request, server(request).settings)
    links = [
        Link(rel="self", href=base + path, type=JSON),
        Link(rel="root", href=base + paths.LANDING, type=JSON),
    ]
    if collection_id is not None:
        links.append(Link(rel="collection", href=base + paths.collection(collection_id), type=JSON))
    return links


def _available(request: Request, collection_id: str | None) -> Response:
    found = [AvailableAggregation(*each) for each in measures.available()]
    return responses.json(Aggregations(found, _links(request, urls.path(request), collection_id)))

"""Routes: the URL table of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from satapi.http import (
    aggregations,
    browse,
    collections,
    documentation,
    events,
    feed,
    functions,
    health,
    items,
    landing,
    parameters,
    queryables,
    search,
    shapes,
)
from satapi.http.asked import AGGREGATE_PARAMETERS, COLLECTION_PARAMETERS, SEARCH_PARAMETERS
from satapi.http.endpoint import Endpoint
from satapi.http.formats import MEDIA_TYPES
from satapi.http.resource import Operation, Resource
from satapi.http.server import server
from satapi.http.writing import with_writing
from satapi.stac import paths
from satapi.stac.links import HTML, OPENAPI_3_0, OPENAPI_3_1, SCHEMA

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from satapi.http.resource import Handler
    from satapi.settings import Settings


async def _get_api(request: Request) -> Response:
    return await documentation.get_api(request, resources(server(request).settings))


# What may be answered: without the database, from it, by a search, and where one document is named.
_FIXED = (200,)
_READ = (200, 503, 504)
_FOUND = (200, 400, 413, 503, 504)
_ONE = (200, 304, 404, 503, 504)
_NAMED = (200, 404, 503, 504)
_SCHEMA = (200, 304, 503, 504)

# What a search gives, and the headers that it minds.
_ITEMS, _PREFER = (shapes.ItemCollection, *MEDIA_TYPES.values()), ("Prefer",)


def _schema(
    path: str, tag: str, handler: Handler, name: str, summary: str, answers: tuple[int, ...] = _SCHEMA
) -> Resource:
    return Resource(path, tag, Operation(handler, name, summary, (SCHEMA,), answers))


def _of_collections(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(parameters.COLLECTIONS + name for name in names)


RESOURCES: tuple[Resource, ...] = (
    Resource(
        paths.LANDING, "Core", Operation(landing.get_landing, "getLandingPage", "Landing page", shapes.Landing, _READ)
    ),
    Resource(
        paths.CONFORMANCE,
        "Core",
        Operation(landing.get_conformance, "getConformance", "Conformance classes", shapes.Conformance, _FIXED),
    ),
    Resource(
        paths.API,
        "Core",
        Operation(
            _get_api, "getApi", "OpenAPI document, 3.1 where Accept asks", (OPENAPI_3_0, OPENAPI_3_1), (200, 304)
        ),
    ),
    Resource(
        paths.API_HTML,
        "Core",
        Operation(documentation.get_page, "getApiPage", "Page to read and try the API", (HTML,), _FIXED),
    ),
    Resource(
        paths.API_ASSETS,
        "Core",
        Operation(
            documentation.get_asset,
            "getApiAsset",
            "File of that page",
            documentation.ASSET_MEDIA_TYPES,
            (200, 304, 404),
        ),
    ),
    Resource(
        paths.HEALTH,
        "Core",
        Operation(health.get_health, "getHealth", "Whether the server can answer", shapes.Health, _READ),
    ),
    Resource(
        paths.CHANGES,
        "Changes",
        Operation(
            feed.get_changes,
            "getChanges",
            "What has changed since a token, as a page or as a stream of events",
            (feed.Changes, events.MEDIA_TYPE),
            (200, 400, 404, 410, 413, 503, 504),
            tuple(parameters.CHANGES + name for name in feed.PARAMETERS),
            ("Last-Event-ID",),
        ),
    ),
    Resource(
        paths.SEARCH,
        "Search",
        Operation(search.get_search, "getSearch", "Search items", _ITEMS, _FOUND, SEARCH_PARAMETERS, _PREFER),
        Operation(search.post_search, "postSearch", "Search items", _ITEMS, _FOUND, headers=_PREFER, takes="Search"),
    ),
    Resource(
        paths.AGGREGATE,
        "Aggregation",
        Operation(
            aggregations.get_aggregate,
            "getAggregate",
            "Aggregate items",
            shapes.AggregationCollection,
            _FOUND,
            AGGREGATE_PARAMETERS,
        ),
        Operation(
            aggregations.post_aggregate,
            "postAggregate",
            "Aggregate items",
            shapes.AggregationCollection,
            _FOUND,
            takes="Aggregate",
        ),
    ),
    Resource(
        paths.AGGREGATIONS,
        "Aggregation",
        Operation(
            aggregations.get_aggregations, "getAggregations", "What may be aggregated", shapes.Aggregations, _FIXED
        ),
    ),
    Resource(
        paths.FUNCTIONS,
        "Search",
        Operation(functions.get_functions, "getFunctions", "Functions that filters may call", shapes.Functions, _FIXED),
    ),
    _schema(paths.QUERYABLES, "Search", queryables.get_queryables, "getQueryables", "What can be asked"),
    _schema(paths.SORTABLES, "Search", queryables.get_sortables, "getSortables", "What can be sorted by"),
    Resource(
        paths.ITEMS,
        "Search",
        Operation(
            search.get_search, "getAllItems", "Items of all collections", _ITEMS, _FOUND, SEARCH_PARAMETERS, _PREFER
        ),
    ),
    Resource(
        paths.ITEM_ANYWHERE,
        "Search",
        Operation(items.get_item_anywhere, "getItemAnywhere", "Item of any collection", shapes.Item, (*_ONE, 300)),
    ),
    Resource(
        paths.COLLECTIONS,
        "Collections",
        Operation(
            collections.get_collections,
            "getCollections",
            "Search collections",
            shapes.Collections,
            _FOUND,
            _of_collections(COLLECTION_PARAMETERS),
        ),
    ),
    _schema(
        paths.COLLECTIONS_QUERYABLES,
        "Collections",
        queryables.get_collections_queryables,
        "getQueryablesOfCollections",
        "What collections can be asked",
    ),
    _schema(
        paths.COLLECTIONS_SORTABLES,
        "Collections",
        queryables.get_collections_sortables,
        "getSortablesOfCollections",
        "What collections can be sorted by",
    ),
    Resource(
        paths.CHILDREN,
        "Collections",
        Operation(
            collections.get_children,
            "getChildren",
            "Collections as children of the catalog",
            shapes.Children,
            _FOUND,
            _of_collections(collections.CHILDREN_PARAMETERS),
        ),
    ),
    Resource(
        paths.GROUP,
        "Browse",
        Operation(browse.get_group, "getGroup", "Some of many collections", shapes.Catalog, _NAMED),
    ),
    Resource(
        paths.COLLECTION,
        "Collections",
        Operation(collections.get_collection, "getCollection", "Collection", shapes.Collection, _ONE),
    ),
    _schema(
        paths.COLLECTION_QUERYABLES,
        "Collections",
        queryables.get_queryables,
        "getQueryablesOfCollection",
        "What can be asked of a collection",
        _ONE,
    ),
    _schema(
        paths.COLLECTION_SORTABLES,
        "Collections",
        queryables.get_sortables,
        "getSortablesOfCollection",
        "What a collection can be sorted by",
        _ONE,
    ),
    Resource(
        paths.COLLECTION_ITEMS,
        "Collections",
        Operation(
            search.get_items, "getItems", "Items of a collection", _ITEMS, (*_FOUND, 404), SEARCH_PARAMETERS, _PREFER
        ),
    ),
    Resource(
        paths.BROWSE,
        "Browse",
        Operation(browse.get_items_by_time, "browseItems", "Items by time", shapes.Catalog, _NAMED),
    ),
    Resource(
        paths.BROWSE_PERIOD,
        "Browse",
        Operation(browse.get_period, "browsePeriod", "Items of a year, month or day", shapes.Catalog, _NAMED),
    ),
    Resource(
        paths.BROWSE_PART,
        "Browse",
        Operation(browse.get_part, "browsePart", "A part of the items of a period", shapes.Catalog, _NAMED),
    ),
    Resource(
        paths.COLLECTION_AGGREGATE,
        "Aggregation",
        Operation(
            aggregations.get_collection_aggregate,
            "getCollectionAggregate",
            "Aggregate items of a collection",
            shapes.AggregationCollection,
            (*_FOUND, 404),
            AGGREGATE_PARAMETERS,
        ),
        Operation(
            aggregations.post_collection_aggregate,
            "postCollectionAggregate",
            "Aggregate items of a collection",
            shapes.AggregationCollection,
            (*_FOUND, 404),
            takes="Aggregate",
        ),
    ),
    Resource(
        paths.COLLECTION_AGGREGATIONS,
        "Aggregation",
        Operation(
            aggregations.get_collection_aggregations,
            "getCollectionAggregations",
            "What may be aggregated of a collection",
            shapes.Aggregations,
            (*_READ, 404),
        ),
    ),
    Resource(
        paths.ITEM, "Collections", Operation(items.get_item, "getItem", "Item of a collection", shapes.Item, _ONE)
    ),
)


def resources(settings: Settings) -> tuple[Resource, ...]:
    """The table of a server, which may let its clients write."""
    return RESOURCES if settings.writes == "off" else with_writing(RESOURCES)


def routes(settings: Settings) -> list[Route]:
    """The table for Starlette."""
    return [Route(resource.path, Endpoint(resource)) for resource in resources(settings)]

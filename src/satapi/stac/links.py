"""Links: what leads from one document of the API to the next."""

from __future__ import annotations

from typing import Literal

import msgspec

from satapi.stac import paths

JSON = "application/json"
GEOJSON = "application/geo+json"
HTML = "text/html"
SCHEMA = "application/schema+json"
OPENAPI_3_0 = "application/vnd.oai.openapi+json;version=3.0"
OPENAPI_3_1 = "application/vnd.oai.openapi+json;version=3.1"

# Of the catalogs that the server makes.
STAC_VERSION = "1.1.0"

# OGC API Features, part 3, 8.2.
_FUNCTIONS = "http://www.opengis.net/def/rel/ogc/1.0/functions"
# The same, 7.3, and part 5; STAC API sort 1.1.0.
QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
SORTABLES = "http://www.opengis.net/def/rel/ogc/1.0/sortables"


class Link(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A link of STAC API 1.0.0; `method`, `body` and `merge` say how to follow one that is not a plain GET."""

    rel: str
    href: str
    type: str | None = None
    title: str | None = None
    method: Literal["GET", "POST"] | None = None
    body: dict[str, msgspec.Raw] | None = None
    merge: bool | None = None


def landing(base: str) -> list[Link]:
    """The fixed links of the landing page; `base` is the public URL of the API, without a slash at its end."""
    return [
        Link(rel="self", href=base + paths.LANDING, type=JSON, title="This page"),
        Link(rel="root", href=base + paths.LANDING, type=JSON, title="The landing page"),
        Link(rel="conformance", href=base + paths.CONFORMANCE, type=JSON, title="Conformance classes"),
        Link(rel="data", href=base + paths.COLLECTIONS, type=JSON, title="Collections"),
        Link(rel="children", href=base + paths.CHILDREN, type=JSON, title="Collections, as children of this catalog"),
        Link(rel="search", href=base + paths.SEARCH, type=GEOJSON, title="Item search", method="GET"),
        Link(rel="search", href=base + paths.SEARCH, type=GEOJSON, title="Item search", method="POST"),
        *_aggregation(base + paths.AGGREGATE, base + paths.AGGREGATIONS),
        Link(rel="changes", href=base + paths.CHANGES, type=JSON, title="What has changed, and what changes next"),
        Link(rel=_FUNCTIONS, href=base + paths.FUNCTIONS, type=JSON, title="Functions of filters"),
        *_askable(base, None),
        Link(rel="service-desc", href=base + paths.API, type=OPENAPI_3_0, title="The API, as OpenAPI"),
        Link(rel="service-desc", href=base + paths.API, type=OPENAPI_3_1, title="The API, as OpenAPI 3.1"),
        Link(rel="service-doc", href=base + paths.API_HTML, type=HTML, title="The API, for reading and trying"),
    ]


def collections(base: str, self_href: str) -> list[Link]:
    """The links of a list of collections, but for those to the pages beside it."""
    return [
        Link(rel="self", href=self_href, type=JSON, title="Collections"),
        Link(rel="root", href=base + paths.LANDING, type=JSON, title="The landing page"),
        Link(rel="parent", href=base + paths.LANDING, type=JSON, title="The landing page"),
        *_schemas(base + paths.COLLECTIONS_QUERYABLES, base + paths.COLLECTIONS_SORTABLES),
    ]


def collection(base: str, collection_id: str) -> list[Link]:
    """The links that the server adds to a collection."""
    return [
        Link(rel="self", href=base + paths.collection(collection_id), type=JSON),
        Link(rel="root", href=base + paths.LANDING, type=JSON),
        Link(rel="parent", href=base + paths.LANDING, type=JSON),
        Link(rel="items", href=base + paths.items(collection_id), type=GEOJSON, title="Items"),
        Link(rel="child", href=base + paths.browse(collection_id), type=JSON, title="Items by time"),
        *_aggregation(base + paths.aggregate(collection_id), base + paths.aggregations(collection_id)),
        *_askable(base, collection_id),
    ]


def catalog(base: str, path: str, parent: str) -> list[Link]:
    """The links of a catalog made by the server, but for those to what is in it."""
    return [
        Link(rel="self", href=base + path, type=JSON),
        Link(rel="root", href=base + paths.LANDING, type=JSON),
        Link(rel="parent", href=base + parent, type=JSON),
    ]


def _aggregation(aggregate: str, aggregations: str) -> list[Link]:
    return [
        Link(rel="aggregate", href=aggregate, type=JSON, title="Aggregation of items", method="GET"),
        Link(rel="aggregate", href=aggregate, type=JSON, title="Aggregation of items", method="POST"),
        Link(rel="aggregations", href=aggregations, type=JSON, title="What may be aggregated"),
    ]


def _askable(base: str, collection_id: str | None) -> list[Link]:
    return _schemas(base + paths.queryables(collection_id), base + paths.sortables(collection_id))


def _schemas(queryables: str, sortables: str) -> list[Link]:
    return [
        Link(rel=QUERYABLES, href=queryables, type=SCHEMA, title="What can be asked"),
        Link(rel=SORTABLES, href=sortables, type=SCHEMA, title="What can be sorted by"),
    ]


def item(base: str, collection_id: str, item_id: str) -> list[Link]:
    """The links that the server adds to an item."""
    return [
        Link(rel="self", href=base + paths.item(collection_id, item_id), type=GEOJSON),
        Link(rel="parent", href=base + paths.collection(collection_id), type=JSON),
        Link(rel="collection", href=base + paths.collection(collection_id), type=JSON),
        Link(rel="root", href=base + paths.LANDING, type=JSON),
    ]

"""Conformance: each class that the API claims, and the feature that makes it true."""

from __future__ import annotations

CLASSES: dict[str, str] = {
    "https://api.stacspec.org/v1.0.0/core": "landing page",
    "https://api.stacspec.org/v1.0.0/collections": "collections",
    "https://api.stacspec.org/v1.0.0/ogcapi-features": "items of a collection",
    "https://api.stacspec.org/v1.0.0/item-search": "search by GET and POST",
    "https://api.stacspec.org/v1.0.0/item-search#fields": "fields",
    "https://api.stacspec.org/v1.0.0/ogcapi-features#fields": "fields",
    # pystac-client looks for sort in version 1.0 alone.
    "https://api.stacspec.org/v1.0.0/item-search#sort": "sortby",
    "https://api.stacspec.org/v1.0.0/ogcapi-features#sort": "sortby",
    "https://api.stacspec.org/v1.1.0/item-search#sort": "sortby",
    "https://api.stacspec.org/v1.1.0/ogcapi-features#sort": "sortby",
    "https://api.stacspec.org/v1.0.0/item-search#query": "query",
    "https://api.stacspec.org/v1.0.0/ogcapi-features#query": "query",
    "https://api.stacspec.org/v1.0.0-rc.1/item-search#free-text": "q, lists of terms",
    "https://api.stacspec.org/v1.0.0-rc.1/item-search#advanced-free-text": "q, texts with operators",
    "https://api.stacspec.org/v1.0.0-rc.1/ogcapi-features#free-text": "q, lists of terms",
    "https://api.stacspec.org/v1.0.0-rc.1/ogcapi-features#advanced-free-text": "q, texts with operators",
    "https://api.stacspec.org/v1.0.0/item-search#filter": "filter",
    # Clients of the release candidates look for it under their version.
    "https://api.stacspec.org/v1.0.0-rc.2/item-search#filter": "filter",
    "https://api.stacspec.org/v1.0.0-rc.1/collection-search": "search of collections",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/simple-query": "bbox, datetime and limit of collections",
    "https://api.stacspec.org/v1.0.0-rc.1/collection-search#free-text": "q of collections, lists of terms",
    "https://api.stacspec.org/v1.0.0-rc.1/collection-search#advanced-free-text": "q of collections, with operators",
    "https://api.stacspec.org/v1.0.0-rc.1/collection-search#filter": "filter of collections",
    "https://api.stacspec.org/v1.0.0-rc.1/collection-search#query": "query of collections",
    "https://api.stacspec.org/v1.0.0-rc.1/collection-search#sort": "sortby of collections",
    "https://api.stacspec.org/v1.1.0/collection-search#sort": "sortby of collections",
    "https://api.stacspec.org/v1.0.0-rc.1/collection-search#fields": "fields of collections",
    "https://api.stacspec.org/v1.0.0-rc.1/children": "/children",
    "https://api.stacspec.org/v1.0.0-rc.3/browseable": "links from the landing page to every item",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter": "filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter": "filter of items",
    "https://api.stacspec.org/v0.3.0/aggregation": "aggregation",
    "https://api.stacspec.org/v0.3.0/aggregation#query": "query of aggregations",
    "https://api.stacspec.org/v0.3.0/aggregation#filter": "filter of aggregations",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables": "queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters": "queryables as parameters",
    # STAC API sort 1.1.0 names one for searches, and OGC's for collections.
    "https://api.stacspec.org/v1.1.0/item-search#sortables": "sortables",
    "http://www.opengis.net/spec/ogcapi-features-5/1.0/conf/sortables": "sortables",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text": "filter-lang cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json": "filter-lang cql2-json",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2": "AND, OR, NOT, comparisons, IS NULL",
    "http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators": "LIKE, BETWEEN, IN",
    "http://www.opengis.net/spec/cql2/1.0/conf/case-insensitive-comparison": "CASEI",
    "http://www.opengis.net/spec/cql2/1.0/conf/accent-insensitive-comparison": "ACCENTI",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions": "S_INTERSECTS of points and boxes",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions-plus": "S_INTERSECTS of all geometries",
    "http://www.opengis.net/spec/cql2/1.0/conf/spatial-functions": "the other spatial relations",
    "http://www.opengis.net/spec/cql2/1.0/conf/temporal-functions": "temporal relations",
    "http://www.opengis.net/spec/cql2/1.0/conf/array-functions": "relations of arrays",
    "http://www.opengis.net/spec/cql2/1.0/conf/property-property": "properties and values on both sides",
    "http://www.opengis.net/spec/cql2/1.0/conf/functions": "functions, listed at /functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/arithmetic": "calculations",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core": "OGC API Features, part 1",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30": "OpenAPI 3.0",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson": "GeoJSON",
}

WRITING: dict[str, str] = {
    "https://api.stacspec.org/v1.0.0/ogcapi-features/extensions/transaction": "items: POST, PUT, PATCH, DELETE",
    # Clients of the release candidates look for it under their version.
    "https://api.stacspec.org/v1.0.0-rc.2/ogcapi-features/extensions/transaction": "items: POST, PUT, PATCH, DELETE",
    "https://api.stacspec.org/v1.0.0/collections/extensions/transaction": "collections: POST, PUT, PATCH, DELETE",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/create-replace-delete": "POST, PUT, DELETE",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/update": "PATCH",
    "http://www.opengis.net/spec/ogcapi-features-4/1.0/conf/features": "items are GeoJSON features",
}
"""The classes of transactions, which are claimed where the server takes them."""


def classes(*, writing: bool) -> list[str]:
    """The classes that a server claims."""
    return [*CLASSES, *(WRITING if writing else ())]

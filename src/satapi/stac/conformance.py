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
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core": "OGC API Features, part 1",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30": "OpenAPI 3.0",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson": "GeoJSON",
}

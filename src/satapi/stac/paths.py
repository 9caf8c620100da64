"""Paths: the only place where a path of the API is spelled."""

from __future__ import annotations

import re
from urllib.parse import quote

LANDING = "/"
CONFORMANCE = "/conformance"
API = "/api"
API_HTML = "/api.html"
API_ASSETS = "/api.assets/{name}"
HEALTH = "/health"
CHANGES = "/changes"
SEARCH = "/search"
FUNCTIONS = "/functions"
AGGREGATE = "/aggregate"
AGGREGATIONS = "/aggregations"
QUERYABLES = "/queryables"
SORTABLES = "/sortables"
# What is asked of collections, not of items: beside those of one collection.
COLLECTIONS_QUERYABLES = "/collections-queryables"
COLLECTIONS_SORTABLES = "/collections-sortables"
ITEMS = "/items"
ITEM_ANYWHERE = "/items/{item_id:path}"
CHILDREN = "/children"
GROUP = "/browse/{group}"
COLLECTIONS = "/collections"
COLLECTION = "/collections/{collection_id}"
COLLECTION_AGGREGATE = "/collections/{collection_id}/aggregate"
COLLECTION_AGGREGATIONS = "/collections/{collection_id}/aggregations"
COLLECTION_ITEMS = "/collections/{collection_id}/items"
BULK_ITEMS = "/collections/{collection_id}/bulk_items"
BROWSE = "/collections/{collection_id}/browse"
BROWSE_PERIOD = "/collections/{collection_id}/browse/{period}"
BROWSE_PART = "/collections/{collection_id}/browse/{period}/{part}"
COLLECTION_QUERYABLES = "/collections/{collection_id}/queryables"
COLLECTION_SORTABLES = "/collections/{collection_id}/sortables"
ITEM = "/collections/{collection_id}/items/{item_id:path}"

_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")


def segment(text: str) -> str:
    """An id as one segment of a path: slashes and percent signs too are escaped."""
    if _UNRESERVED.fullmatch(text) and text not in {".", ".."}:
        return text
    # A segment of dots alone would be resolved away by clients.
    return text.replace(".", "%2E") if text in {".", ".."} else quote(text, safe="")


def collection(collection_id: str) -> str:
    """The path of a collection."""
    return f"/collections/{segment(collection_id)}"


def items(collection_id: str) -> str:
    """The path of a collection's items."""
    return f"/collections/{segment(collection_id)}/items"


def aggregate(collection_id: str) -> str:
    """The path of the aggregation of a collection's items."""
    return f"/collections/{segment(collection_id)}/aggregate"


def aggregations(collection_id: str) -> str:
    """The path of what may be aggregated of a collection's items."""
    return f"/collections/{segment(collection_id)}/aggregations"


def queryables(collection_id: str | None) -> str:
    """The path of the queryables of a collection, or of all."""
    return QUERYABLES if collection_id is None else f"/collections/{segment(collection_id)}/queryables"


def sortables(collection_id: str | None) -> str:
    """The path of the sortables of a collection, or of all."""
    return SORTABLES if collection_id is None else f"/collections/{segment(collection_id)}/sortables"


def item(collection_id: str, item_id: str) -> str:
    """The path of an item."""
    return f"/collections/{segment(collection_id)}/items/{segment(item_id)}"


def browse(collection_id: str, *below: str) -> str:
    """The path of a collection's items as catalogs: all, those of a period, or a part of a period."""
    return "/".join((f"/collections/{segment(collection_id)}/browse", *map(segment, below)))


def group(name: str) -> str:
    """The path of some of many collections as a catalog."""
    return f"/browse/{segment(name)}"

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
SEARCH = "/search"
FUNCTIONS = "/functions"
ITEMS = "/items"
ITEM_ANYWHERE = "/items/{item_id:path}"
COLLECTIONS = "/collections"
COLLECTION = "/collections/{collection_id}"
COLLECTION_ITEMS = "/collections/{collection_id}/items"
BULK_ITEMS = "/collections/{collection_id}/bulk_items"
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


def item(collection_id: str, item_id: str) -> str:
    """The path of an item."""
    return f"/collections/{segment(collection_id)}/items/{segment(item_id)}"

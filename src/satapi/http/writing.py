"""Writing: what SATAPI_WRITES adds to the rows of the URL table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from satapi.http import bodies, bulk, drafts, holdings, shapes, transactions
from satapi.http.resource import Operation, Resource
from satapi.stac import paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from satapi.http.resource import Method

# What may be answered to whom brings documents, and to whom changes one.
_MADE = (201, 400, 404, 409, 413, 415, 422, 503, 504)
_CHANGED = (200, 204, 400, 404, 409, 412, 413, 415, 422, 428, 503, 504)
_GONE = (204, 400, 404, 409, 412, 428, 503, 504)

_RETURN = ("PreferReturn",)
_CONDITIONS = ("If-Match", "If-None-Match", "If-Unmodified-Since")

_ITEMS: dict[str, str] = dict.fromkeys(bodies.DOCUMENTS, "NewItems")
_STREAM: dict[str, str] = _ITEMS | dict.fromkeys(bodies.STREAMS, "Lines")
_BULK: dict[str, str] = dict.fromkeys(bodies.DOCUMENTS, "BulkItems")
_ITEM: dict[str, str] = dict.fromkeys(bodies.DOCUMENTS, "NewItem")
_PATCH = dict.fromkeys(bodies.PATCHES, "MergePatch") | {bodies.JSON_PATCH: "JsonPatch"}

_CREATED = (shapes.Item, drafts.Created)

_COLLECTION: dict[str, str] = dict.fromkeys(bodies.DOCUMENTS, "NewCollection")
_COLLECTIONS: dict[str, str] = dict.fromkeys(bodies.DOCUMENTS, "NewCollections")

ADDED: Mapping[str, Mapping[Method, Operation]] = {
    paths.ITEMS: {
        "post": Operation(
            transactions.post_anywhere,
            "postAnywhere",
            "Add an item, or several, that name their collections",
            _CREATED,
            _MADE,
            headers=_RETURN,
            takes=_ITEMS,
        ),
    },
    paths.COLLECTIONS: {
        "post": Operation(
            holdings.post_collections,
            "postCollections",
            "Add a collection, or several",
            (shapes.Collection, drafts.Created),
            _MADE,
            headers=_RETURN,
            takes=_COLLECTIONS,
        ),
    },
    paths.COLLECTION: {
        "put": Operation(
            holdings.put_collection,
            "putCollection",
            "Replace a collection",
            shapes.Collection,
            _CHANGED,
            headers=(*_RETURN, *_CONDITIONS),
            takes=_COLLECTION,
        ),
        "patch": Operation(
            holdings.patch_collection,
            "patchCollection",
            "Change a collection in part",
            shapes.Collection,
            _CHANGED,
            headers=(*_RETURN, *_CONDITIONS),
            takes=_PATCH,
        ),
        "delete": Operation(
            holdings.delete_collection,
            "deleteCollection",
            "Delete a collection",
            (),
            _GONE,
            parameters=(holdings.CASCADE,),
            headers=_CONDITIONS,
        ),
    },
    paths.COLLECTION_ITEMS: {
        "post": Operation(
            transactions.post_items,
            "postItems",
            "Add an item, or several, or a stream of them",
            (*_CREATED, bulk.Report),
            (200, *_MADE),
            parameters=(bulk.METHOD,),
            headers=_RETURN,
            takes=_STREAM,
        ),
    },
    paths.ITEM: {
        "put": Operation(
            transactions.put_item,
            "putItem",
            "Replace an item",
            shapes.Item,
            _CHANGED,
            headers=(*_RETURN, *_CONDITIONS),
            takes=_ITEM,
        ),
        "patch": Operation(
            transactions.patch_item,
            "patchItem",
            "Change an item in part",
            shapes.Item,
            _CHANGED,
            headers=(*_RETURN, *_CONDITIONS),
            takes=_PATCH,
        ),
        "delete": Operation(transactions.delete_item, "deleteItem", "Delete an item", (), _GONE, headers=_CONDITIONS),
    },
}


_BULK_ITEMS = Resource(
    paths.BULK_ITEMS,
    "Collections",
    post=Operation(
        bulk.post_bulk_items,
        "postBulkItems",
        "Add or replace items, all or none",
        bulk.Report,
        (200, 400, 404, 409, 413, 415, 422, 503, 504),
        takes=_BULK,
    ),
)


def with_writing(resources: Sequence[Resource]) -> tuple[Resource, ...]:
    """The rows with the operations that write, and the row that is there for these alone."""
    return (*(replace(resource, **ADDED.get(resource.path, {})) for resource in resources), _BULK_ITEMS)

"""Drafts: the documents that clients send to write, for the API's description alone."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from satapi.http import schemas, shapes
from satapi.http.parameters import Parameter
from satapi.stac.links import Link


class Created(Struct, frozen=True):
    """The ids of new documents, and links to them."""

    ids: list[str]
    links: list[Link]


class NewItem(shapes.Item, frozen=True, kw_only=True):
    """A STAC item to store. Members that the path tells may be left out; links of the server's own are ignored."""


class NewItemCollection(Struct, frozen=True):
    """Items to store, all of them or none."""

    type: Literal["FeatureCollection"]
    features: list[NewItem]


class NewCollection(shapes.Collection, frozen=True, kw_only=True):
    """A STAC collection to store. Its id may be left out where the path tells it."""


class BulkItems(Struct, frozen=True):
    """Items by their ids, all of which are stored or none."""

    items: dict[str, NewItem]
    method: Literal["insert", "upsert"] | UnsetType = UNSET


class PatchOperation(Struct, frozen=True, rename={"source": "from"}):
    """An operation of a JSON patch (RFC 6902)."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    path: Annotated[str, Meta(description="A JSON pointer (RFC 6901).")]
    source: str | UnsetType = UNSET
    value: Raw | UnsetType = UNSET


def parameters() -> dict[str, Parameter]:
    """The parameters and headers of requests that write, by their names in the components."""
    methods: schemas.Schema = {"type": "string", "enum": ["insert", "ignore", "upsert"], "default": "insert"}
    return {
        "cascade": Parameter("cascade", "query", _CASCADE, {"type": "boolean", "default": False}),
        "method": Parameter("method", "query", _METHOD, methods),
        "PreferReturn": Parameter("Prefer", "header", _RETURN, {"type": "string", "examples": ["return=minimal"]}),
        "If-Match": Parameter("If-Match", "header", _IF_MATCH, {"type": "string"}),
        "If-None-Match": Parameter("If-None-Match", "header", _IF_NONE_MATCH, {"type": "string"}),
        "If-Unmodified-Since": Parameter("If-Unmodified-Since", "header", _IF_UNMODIFIED, {"type": "string"}),
    }


_CASCADE = "Whether the collection's items are deleted too; otherwise only a collection without items is."
_METHOD = (
    "What to do with an item of a stream that exists: to refuse it (insert), to leave it (ignore), or to replace it "
    "(upsert). Other bodies are refused where an item exists."
)
_RETURN = (
    "What to answer (RFC 7240): return=minimal asks for no document, return=representation, which is the default, for "
    "the one that is stored now."
)
_IF_MATCH = "The ETag of the version to change (RFC 9110, 13.1.1): any other is left as it is, with a 412."
_IF_NONE_MATCH = "ETags of versions not to change (RFC 9110, 13.1.2)."
_IF_UNMODIFIED = (
    "The Last-Modified of the version to change (RFC 9110, 13.1.4), where the server tells it and there is no "
    "If-Match: a newer one is left as it is, with a 412."
)

NEW_COLLECTION_REQUIRED = ("type", "id")
NEW_ITEM_REQUIRED = ("type", "id", "geometry", "properties", "assets")


def taken() -> dict[str, schemas.Schema]:
    """The schemas of bodies that write, by name."""
    found = schemas.components([NewItem, NewItemCollection, NewCollection, BulkItems, PatchOperation])
    found["NewCollection"] |= {"required": list(NEW_COLLECTION_REQUIRED)}
    found["NewItem"] |= {"required": list(NEW_ITEM_REQUIRED)}
    merge: schemas.Schema = {
        "type": "object",
        "description": "Members to set, and null for those to remove (RFC 7396).",
    }
    several: schemas.Schema = {"anyOf": [schemas.ref("NewItem"), schemas.ref("NewItemCollection")]}
    operations: schemas.Schema = {"type": "array", "items": schemas.ref("PatchOperation")}
    collections: schemas.Schema = {
        "anyOf": [
            schemas.ref("NewCollection"),
            {"type": "array", "items": schemas.ref("NewCollection")},
            {"type": "object", "properties": {"collections": {"type": "array", "items": schemas.ref("NewCollection")}}},
        ]
    }
    lines: schemas.Schema = {"type": "string", "description": "An item a line."}
    return found | {
        "Lines": lines,
        "NewItems": several,
        "NewCollections": collections,
        "MergePatch": merge,
        "JsonPatch": operations,
    }

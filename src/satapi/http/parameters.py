"""Parameters: what each member of a search means and allows, as a parameter of GET and as a member of a POST body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import msgspec
from msgspec.structs import replace

from satapi.http import filters, schemas, shapes
from satapi.http.asked import Asked
from satapi.http.schemas import Schema
from satapi.query.rows import KEY_NAMES
from satapi.stac.links import JSON

if TYPE_CHECKING:
    from collections.abc import Callable

    from satapi.settings import Settings

_DESCRIPTIONS = {
    "limit": "Items on a page, at most. A number above the maximum is lowered to it.",
    "bbox": "Items whose geometry intersects this box: west, south, east, north in degrees (WGS 84), or with heights "
    "west, south, lowest, east, north, highest; heights are not compared. West is greater than east in a box across "
    "the antimeridian. Not together with intersects.",
    "intersects": "Items whose geometry intersects this GeoJSON geometry. Not together with bbox.",
    "datetime": "Items of this time or interval, both ends included: an RFC 3339 time with a zone such as "
    "2020-01-01T00:00:00Z, or two with a slash between them, of which one may be .. or empty for an open end. Items "
    "with a start and an end match where the intervals meet.",
    "ids": "Items with one of these ids.",
    "collections": "Items of one of these collections.",
    "fields": "Members that items are answered with, such as properties.eo:cloud_cover, beside those that they always "
    "have, and members to leave out.",
    "sortby": "Fields to sort by, the first one first: id, collection, datetime, created, updated and any other "
    "property. Items without a value come last. By default the newest come first.",
    "query": 'Comparisons of properties that must all hold, such as {"eo:cloud_cover": {"lt": 10}}.',
    "filter": "A CQL2 filter that must hold (OGC 21-065r2), in the encoding that filter-lang says, such as "
    "eo:cloud_cover < 10 AND S_INTERSECTS(geometry, POINT(7 51)).",
    "filter-lang": "The encoding of the filter: by default cql2-text in parameters and cql2-json in bodies.",
    "filter-crs": "The coordinate reference system of the filter's geometries: longitude and latitude in degrees.",
    "token": "The page to answer, from a next or prev link; everything else must be as in that link.",
}

_PATH_DESCRIPTIONS = {
    "collection_id": "The id of a collection.",
    "item_id": "The id of an item; a slash in it is written %2F.",
    "name": "The name of a file that the page needs.",
}


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of a path or a query; one that `is_json` is a JSON text, and forms may start from its `example`."""

    name: str
    place: Literal["path", "query", "header"]
    description: str
    schema: Schema
    is_json: bool = False
    example: Schema | None = None

    def described(self, convert: Callable[[Schema], Schema]) -> Schema:
        """The Parameter Object, with its schema converted."""
        schema: Schema = {"schema": convert(self.schema)}
        head: Schema = {
            "name": self.name,
            "in": self.place,
            "required": self.place == "path",
            "description": self.description,
        }
        if self.is_json:
            example: Schema = {} if self.example is None else {"example": self.example}
            return head | {"content": {JSON: schema | example}}
        # Lists are one value with commas (OGC API Features 1.0, 7.15).
        return head | schema | ({"style": "form", "explode": False} if self.place == "query" else {})


# A search that any catalog can answer.
BODY_EXAMPLE: Schema = {"datetime": "2020-01-01T00:00:00Z/..", "sortby": [{"field": "datetime"}], "limit": 10}


def body(settings: Settings) -> Schema:
    """The schema of the body of POST /search."""
    members = {name: schema | {"description": _DESCRIPTIONS[name]} for name, schema in _members(settings).items()}
    strict: Schema = {"additionalProperties": False} if settings.unknown_parameters == "error" else {}
    return {"title": "Search", "description": "A search.", "type": "object", "properties": members} | strict


def in_query(settings: Settings) -> dict[str, Parameter]:
    """The parameters of a search by GET."""
    members = _members(settings)
    members["fields"] = _list("^[^,]+$", "A field to include, or with a minus before it one to exclude.")
    members["sortby"] |= _list("^[-+]?[^-+ ,][^,]*$", "A field to sort by, with a minus before it downwards.")
    found = {name: Parameter(name, "query", _DESCRIPTIONS[name], schema) for name, schema in members.items()}
    found["intersects"] = replace(found["intersects"], is_json=True)
    found["filter"] = replace(found["filter"], schema={"type": "string", "minLength": 1})
    found["query"] = replace(found["query"], is_json=True, example={})
    return found


def in_path() -> dict[str, Parameter]:
    """The parameters of the paths."""
    schema: Schema = {"type": "string", "minLength": 1}
    return {name: Parameter(name, "path", description, schema) for name, description in _PATH_DESCRIPTIONS.items()}


def in_headers() -> dict[str, Parameter]:
    """The headers of requests that mean something here."""
    schema: Schema = {"type": "string", "examples": ["count=exact"]}
    description = (
        "How to count all matches (RFC 7240): count=exact, count=planned (an estimate) or count=none. The answer's "
        "Content-Range then has the places of its items and the number, and Preference-Applied says what was done."
    )
    return {
        "Prefer": Parameter("Prefer", "header", description, schema),
        "PreferReturn": Parameter("Prefer", "header", _RETURN, {"type": "string", "examples": ["return=minimal"]}),
        "If-Match": Parameter("If-Match", "header", _IF_MATCH, {"type": "string"}),
        "If-None-Match": Parameter("If-None-Match", "header", _IF_NONE_MATCH, {"type": "string"}),
    }


def of_writing() -> dict[str, Parameter]:
    """The parameters of requests that write."""
    methods: Schema = {"type": "string", "enum": ["insert", "ignore", "upsert"], "default": "insert"}
    return {
        "cascade": Parameter("cascade", "query", _CASCADE, {"type": "boolean", "default": False}),
        "method": Parameter("method", "query", _METHOD, methods),
    }


_METHOD = (
    "What to do with an item of a stream that exists: to refuse it (insert), to leave it (ignore), or to replace it "
    "(upsert). Other bodies are refused where an item exists."
)
_CASCADE = "Whether the collection's items are deleted too; otherwise only a collection without items is."
_RETURN = (
    "What to answer (RFC 7240): return=minimal asks for no document, return=representation, which is the default, for "
    "the one that is stored now."
)
_IF_MATCH = "The ETag of the version to change (RFC 9110, 13.1.1): any other is left as it is, with a 412."
_IF_NONE_MATCH = "ETags of versions not to change (RFC 9110, 13.1.2)."


def _list(pattern: str, described: str) -> Schema:
    return {"type": "array", "items": {"type": "string", "pattern": pattern, "description": described}}


def _members(settings: Settings) -> dict[str, Schema]:
    """The schemas of Asked's members with the limits that the server holds them to."""
    limits: dict[str, Schema] = {
        "limit": {
            "minimum": 1,
            "maximum": settings.limit_max,
            "default": min(settings.limit_default, settings.limit_max),
        },
        "bbox": {
            "minItems": 4,
            "maxItems": 6,
            "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
        },
        "intersects": schemas.ref("Geometry"),
        "ids": {"maxItems": settings.ids_max},
        "collections": {"maxItems": settings.collections_max},
        "sortby": {
            "maxItems": len(KEY_NAMES),
            "items": schemas.ref("SortEntry")
            | {"properties": {"field": {"minLength": 1}, "direction": {"enum": ["asc", "desc"]}}},
        },
        "query": schemas.of(dict[str, shapes.Comparisons]),
        "filter": {"anyOf": [schemas.ref("Filter"), {"type": "string"}]},
        "filter-lang": {"enum": list(filters.LANGUAGES)},
        "filter-crs": {"enum": list(filters.CRS)},
    }
    asked = cast("dict[str, Schema]", schemas.components([Asked])["Asked"]["properties"])
    return {name: schema | limits.get(name, {}) for name, schema in asked.items()}

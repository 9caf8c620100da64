"""Parameters: what each member of a search means and allows, as a parameter of GET and as a member of a POST body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

import msgspec
from msgspec.structs import replace

from satapi.http import collections, feed, filters, requests, schemas, shapes
from satapi.http.asked import AGGREGATE_PARAMETERS, COLLECTION_PARAMETERS, SEARCH_PARAMETERS, Asked
from satapi.http.schemas import Schema
from satapi.query.measures import GRIDS, PRECISIONS, Cells, precision_name
from satapi.query.rows import KEY_NAMES
from satapi.stac.links import JSON

if TYPE_CHECKING:
    from collections.abc import Callable

    from satapi.settings import Settings

_PRECISION_UNITS: dict[Cells, str] = {
    "geohash": "characters of a geohash.",
    "geotile": "the zoom level of tiles.",
    "geohex": "the H3 resolution.",
}

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
    "q": 'Words that the texts of an item have, such as sentinel, "surface reflectance", +landsat -tirs or '
    "(fire OR flood) AND 2024. A list, or a text with commas, has terms, any of which must be there.",
    "filter": "A CQL2 filter that must hold (OGC 21-065r2), in the encoding that filter-lang says, such as "
    "eo:cloud_cover < 10 AND S_INTERSECTS(geometry, POINT(7 51)).",
    "filter-lang": "The encoding of the filter: by default cql2-text in parameters and cql2-json in bodies.",
    "filter-crs": "The coordinate reference system of the filter's geometries: longitude and latitude in degrees.",
    "token": "The page to answer, from a next or prev link; everything else must be as in that link.",
    "f": "How to answer, before what Accept says: geojson or json is a page, and geojsonseq, ndjson, csv and parquet "
    "(stac-geoparquet) are the whole result, item after item; limit is then the number of all items at most.",
    "after": "The item, as collection/id, that a whole result goes on behind in its order: the last one that arrived.",
    "aggregations": "What to answer of all items that match: names that /aggregations lists.",
    "datetime_frequency_interval": "The interval of the calendar, in UTC, of datetime_frequency and of the frequency "
    "of any other time.",
} | {precision_name(grid): f"The precision of {grid}: " + _PRECISION_UNITS[cells] for grid, (_, cells) in GRIDS.items()}

_OF_COLLECTIONS = {
    "limit": "Collections on a page, at most. A number above the maximum is lowered to it.",
    "bbox": "Collections whose extent intersects this box: west, south, east, north in degrees (WGS 84), or with "
    "heights. West is greater than east in a box across the antimeridian.",
    "datetime": "Collections whose extent meets this time or interval, both ends included: an RFC 3339 time with a "
    "zone, or two with a slash between them, of which one may be .. or empty for an open end.",
    "fields": "Members that collections are answered with, such as summaries.gsd, beside those that they always have, "
    "and members to leave out.",
    "sortby": "Fields to sort by, the first one first: id, datetime, title and any other member. Collections without "
    "a value come last. By default they are sorted by id.",
    "query": 'Comparisons of members that must all hold, such as {"license": {"eq": "CC0-1.0"}}.',
    "q": "Words that the title, description or keywords of collections have (free-text extension), such as "
    'sentinel AND -radar or "land cover".',
    "filter": "A CQL2 filter that must hold (OGC 21-065r2), in the encoding that filter-lang says, such as "
    "title LIKE 'Sentinel%' AND T_AFTER(datetime, DATE('2015-01-01')).",
}

# What the names of parameters of collections in the components begin with: some share the name of one of items.
COLLECTIONS = "collections."

_OF_CHANGES = {
    "since": "Where to go on: the token of a change or of an answer, a time such as 2024-01-01T00:00:00Z, oldest (the "
    "default: all changes that are kept) or now (only what is yet to come).",
    "wait": "Seconds to wait for changes where there are none. A number above the maximum is lowered to it.",
    "limit": "Changes on a page, at most. A number above the maximum is lowered to it.",
    "collections": "Changes of these collections and their items.",
    "bbox": "Inserts and updates of items that lie in this box now, and all deletions: west, south, east, north in "
    "degrees (WGS 84), or with heights. West is greater than east in a box across the antimeridian.",
    "filter": "Inserts and updates of items for which this CQL2 filter (OGC 21-065r2) holds now, and all deletions.",
}

# What the names of parameters of changes in the components begin with.
CHANGES = "changes."

_PATH_DESCRIPTIONS = {
    "collection_id": "The id of a collection.",
    "item_id": "The id of an item; a slash in it is written %2F.",
    "period": "A year, a month or a day, such as 2024, 2024-05 or 2024-05-17.",
    "part": "A part of a period, from a link.",
    "group": "A group of collections, from a link.",
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


# What any catalog can answer, by the schemas of bodies.
BODY_EXAMPLES: dict[str, Schema] = {
    "Search": {"datetime": "2020-01-01T00:00:00Z/..", "sortby": [{"field": "datetime"}], "limit": 10},
    "Aggregate": {"datetime": "2020-01-01T00:00:00Z/..", "aggregations": ["total_count", "datetime_frequency"]},
}


def bodies(settings: Settings) -> dict[str, Schema]:
    """The schemas of the bodies of POST, by name."""
    members = {name: schema | {"description": _DESCRIPTIONS[name]} for name, schema in _members(settings).items()}
    strict: Schema = {"additionalProperties": False} if settings.unknown_parameters == "error" else {}

    def body(title: str, description: str, names: tuple[str, ...]) -> Schema:
        properties = {name: members[name] for name in names}
        return {"title": title, "description": description, "type": "object", "properties": properties} | strict

    return {
        "Search": body("Search", "A search.", SEARCH_PARAMETERS),
        "Aggregate": body("Aggregate", "A search, and what to answer of all its items.", AGGREGATE_PARAMETERS),
    }


def in_query(settings: Settings) -> dict[str, Parameter]:
    """The parameters of a search or an aggregation by GET."""
    members = _members(settings)
    members["fields"] = _list("^[^,]+$", "A field to include, or with a minus before it one to exclude.")
    members["sortby"] |= _list("^[-+]?[^-+ ,][^,]*$", "A field to sort by, with a minus before it downwards.")
    found = {name: Parameter(name, "query", _DESCRIPTIONS[name], schema) for name, schema in members.items()}
    found["intersects"] = replace(found["intersects"], is_json=True)
    found["filter"] = replace(found["filter"], schema={"type": "string", "minLength": 1})
    found["q"] = replace(found["q"], schema={"type": "string", "maxLength": settings.q_max_characters})
    found["query"] = replace(found["query"], is_json=True, example={})
    return found


def of_collections(settings: Settings) -> dict[str, Parameter]:
    """The parameters of a search of collections, and of their list as children."""
    size = requests.collections_page(settings)
    limit: Schema = {"minimum": 1, "maximum": size.maximum, "default": size.default}
    found = {
        name: replace(parameter, description=_OF_COLLECTIONS.get(name, parameter.description))
        for name, parameter in in_query(settings).items()
        if name in COLLECTION_PARAMETERS
    }
    found["limit"] = replace(found["limit"], schema=found["limit"].schema | limit)
    kind: Schema = {"type": "string", "enum": list(collections.CHILD_TYPES)}
    found["type"] = Parameter("type", "query", "Children of this type alone; all are collections.", kind)
    return found


def of_changes(settings: Settings) -> dict[str, Parameter]:
    """The parameters of the change feed."""
    found = {
        name: replace(parameter, description=_OF_CHANGES.get(name, parameter.description))
        for name, parameter in in_query(settings).items()
        if name in feed.PARAMETERS
    }
    size: Schema = {"minimum": 1, "maximum": feed.PAGE.maximum, "default": feed.PAGE.default}
    found["limit"] = replace(found["limit"], schema=found["limit"].schema | size)
    since: Schema = {"type": "string", "minLength": 1, "default": "oldest"}
    wait: Schema = {"type": "integer", "minimum": 0, "maximum": settings.changes_wait_max_s, "default": 0}
    for name, schema in (("since", since), ("wait", wait)):
        found[name] = Parameter(name, "query", _OF_CHANGES[name], schema)
    return found


def of_all(settings: Settings) -> dict[str, Parameter]:
    """All parameters, by their names in the components."""
    collections = {COLLECTIONS + name: parameter for name, parameter in of_collections(settings).items()}
    changes = {CHANGES + name: parameter for name, parameter in of_changes(settings).items()}
    return in_path() | in_query(settings) | in_headers() | collections | changes


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
    last = "The id of the last event that arrived: a client of events goes on behind it, whatever since says."
    return {
        "Prefer": Parameter("Prefer", "header", description, schema),
        "Last-Event-ID": Parameter("Last-Event-ID", "header", last, {"type": "string"}),
    }


def _list(pattern: str, described: str) -> Schema:
    return {"type": "array", "items": {"type": "string", "pattern": pattern, "description": described}}


def _members(settings: Settings) -> dict[str, Schema]:
    """The schemas of Asked's members with the limits that the server holds them to."""
    limits: dict[str, Schema] = {
        "limit": {
            "minimum": 1,
            "maximum": requests.items_page(settings).maximum,
            "default": requests.items_page(settings).default,
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
        "aggregations": {"maxItems": settings.aggregations_max},
        "datetime_frequency_interval": {"default": "month"},
    }
    for grid, (_, cells) in GRIDS.items():
        least, greatest = PRECISIONS[cells]
        limits[precision_name(grid)] = {"minimum": least, "maximum": greatest, "default": least}
    asked = cast("dict[str, Schema]", schemas.components([Asked])["Asked"]["properties"])
    return {name: schema | limits.get(name, {}) for name, schema in asked.items()}

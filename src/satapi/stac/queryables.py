"""Queryables and sortables: JSON Schemas of what can be asked of items, and of what they can be sorted by.

OGC API Features, part 3, clause 7 (queryables) and part 5 (sortables); STAC API filter 1.0.0 and sort 1.1.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import msgspec

from satapi.stac.properties import Kind, Properties
from satapi.stac.times import format_instant
from satapi.stac.wellknown import DESCRIPTIONS, TITLES

if TYPE_CHECKING:
    from satapi.stac.properties import Found

Schema = dict[str, object]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TIME: Schema = {"type": "string", "format": "date-time"}
# What all items can be asked, whatever they have.
_CORE: dict[str, Schema] = {
    "id": {"type": "string", "x-ogc-role": "id"},
    "collection": {"type": "string"},
    # With neither a type nor a reference, as part 3 says of spatial properties.
    "geometry": {"format": "geometry-any", "x-ogc-role": "primary-geometry"},
    "datetime": _TIME | {"x-ogc-role": "primary-instant"},
    "start_datetime": _TIME | {"x-ogc-role": "primary-interval-start"},
    "end_datetime": _TIME | {"x-ogc-role": "primary-interval-end"},
    "created": _TIME,
    "updated": _TIME,
}
# The same of collections.
_CORE_OF_COLLECTIONS: dict[str, Schema] = {
    "id": {"type": "string", "x-ogc-role": "id"},
    "title": {"type": "string"},
    "description": {"type": "string"},
    "keywords": {"type": "array"},
    "license": {"type": "string"},
    **{name: _CORE[name] for name in ("geometry", "datetime", "start_datetime", "end_datetime", "created", "updated")},
}
# Members of the item itself: a property of such a name is another thing.
_OWN = frozenset({"id", "collection", "geometry"})
NOT_ASKABLE = frozenset({"bbox", "links", "assets", "type", "stac_version", "stac_extensions", "properties"})
CORE = frozenset(_CORE)
"""Names of what all items can be asked for, whose types are theirs."""

_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_ALL_KINDS: frozenset[Kind] = frozenset({"string", "number", "boolean", "array", "object"})


def of_collections(kinds: Mapping[str, Sequence[Kind]]) -> dict[str, Schema]:
    """The schema of each member that collections can be asked for, by name, where some have the given ones."""
    schemas = dict(_CORE_OF_COLLECTIONS)
    for name in sorted(kinds.keys() - schemas.keys()):
        schemas[name] = {"type": kinds[name][0] if len(kinds[name]) == 1 else list(kinds[name])}
    return schemas


class Known(msgspec.Struct, frozen=True):
    """What is known of the properties of items: what was found, and the JSON Schemas that operators gave."""

    found: Properties
    defined: Mapping[str, Schema]

    def schemas(self) -> dict[str, Schema]:
        """The schema of each property, by name: the core first, then the others in their order."""
        found = (name for name, values in self.found.items() if values.kinds and "." not in name)
        names = sorted({*found, *self.defined} - _CORE.keys() - NOT_ASKABLE)
        return {name: self._schema(name) for name in (*_CORE, *names)}

    def _schema(self, name: str) -> Schema:
        described = {"title": TITLES[name]} if name in TITLES else {}
        if name in DESCRIPTIONS:
            described["description"] = DESCRIPTIONS[name]
        found = _of_values(self.found[name]) if name in self.found else {}
        core = _CORE.get(name, {})
        defined = self.defined.get(name, {})
        # A definition with a type stands for what was found; one without adds to it.
        values = {} if "type" in defined else core if name in _OWN else core | found
        schema = cast("Schema", described) | values | defined
        # All that is not spatial has a type (part 3, requirement /req/queryables/get-queryables-response C).
        return (
            schema if name == "geometry" or {"type", "$ref"} & schema.keys() else {"type": sorted(_ALL_KINDS)} | schema
        )


def _of_values(found: Found) -> Schema:
    """The schema of values that were found."""
    kinds = sorted(found.kinds)
    schema: Schema = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds else {}
    if found.first is not None and found.last is not None:
        # Bounds of times in the words of Ajv: minimum and maximum are for numbers alone.
        bounds = {"formatMinimum": format_instant(found.first), "formatMaximum": format_instant(found.last)}
        schema |= {"format": "date-time", **bounds}
    elif kinds == ["string"] and found.texts:
        schema["enum"] = sorted(found.texts)
    if found.least is not None:
        schema |= {"minimum": found.least, "maximum": found.greatest}
    return schema


def kinds(name: str, schema: Schema) -> frozenset[Kind]:
    """The kinds of values that a property's schema allows: all where it names none; the geometry has none of them."""
    if name == "geometry":
        return frozenset()
    match schema.get("type"):
        case str() as one:
            return frozenset({cast("Kind", one)})
        case list():
            return frozenset(cast("list[Kind]", schema["type"]))
        case _:
            return _ALL_KINDS


def is_time(schema: Schema) -> bool:
    """Whether its texts are times."""
    return schema.get("format") == "date-time"


def sortables(schemas: Mapping[str, Schema]) -> dict[str, Schema]:
    """Those that can be sorted by: numbers, texts, times and booleans."""
    return {name: schema for name, schema in schemas.items() if not kinds(name, schema).isdisjoint(_SCALARS)}


def document(properties: Mapping[str, Schema], href: str, title: str, *, strict: bool) -> Schema:
    """The JSON Schema of all of them together; `strict` says that there is nothing else."""
    return {
        "$schema": DIALECT,
        "$id": href,
        "title": title,
        "type": "object",
        "properties": properties,
        "additionalProperties": not strict,
    }

"""The inventory: what may be asked of an item, of which type it is and where it lives."""

from __future__ import annotations

from typing import Literal

import msgspec

from satapi.errors import InvalidError
from satapi.query.sql import Sql, sql

# Properties that an index of the first migration holds.
INDEXED = frozenset({"eo:cloud_cover"})

_TEXTS: dict[str, Sql] = {"id": sql("id"), "collection": sql("collection")}
_TIMES: dict[str, Sql] = {
    "datetime": sql("datetime"),
    "start_datetime": sql("start_datetime"),
    "end_datetime": sql("end_datetime"),
    "created": sql("created"),
    "updated": sql("updated"),
}
_NOT_ASKABLE = frozenset(
    {"geometry", "bbox", "links", "assets", "type", "stac_version", "stac_extensions", "properties"}
)


class Column(msgspec.Struct, frozen=True):
    """Where a property lives: a text column, a time column, or a JSON value in the properties (null where missing)."""

    name: str
    kind: Literal["text", "time", "json"]
    expression: Sql
    nullable: bool
    indexed: bool


def short(name: str) -> str:
    """A property's name without the properties. that clients may write before it."""
    return name.removeprefix("properties.")


def is_geometry(name: str) -> bool:
    """Whether it names the item's geometry."""
    return short(name) == "geometry"


def column(name: str, parameter: str) -> Column:
    """The column of a property: nested members are reached by dots. Raises InvalidError."""
    name = short(name)
    if name in _TEXTS:
        return Column(name, "text", _TEXTS[name], nullable=False, indexed=True)
    if name in _TIMES:
        return Column(name, "time", _TIMES[name], nullable=name != "datetime", indexed=name == "datetime")
    if not name or name in _NOT_ASKABLE:
        raise InvalidError(parameter, name, "allowed are id, collection and the members of properties")
    return Column(name, "json", _member(name), nullable=True, indexed=name in INDEXED)


def stored(name: str, parameter: str) -> Sql:
    """The JSON value of a property, of a time too. Raises InvalidError."""
    found = column(name, parameter)
    match found.kind:
        case "text":
            return sql("to_jsonb({})", found.expression)
        case "time":
            return _member(found.name)
        case "json":
            return found.expression


def _member(name: str) -> Sql:
    # A JSON null says as little as a missing member; both are null in SQL.
    if "." in name:
        return sql("nullif(properties #> {}::text[], 'null'::jsonb)", name.split("."))
    return sql("nullif(properties -> {}::text, 'null'::jsonb)", name)

"""The inventory: what may be asked of a document, of which type it is and where it lives."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal

import msgspec

from satapi.errors import InvalidError
from satapi.query.sql import Sql, sql
from satapi.stac.queryables import NOT_ASKABLE
from satapi.stac.search import SortKey


class Column(msgspec.Struct, frozen=True):
    """Where a property lives: a text column, a time column, or a JSON value in the properties (null where missing)."""

    name: str
    kind: Literal["text", "time", "json"]
    expression: Sql
    nullable: bool
    indexed: bool


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of one kind of document.

    `texts` and `times` are columns by name, those in `required` never null. Any other name is a member of the JSON
    object `members`, unless it is `refused`, or others are `known` and it is none of them nor in one. `indexed` names
    those with an index, and `estimated` those of whose values PostgreSQL has statistics too. `geometry` is what spatial
    operators call by that name. `key` tells documents apart, and `order` is theirs when no other is asked for. `apart`
    has members of that object which are columns of their own, and `filled` names columns that have something else where
    the member is null.
    """

    texts: Mapping[str, Sql]
    times: Mapping[str, Sql]
    required: frozenset[str]
    members: Sql
    geometry: Sql
    refused: frozenset[str]
    indexed: frozenset[str]
    key: tuple[str, ...]
    order: tuple[SortKey, ...]
    apart: Mapping[str, Sql] = {}
    filled: frozenset[str] = frozenset()
    estimated: frozenset[str] = frozenset()
    known: frozenset[str] | None = None

    def column(self, name: str, parameter: str) -> Column:
        """The column of a property: nested members are reached by dots. Raises InvalidError."""
        name = short(name)
        if name in self.texts:
            return Column(name, "text", self.texts[name], name not in self.required, name in self.indexed)
        if name in self.times:
            return Column(name, "time", self.times[name], name not in self.required, name in self.indexed)
        if not name or name in self.refused:
            columns = ", ".join((*self.texts, *self.times))
            raise InvalidError(parameter, name, f"allowed are {columns} and the other members of properties")
        if self.known is not None and self.known.isdisjoint({name, name.partition(".")[0]}):
            near = get_close_matches(name, (*self.texts, *self.times, *self.known), n=5)
            hint = f"; near it are {', '.join(near)}" if near else ""
            raise InvalidError(parameter, name, f"no item has this property, and nobody defined it{hint}")
        return Column(name, "json", self._member(name), nullable=True, indexed=name in self.indexed)

    def stored(self, name: str, parameter: str) -> Sql:
        """The JSON value of a property, of a time too. Raises InvalidError."""
        found = self.column(name, parameter)
        match found.kind:
            case "text":
                return sql("to_jsonb({})", found.expression)
            case "time":
                return self._member(found.name)
            case "json":
                return found.expression

    def _member(self, name: str) -> Sql:
        # A JSON null says as little as a missing member; both are null in SQL.
        if name in self.apart:
            return sql("nullif({}, 'null'::jsonb)", self.apart[name])
        if "." in name:
            return sql("nullif({} #> {}::text[], 'null'::jsonb)", self.members, name.split("."))
        return sql("nullif({} -> {}::text, 'null'::jsonb)", self.members, name)


def short(name: str) -> str:
    """A property's name without the properties. that clients may write before it."""
    return name.removeprefix("properties.")


def is_geometry(name: str) -> bool:
    """Whether it names the geometry of a document."""
    return short(name) == "geometry"


ITEMS = Inventory(
    texts={"id": sql("id"), "collection": sql("collection")},
    times={
        "datetime": sql("datetime"),
        "start_datetime": sql("start_datetime"),
        "end_datetime": sql("end_datetime"),
        "created": sql("created"),
        "updated": sql("updated"),
    },
    required=frozenset({"id", "collection", "datetime"}),
    members=sql("properties"),
    # By the start, in items that have a start and an end alone.
    filled=frozenset({"datetime"}),
    geometry=sql("geometry"),
    refused=NOT_ASKABLE | {"geometry"},
    # Those of the first migration.
    indexed=frozenset({"id", "collection", "datetime", "eo:cloud_cover"}),
    key=("collection", "id"),
    order=(SortKey("datetime", descending=True),),
)

COLLECTIONS = Inventory(
    texts={"id": sql("id")},
    times={
        # Where one moment is asked for; temporal operators take the interval.
        "datetime": sql("start_datetime"),
        "start_datetime": sql("start_datetime"),
        "end_datetime": sql("end_datetime"),
        "created": sql("cql2_instant(document -> 'created')"),
        "updated": sql("cql2_instant(document -> 'updated')"),
    },
    required=frozenset({"id"}),
    members=sql("document"),
    apart={"description": sql("description")},
    geometry=sql("geometry"),
    refused=frozenset({"geometry", "bbox", "links", "assets", "item_assets", "properties"}),
    indexed=frozenset({"id", "datetime", "start_datetime"}),
    key=("id",),
    order=(SortKey("id"),),
)

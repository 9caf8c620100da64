"""The search: everything that a client may ask for, typed and checked, whichever way it was sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from satapi.cql2.ast import Node
from satapi.stac.freetext import FreeText
from satapi.stac.geometry import Area
from satapi.stac.times import Interval

Scalar = str | bool | int | Decimal | None

Operator = Literal["eq", "neq", "lt", "lte", "gt", "gte", "startsWith", "endsWith", "contains", "in"]


class PropertyTest(msgspec.Struct, frozen=True):
    """One comparison of the query extension: `value` is a tuple for `in` alone."""

    property: str
    operator: Operator
    value: Scalar | tuple[Scalar, ...]


class SortKey(msgspec.Struct, frozen=True):
    """One field of the sort extension, by its short name (without properties.)."""

    field: str
    descending: bool = False


class Fields(msgspec.Struct, frozen=True):
    """The fields extension: paths as tuples of member names."""

    include: frozenset[tuple[str, ...]] = frozenset()
    exclude: frozenset[tuple[str, ...]] = frozenset()


class Position(msgspec.Struct, frozen=True):
    """Where a page starts: after the item with these sort values (JSON texts, None where missing) and key.

    `backward` asks for the page that ends before it; `before` is how many items the pages so far had before the place.
    """

    values: tuple[str | None, ...]
    collection: str
    id: str
    backward: bool = False
    before: int = 0


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """A search of items. None means that nothing is asked of that member.

    `filter` is a CQL2 tree; one that says that the geometry meets an area has also narrowed `area`.
    """

    limit: int
    collections: tuple[str, ...] | None = None
    ids: tuple[str, ...] | None = None
    area: Area | None = None
    window: Interval | None = None
    tests: tuple[PropertyTest, ...] = ()
    filter: Node | None = None
    text: FreeText | None = None
    sortby: tuple[SortKey, ...] = ()
    fields: Fields | None = None
    position: Position | None = None

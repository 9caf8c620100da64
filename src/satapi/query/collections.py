"""Collections: the statement of a search of them, and of the list of all, which is a search that asks for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from satapi.cql2 import query
from satapi.cql2.ast import Arithmetic, Geometry, GeometryCollection, Interval, Property, Temporal, steps
from satapi.query import filters, freetext, keyset
from satapi.query.conditions import Within
from satapi.query.inventory import COLLECTIONS, short
from satapi.query.keyset import Key, Order, sorted_by
from satapi.query.rows import KEY_NAMES
from satapi.query.sql import Param, Sql, join, sql

if TYPE_CHECKING:
    from satapi.cql2.ast import Node, Term
    from satapi.query.inventory import Inventory
    from satapi.stac.geometry import Part
    from satapi.stac.search import Search

T = TypeVar("T")


_ROW = sql("'' as collection, id, null as dictionary, content")


class Statement(msgspec.Struct, frozen=True):
    """SQL whose rows are those of items, with the number of all matches at their end.

    A collection is in no collection and has no dictionary. There is one row more than the page has where there is
    another page; where the page is empty there is one row without an id.
    """

    sql: Sql
    order: Order

    def unless(self, written: int) -> Sql:
        """The same with how often collections were written, after the number; no row where that is `written`.

        The page is one row's lateral, whose order stays; it is not read where nothing has been written.
        """
        return sql(
            "select found.*, noted.written from "
            "(select coalesce(sum(statements), 0)::bigint as written from collection_writes) as noted "
            "cross join lateral (select * from ({}) as page where noted.written <> {}::bigint) as found",
            self.sql,
            written,
        )


def page(search: Search, inventory: Inventory = COLLECTIONS) -> Statement:
    """The statement for one page of a search, which also counts its matches. Raises InvalidError."""
    position = search.position
    order = keyset.order(search.sortby, inventory, backward=position is not None and position.backward)
    asked = _conditions(search, inventory)
    after = sql("true") if position is None else keyset.after(order, position)
    names = dict(zip((key.column.name for key in order.values), KEY_NAMES, strict=False))
    values = [sql("{} as {}", key.column.expression, names[key.column.name]) for key in order.values]
    by = [
        sorted_by(key, names.get(key.column.name, key.column.expression), backward=order.backward) for key in order.keys
    ]
    limit = Param(search.limit + 1)
    if asked:
        # All matches are counted, so all are found, once.
        found = sql(
            "found as materialized (select {}, ({}) as follows from collections where {}), "
            "page as (select * from (select * from found where follows order by {} limit {}) as chosen "
            "join collections using (id))",
            *(join(", ", [sql("id"), *values]), after, join(" and ", asked), join(", ", by), limit),
        )
        counted = sql("found")
    else:
        found = sql(
            "page as materialized (select {} from collections where {} order by {} limit {})",
            *(join(", ", [sql("id, content"), *values]), after),
            join(", ", (sorted_by(key, key.column.expression, backward=order.backward) for key in order.keys)),
            limit,
        )
        counted = sql("collections")
    return Statement(
        sql(
            "with {} select {}, (select count(*) from {}) as matched "
            "from (select 1) as one left join page on true order by {}",
            found,
            join(", ", [_ROW, *map(_shown, order.values, names.values())]),
            counted,
            join(", ", by),
        ),
        order,
    )


def _shown(key: Key, name: Sql) -> Sql:
    # Renamed, since ORDER BY would take the text for the value if it had the same name.
    return sql("{}::text as value", name) if key.column.kind == "json" else name


def _conditions(search: Search, inventory: Inventory) -> list[Sql]:
    nodes = [_interval(query.node(test)) for test in search.tests]
    found = filters.conditions(nodes, inventory, "query", ordered=True)
    if search.filter is not None:
        found += filters.conditions([_interval(search.filter)], inventory, "filter", ordered=True)
    if search.text is not None:
        found.append(freetext.matches(search.text))
    if search.area is not None and search.area.world:
        found.append(sql("geometry is not null"))
    elif search.area is not None:
        found.append(sql("({})", join(" or ", map(_meets, search.area.parts))))
    if search.window is not None and search.window.start is not None:
        found.append(sql("end_datetime >= {}::timestamptz", search.window.start))
    if search.window is not None and search.window.end is not None:
        found.append(sql("start_datetime <= {}::timestamptz", search.window.end))
    return found


# Degrees by which a box that PostGIS keeps for comparing may be larger than the geometry (single precision), and more.
_MARGIN = 0.001


def _meets(part: Part) -> Sql:
    """In a box (bbox is all that a search of collections takes): most are well within it, which costs less to see."""
    west, south, east, north = part.box
    within = Within(part)
    if min(east - west, north - south) < 3 * _MARGIN:
        return within.indexed
    inner = (west + _MARGIN, south + _MARGIN, east - _MARGIN, north - _MARGIN)
    return sql(
        "(geometry && {} and case when geometry @ st_makeenvelope({}, {}, {}, {}, 4326) then true else {} end)",
        within.area,
        *inner,
        within.unindexed,
    )


def _interval(node: Node) -> Node:
    """The tree with both ends of a collection's time where temporal operators ask for its datetime."""
    return cast("Node", _replaced(node))


def _replaced(value: object) -> object:
    match value:
        case Temporal(operator, left, right):
            return Temporal(operator, _ends(left), _ends(right))
        case Geometry() | GeometryCollection():
            return value
        case Arithmetic():
            # From the left, which may be long; no recursion holds it.
            first, others = steps(value)
            found = cast("Term", _replaced(first))
            for operator, other in others:
                found = Arithmetic(operator, found, cast("Term", _replaced(other)))
            return found
        case tuple():
            return tuple(_replaced(each) for each in cast("tuple[object, ...]", value))
        case msgspec.Struct():
            return type(value)(*(_replaced(getattr(value, field)) for field in value.__struct_fields__))
        case _:
            return value


def _ends(value: T) -> T | Interval:
    if isinstance(value, Property) and short(value.name) == "datetime":
        return Interval(Property("start_datetime"), Property("end_datetime"))
    return value

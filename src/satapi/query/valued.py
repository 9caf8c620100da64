"""Searches by ids, or in another order than by time: PostgreSQL chooses the index, or sorts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.query import keyset
from satapi.query.sql import Sql, sql

if TYPE_CHECKING:
    from satapi.query.conditions import Conditions
    from satapi.query.keyset import Order
    from satapi.query.rows import Rows
    from satapi.stac.search import Position


def by_values(conditions: Conditions, order: Order, position: Position | None, rows: Rows) -> Sql:
    """The rows in the order.

    A single property is read in two parts, the items that have it and those that do not: an index has the latter at
    one end only, and they come last in both directions.
    """
    key, *rest = order.keys
    if not key.column.nullable or any(other.column.nullable for other in rest):
        # Read in one part, missing values come after every bound.
        bounded = not key.column.nullable or order.backward
        where = [*conditions.everything, *_after(order, position, bounded=bounded)]
        return rows.final(rows.branch(where))
    parts = [
        rows.branch([*conditions.everything, *where], keys, nulls=False) for where, keys in _parts(order, position)
    ]
    if len(parts) == 1:
        return rows.final(parts[0])
    # The second part is read only where the first leaves room on the page.
    one, other = parts
    both = sql(
        "with one as materialized ({}), "
        "other as materialized (select * from ({}) as part where (select count(*) from one) < {}) "
        "select 1 as part, one.* from one union all select 2, other.* from other",
        one,
        other,
        rows.limit,
    )
    return rows.final(both, sql("part"))


def _parts(order: Order, position: Position | None) -> list[tuple[list[Sql], list[keyset.Key]]]:
    """Conditions and keys of the parts of a page, in reading order."""
    key, *rest = order.keys
    present = [sql("{} is not null", key.column.expression)]
    missing = [sql("{} is null", key.column.expression)]
    every = list(order.keys)
    if position is None:
        return [(present, every), (missing, rest)]
    after = _after(order, position)
    at_missing = position.values[0] is None
    match at_missing, order.backward:
        case False, False:
            return [([*present, *after], every), (missing, rest)]
        case True, False:
            return [([*missing, *after], rest)]
        case False, True:
            return [([*present, *after], every)]
        case _:
            return [([*missing, *after], rest), (present, every)]


def _after(order: Order, position: Position | None, *, bounded: bool = True) -> list[Sql]:
    if position is None:
        return []
    bound = keyset.bound(order, position) if bounded else None
    return [keyset.after(order, position), *([] if bound is None else [bound])]

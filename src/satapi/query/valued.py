"""Searches by ids, or in another order than by time: PostgreSQL chooses the index, or sorts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.query import keyset
from satapi.query.sql import Sql, join, sql

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    rare = conditions.rare
    everything = [*conditions.everything, *([] if rare is None else [sql("not {}", rare)])]
    if not key.column.nullable or any(other.column.nullable for other in rest):
        # Read in one part, missing values come after every bound.
        bounded = not key.column.nullable or order.backward
        parts = [rows.branch([*everything, *_after(order, position, bounded=bounded)])]
    else:
        steps = _steps(order, position) if order.is_straight else _parts(order, position)
        parts = [rows.branch([*everything, *where], keys, nulls=False) for where, keys in steps]
    by_index = [] if rare is None else [sql("({})", by_words(conditions, rare, order, position, rows))]
    if len(parts) > 1:
        return rows.final(_in_turn(parts, by_index, rows), sql("part"))
    return rows.final(join(" union all ", [sql("({})", parts[0]), *by_index]) if by_index else parts[0])


def _in_turn(parts: Sequence[Sql], by_index: Sequence[Sql], rows: Rows) -> Sql:
    """The rows of parts, each of which is read where those before it leave room on the page; or those by an index."""
    tables = [sql("part_0 as materialized ({})", parts[0])]
    for number, part in enumerate(parts[1:], 1):
        before = join(" + ", (sql("(select count(*) from {})", name) for name in _PARTS[:number]))
        tables.append(
            sql(
                "{} as materialized (select * from ({}) as part where {} < {})",
                _PARTS[number],
                part,
                before,
                rows.limit,
            )
        )
    found = join(
        " union all ",
        [
            *(
                sql("select {} as part, {}.* from {}", number, name, name)
                for number, name in zip(_NUMBERS, _PARTS[: len(parts)], strict=False)
            ),
            *(sql("select 0, rare.* from {} as rare", found) for found in by_index),
        ],
    )
    return sql("with {} {}", join(", ", tables), found)


_PARTS = (sql("part_0"), sql("part_1"), sql("part_2"), sql("part_3"))
_NUMBERS = (sql("0"), sql("1"), sql("2"), sql("3"))


def _steps(order: Order, position: Position | None) -> list[tuple[list[Sql], list[keyset.Key]]]:
    """The parts of a page in the order of an index, each a range of it.

    One condition for all that comes after a position would be an index condition too, but PostgreSQL estimates it by
    its first value alone: among a million equal ones it takes the rest of them for none.
    """
    every = list(order.keys)
    (value, collection, identifier) = order.keys
    expression = value.column.expression
    missing = [sql("{} is null", expression)]
    if position is None:
        return [([sql("{} is not null", expression)], every), (missing, every)]
    beyond = sql("<") if value.descending != order.backward else sql(">")
    at, here, at_id = keyset.values(order, position)
    same = missing if at is None else [sql("{} = {}", expression, at)]
    steps = [
        [
            *same,
            sql("{} = {}", collection.column.expression, here),
            sql("{} {} {}", identifier.column.expression, beyond, at_id),
        ],
        [*same, sql("{} {} {}", collection.column.expression, beyond, here)],
    ]
    if at is not None:
        steps.append([sql("{} {} {}", expression, beyond, at)])
    if (at is None) == order.backward:
        steps.append([sql("{} is not null", expression)] if at is None else missing)
    return [(step, every) for step in steps]


def by_words(conditions: Conditions, rare: Sql, order: Order, position: Position | None, rows: Rows) -> Sql:
    """The rows in the order where the words are rare: all items with them are read, and sorted.

    PostgreSQL takes no condition, order or limit past an offset: it would read other indexes too, since it takes rare
    words for far less rare than they may be.
    """
    found = sql("(select * from items where {} offset 0) as items", join(" and ", [*conditions.text, rare]))
    return rows.branch([*conditions.others, *_after(order, position, bounded=False)], source=found)


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

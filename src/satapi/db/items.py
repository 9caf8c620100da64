"""Items: pages of a search, single items, and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import asyncpg
import msgspec

from satapi.db import spans
from satapi.db.contents import Content
from satapi.query import keyset, select
from satapi.query.conditions import Spans
from satapi.query.sql import sql
from satapi.stac.search import Position, Search

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from satapi.db.pool import Database
    from satapi.query.keyset import Order


class Row(msgspec.Struct, frozen=True):
    """An item, without the links that the server makes."""

    collection: str
    id: str
    content: bytes


class Size(msgspec.Struct, frozen=True):
    """An item's key, and the bytes that its content takes in the database, which are fewer than it has."""

    collection: str
    id: str
    stored_bytes: int


class Page(msgspec.Struct, frozen=True):
    """A page of rows in order, and where the pages after and before it start; None where there are none.

    `first` is how many items the pages before it had.
    """

    rows: list[asyncpg.Record]
    first: int
    following: Position | None
    preceding: Position | None


def paginate(rows: list[asyncpg.Record], search: Search, order: Order) -> Page:
    """The page that the rows of a statement make: there is one row more where there is another page.

    Rows begin with (collection, id, dictionary, content or size) and the values of the order's keys.
    """
    more = len(rows) > search.limit
    shown = rows[: search.limit]
    if order.backward:
        shown.reverse()
    if not shown:
        return Page([], 0, None, None)
    after_last = more if not order.backward else True
    before_first = search.position is not None and (more or not order.backward)
    first = _first(search.position, len(shown)) if before_first else 0
    return Page(
        shown,
        first,
        _place(shown[-1], order, first + len(shown), backward=False) if after_last else None,
        _place(shown[0], order, first, backward=True) if before_first else None,
    )


def _first(position: Position | None, shown: int) -> int:
    if position is None:
        return 0
    return max(0, position.before - shown) if position.backward else position.before


def _place(row: asyncpg.Record, order: Order, before: int, *, backward: bool) -> Position:
    collection, identifier, _, _, *values = row[: 4 + len(order.values)]
    return keyset.position(values, collection, identifier, before, backward=backward)


async def rows(database: Database, records: Sequence[asyncpg.Record]) -> Iterator[Row]:
    """The items of records that begin with (collection, id, dictionary, content), each made when it is asked for."""
    contents = await database.dictionaries.plain([Content(record[2], record[3]) for record in records], database.fetch)
    return (Row(record[0], record[1], content) for record, content in zip(records, contents, strict=True))


async def place(database: Database, search: Search, key: tuple[str, str]) -> Position | None:
    """Where in the order of a search an item is; None where there is no such item."""
    collection, identifier = key
    one = Search(limit=1, collections=(collection,), ids=(identifier,), sortby=search.sortby)
    statement = select.page(one, database.memory.inventory(one.collections), Spans(), "size")
    records = await database.fetch(statement.sql)
    return _place(records[0], statement.plan.order, 0, backward=False) if records else None


def sizes(records: Sequence[asyncpg.Record]) -> list[Size]:
    """The sizes of items in records that begin with (collection, id, dictionary, size)."""
    return [Size(record[0], record[1], record[3]) for record in records]


async def item(database: Database, collection_id: str, item_id: str) -> Row | None:
    """One item."""
    records = await database.fetch(
        sql(
            "select collection, id, dictionary, content from items where collection = {} and id = {}",
            collection_id,
            item_id,
        )
    )
    return next(await rows(database, records), None)


async def items_named(database: Database, item_id: str, at_most: int) -> list[Row]:
    """The items of any collection that have an id, by collection."""
    records = await database.fetch(
        sql(
            "select collection, id, dictionary, content from items where id = {} order by collection limit {}",
            item_id,
            at_most,
        )
    )
    return list(await rows(database, records))


async def items_at(database: Database, keys: Sequence[tuple[str, str]]) -> Iterator[Row]:
    """The items with these keys, in their order; those that are gone are left out."""
    records = await database.fetch(
        sql(
            "select items.collection, items.id, items.dictionary, items.content "
            "from unnest({}::text[], {}::text[]) with ordinality as wanted (collection, id, place) "
            "join items using (collection, id) order by place",
            [collection for collection, _ in keys],
            [identifier for _, identifier in keys],
        )
    )
    return await rows(database, records)


async def count(
    database: Database, search: Search, *, at_most: int | None = None, timeout_s: float | None = None
) -> int | None:
    """How many items match; None where they are more than `at_most`. Raises TimedOutError."""
    given = spans.known(database, search)
    records = await database.fetch(
        select.count(search, database.memory.inventory(search.collections), given, at_most), timeout_s=timeout_s
    )
    if not records and await spans.have_grown(database, search, given):
        return await count(database, search, at_most=at_most, timeout_s=timeout_s)
    matched = cast("int", records[0][0])
    return matched if at_most is None or matched <= at_most else None


async def estimate(database: Database, search: Search) -> int:
    """How many items match, as the planner estimates it."""
    inventory = database.memory.inventory(search.collections)
    records = await database.fetch(select.estimate(search, inventory, spans.known(database, search)))
    plan = msgspec.json.decode(records[0][0], type=tuple[_Explained])
    return round(plan[0].Plan.rows)


class _Node(msgspec.Struct, rename={"rows": "Plan Rows"}):
    rows: float


class _Explained(msgspec.Struct):
    Plan: _Node

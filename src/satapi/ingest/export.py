"""Exporting: the catalog's documents as they were given, of one moment, in memory that does not grow with it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from satapi.db.contents import Content, Dictionaries, in_a_line
from satapi.db.failures import translated
from satapi.db.pool import fetch
from satapi.errors import NotFoundError
from satapi.query import select
from satapi.query.conditions import Spans
from satapi.query.inventory import ITEMS
from satapi.query.sql import Sql, sql
from satapi.stac.search import SortKey

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence

    import asyncpg

    from satapi.stac.search import Search

# Rows that are in memory at once.
_ROWS = 200


class Key(msgspec.Struct, frozen=True):
    """What tells an item from all others."""

    collection: str
    id: str


FIRST = Key("", "")
"""Before every item."""


@asynccontextmanager
async def snapshot(connection: asyncpg.Connection) -> AsyncGenerator[None]:
    """Everything read within is of one moment, and nothing is changed. Raises UnavailableError."""
    with translated():
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # Taken before the snapshot: the items of a collection that moves to another partition behind it would be
            # in neither.
            await connection.execute("lock table items in access share mode")
            yield


async def check(connection: asyncpg.Connection, names: Sequence[str]) -> None:
    """Raises NotFoundError for a collection that does not exist."""
    found = await fetch(connection, sql("select id from collections where id = any({}::text[])", names))
    if missing := set(names) - {record[0] for record in found}:
        raise NotFoundError(f"There is no collection {min(missing)!r}")


async def collections(connection: asyncpg.Connection, names: Sequence[str] | None) -> AsyncIterator[tuple[str, bytes]]:
    """The ids and documents of all collections, or of those with these ids, by id; within a snapshot."""
    chosen = sql("true") if names is None else sql("id = any({}::text[])", names)
    async for records in _read(
        connection, sql("select id, coalesce(given, content) as content from collections where {} order by id", chosen)
    ):
        for identifier, content in records:
            yield identifier, in_a_line(content)


async def items(connection: asyncpg.Connection, search: Search, after: Key) -> AsyncIterator[Iterator[bytes]]:
    """The items of a search, all of them, by collection and id, those behind `after`; within a snapshot.

    They come some at a time, each made when it is asked for.
    """
    dictionaries, read = Dictionaries(), partial(fetch, connection)
    names = None if search.collections is None else list(search.collections)
    for name, *spans in await fetch(connection, _collections(names, after)):
        # One by one: each is read as is best for it, and sorted alone where that needs sorting.
        one = msgspec.structs.replace(search, collections=(name,), sortby=(SortKey("id"),))
        beyond = after.id if name == after.collection else ""
        async for records in _read(connection, select.by_key(one, ITEMS, Spans(*spans), beyond)):
            contents = [Content(record[2], record[3]) for record in records]
            yield map(in_a_line, await dictionaries.plain(contents, read))


def _collections(names: Sequence[str] | None, after: Key) -> Sql:
    chosen = sql("true") if names is None else sql("id = any({}::text[])", names)
    return sql(
        "select id, span_before, span_after from collections where {} and id >= {}::text order by id",
        chosen,
        after.collection,
    )


async def _read(connection: asyncpg.Connection, statement: Sql) -> AsyncIterator[list[asyncpg.Record]]:
    text, values = statement.render()
    cursor = await connection.cursor(text, *values)
    while records := await cursor.fetch(_ROWS):
        yield records

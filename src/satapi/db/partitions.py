"""Partitions: moving a collection to a partition of its own, or back, while others search and load.

A move copies the collection's items into a table beside the catalog, and at the end, in one transaction, takes over
what has changed since, deletes the old rows and attaches the table. Until then searches find the old rows. Loads of the
collection wait for the end of a move only; all others go on.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import asyncpg
from msgspec import Struct

from satapi.db import indexes
from satapi.db.move import Move, columns, patiently, run
from satapi.errors import ConflictError, NotFoundError, PartitionError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator


class Partition(Struct, frozen=True):
    """One partition: whose items it has (None: the one that small collections share), and how many about."""

    name: str
    collection: str | None
    items: int
    bytes: int


async def partitions(connection: asyncpg.Connection) -> list[Partition]:
    """All partitions, the shared one first; items are as the last analyze counted them."""
    with _explained("The partitions cannot be listed"):
        return [Partition(*row) for row in await connection.fetch(_PARTITIONS)]


_PARTITIONS = r"""
    select
        c.relname,
        replace(
            (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$^FOR VALUES IN \('(.*)'\)$$))[1], $$''$$, $$'$$
        ) as collection,
        greatest(c.reltuples, 0)::bigint,
        pg_total_relation_size(c.oid)
    from pg_inherits as i
    inner join pg_class as c on i.inhrelid = c.oid
    where i.inhparent = 'items'::regclass
    order by c.relname <> 'items_default', c.relname
"""


async def large(connection: asyncpg.Connection, items: int) -> list[str]:
    """The collections in the shared partition with more items than that, as the last analyze counted them."""
    with _explained("Large collections cannot be looked for"):
        return [row[0] for row in await connection.fetch(_LARGE, items)]


_LARGE = """
    select common.collection
    from pg_class as shared
    inner join pg_stats as s on shared.relname = s.tablename
        and s.schemaname = shared.relnamespace::regnamespace::text and s.attname = 'collection'
    cross join unnest(s.most_common_vals::text::text[], s.most_common_freqs) as common (collection, share)
    where shared.oid = 'items_default'::regclass and common.share * shared.reltuples > $1
    order by common.collection
"""


async def separate(
    connection: asyncpg.Connection,
    beside: asyncpg.Connection,
    collection: str,
    on_progress: Callable[[int, int], None] | None = None,
) -> int:
    """Move a collection to a partition of its own; returns how many items it has.

    `on_progress` gets the items that are copied and their number. `beside` holds the collection at the end. A move that
    was interrupted is begun anew. Raises NotFoundError for an unknown collection, and ConflictError when it has a
    partition already, another move goes on, or searches never let go of the table, and PartitionError when PostgreSQL
    stops it.
    """
    async with _moving(connection, collection):
        if await _own(connection, collection) is not None:
            raise ConflictError(f"The collection {collection!r} has a partition of its own already")
        move = Move(connection, collection)
        await move.clean()
        async with move.whole_or_not():
            await move.begin()
            await indexes.of_new_partition(connection, move.name, collection)
            total = await move.count()
            async with connection.transaction(isolation="repeatable_read"):
                async for copied in move.copy():
                    if on_progress is not None:
                        on_progress(copied, total)
        async with move.whole_or_not(), _held(beside, collection):
            await move.keep_out()
            moved = await move.finish()
        await indexes.moved_out(connection, collection)
        await connection.execute("vacuum (analyze) items_default")
        await connection.execute("analyze items")
        return moved


async def merge(connection: asyncpg.Connection, collection: str) -> int:
    """Move a collection back to the shared partition; returns how many items it has.

    PostgreSQL knows no way that lets others read meanwhile: searches wait, of 28,000 items of 14 KB 0.4 seconds on a
    quiet machine and 1.2 on a busy one, of 82,000 items 4 and 12. Raises the errors of `separate`.
    """
    async with _moving(connection, collection):
        name = await _own(connection, collection)
        if name is None:
            raise ConflictError(f"The collection {collection!r} is in the shared partition already")
        async with connection.transaction():
            await connection.execute("select from collections where id = $1 for update", collection)
            await patiently(connection, "alter table items detach partition %1$I", name)
            named = await columns(connection)
            moved = await run(connection, "insert into items_default (%2$s) select %2$s from %1$I", name, named)
            await run(connection, "drop table %1$I", name)
        await indexes.moved_back(connection, collection)
        await connection.execute("analyze items")
        return int(moved.rpartition(" ")[2])


async def drop_empty(connection: asyncpg.Connection, collection: str) -> None:
    """Drop the partition of a collection that has no items, where it has one of its own.

    The caller holds the collection. Raises ConflictError when others never let go of the table.
    """
    name = await _own(connection, collection)
    if name is not None:
        await patiently(connection, "drop table %1$I", name, attempts=_DROP_ATTEMPTS)


# All writers of the collection wait meanwhile, and whoever asked for it may ask again.
_DROP_ATTEMPTS = 5


async def _own(connection: asyncpg.Connection, collection: str) -> str | None:
    found = [each.name for each in await partitions(connection) if each.collection == collection]
    return found[0] if found else None


@contextmanager
def _explained(what: str) -> Generator[None]:
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise PartitionError(f"{what}: {error or type(error).__name__}") from error


@asynccontextmanager
async def _moving(connection: asyncpg.Connection, collection: str) -> AsyncGenerator[None]:
    """One move at a time, of a collection that exists."""
    with _explained(f"The move of the collection {collection!r} stopped"):
        async with _alone(connection, collection):
            yield


@asynccontextmanager
async def _alone(connection: asyncpg.Connection, collection: str) -> AsyncGenerator[None]:
    if not await connection.fetchval("select exists (select from collections where id = $1)", collection):
        raise NotFoundError(f"There is no collection {collection!r}")
    if not await connection.fetchval("select pg_try_advisory_lock('items'::regclass::oid::bigint)"):
        raise ConflictError("Another collection is being moved; wait for its end")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock('items'::regclass::oid::bigint)")


@asynccontextmanager
async def _held(connection: asyncpg.Connection, collection: str) -> AsyncGenerator[None]:
    """Nobody else writes items of the collection meanwhile: every writer holds its row."""
    async with connection.transaction():
        if await connection.fetchrow("select from collections where id = $1 for update", collection) is None:
            raise NotFoundError(f"There is no collection {collection!r} any longer")
        yield

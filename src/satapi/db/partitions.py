"""Partitions: moving a collection to a partition of its own, or back, while others search and load.

A move copies the collection's items into a table beside the catalog, and at the end, in one transaction, takes over
what has changed since, deletes the old rows and attaches the table. Until then searches find the old rows. Loads of the
collection wait for the end of a move only; all others go on.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING

import asyncpg
from msgspec import Struct

from satapi.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

# Rows that are copied between two signs of progress.
_CHUNK_ROWS = 5_000

# How often a table is asked for, for half a second each time, so that searches never queue behind a move for longer.
_LOCK_ATTEMPTS = 120
_LOCK_TIMEOUT = "500ms"


class Partition(Struct, frozen=True):
    """One partition: whose items it has (None: the one that small collections share), and how many about."""

    name: str
    collection: str | None
    items: int
    bytes: int


async def partitions(connection: asyncpg.Connection) -> list[Partition]:
    """All partitions, the shared one first; items are as the last analyze counted them."""
    return [Partition(*row) for row in await connection.fetch(_PARTITIONS)]


_PARTITIONS = r"""
    select
        c.relname,
        (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$^FOR VALUES IN \('(.*)'\)$$))[1] as collection,
        greatest(c.reltuples, 0)::bigint,
        pg_total_relation_size(c.oid)
    from pg_inherits as i
    inner join pg_class as c on i.inhrelid = c.oid
    where i.inhparent = 'items'::regclass
    order by c.relname <> 'items_default', c.relname
"""


async def large(connection: asyncpg.Connection, items: int) -> list[str]:
    """The collections in the shared partition with more items than that, as the last analyze counted them."""
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
    partition already, another move goes on, or searches never let go of the table.
    """
    async with _moving(connection, collection):
        if await _own(connection, collection) is not None:
            raise ConflictError(f"The collection {collection!r} has a partition of its own already")
        move = _Move(connection, collection)
        await move.clean()
        await move.begin()
        total = await connection.fetchval(_COUNT, collection)
        async with connection.transaction(isolation="repeatable_read"):
            async for copied in move.copy():
                if on_progress is not None:
                    on_progress(copied, total)
        async with _held(beside, collection):
            try:
                await move.keep_out()
                moved = await move.finish()
            except BaseException:
                if not connection.is_closed():
                    await move.clean()
                raise
        await connection.execute("vacuum (analyze) items_default")
        await connection.execute("analyze items")
        return moved


async def merge(connection: asyncpg.Connection, collection: str) -> int:
    """Move a collection back to the shared partition; returns how many items it has.

    PostgreSQL knows no way that lets others read meanwhile: searches wait, about a second for 10,000 items. Raises the
    errors of `separate`.
    """
    async with _moving(connection, collection):
        name = await _own(connection, collection)
        if name is None:
            raise ConflictError(f"The collection {collection!r} is in the shared partition already")
        async with connection.transaction():
            await connection.execute("select from collections where id = $1 for update", collection)
            await _patiently(connection, "alter table items detach partition %1$I", name)
            columns = await _columns(connection)
            moved = await _run(connection, "insert into items_default (%2$s) select %2$s from %1$I", name, columns)
            await _run(connection, "drop table %1$I", name)
        await connection.execute("analyze items")
        return int(moved.rpartition(" ")[2])


class _Move:
    """The steps of a move to a partition of its own."""

    def __init__(self, connection: asyncpg.Connection, collection: str) -> None:
        readable = re.sub("[^a-z0-9]+", "_", collection.lower())[:40]
        # Readable, unique, and short enough for the names of its indexes.
        self.name = f"items_{readable}_{blake2b(collection.encode(), digest_size=4).hexdigest()}"
        self._connection = connection
        self._collection = collection
        self._without = self.name + "_moves"

    async def clean(self) -> None:
        """Remove what an interrupted move has left."""
        await self._connection.execute("drop table if exists pg_temp.moved")
        await _run(self._connection, "drop table if exists %1$I", self.name)
        await _patiently(self._connection, "alter table items_default drop constraint if exists %1$I", self._without)

    async def begin(self) -> None:
        """Make the table, and a list of the rows that are in it as they were."""
        for statement in (
            (
                "create table %1$I (like items including all, constraint %3$I check (collection = %2$L)) "
                "with (toast_tuple_target = 128)"
            ),
            'create temp table moved (id text collate "C" primary key, place tid, version xid)',
        ):
            await _run(self._connection, statement, self.name, self._collection, self._without)

    async def copy(self) -> AsyncGenerator[int]:
        """Copy the rows of one snapshot, and tell how many are copied."""
        text = await _text(self._connection, _COPY, self.name, await _columns(self._connection))
        copied, last = 0, None
        while rows := await self._connection.fetch(text, self._collection, *(last or (None, None)), _CHUNK_ROWS):
            last = rows[-1]
            copied += len(rows)
            yield copied

    async def keep_out(self) -> None:
        """From now on the shared table takes no row of the collection: PostgreSQL need not look for any at the end."""
        await _patiently(
            self._connection,
            "alter table items_default add constraint %1$I check (collection <> %2$L) not valid",
            self._without,
            self._collection,
        )

    async def finish(self) -> int:
        """Take over what has changed since the copy, and attach the table in place of the old rows."""
        names = (self.name, await _columns(self._connection), self._without, self._collection)
        async with self._connection.transaction():
            for statement in (_FORGET, _TAKE_OVER):
                await self._connection.execute(await _text(self._connection, statement, *names), self._collection)
            deleted = await self._connection.execute(
                "delete from items_default where collection = $1", self._collection
            )
            await _run(self._connection, "alter table items_default validate constraint %3$I", *names)
            # Without this lock a search that was planned before would read the shared table after, and find nothing.
            await _patiently(self._connection, "lock table only items in access exclusive mode")
            await _patiently(self._connection, "alter table items attach partition %1$I for values in (%4$L)", *names)
            for table in ("items_default", "%1$I"):
                await _run(self._connection, "alter table " + table + " drop constraint %3$I", *names)
            await self._connection.execute("drop table moved")
        return int(deleted.rpartition(" ")[2])


_COUNT = "select count(*) from items_default where collection = $1"

_COPY = """
    with chunk as materialized (
        select %2$s, ctid as place, xmin as version
        from items_default
        where collection = $1 and ($2::timestamptz is null or (datetime, id) > ($2, $3::text))
        order by datetime, id
        limit $4
    ), copied as (
        insert into %1$I (%2$s) select %2$s from chunk
    ), noted as (
        insert into moved select id, place, version from chunk
    )
    select datetime, id from chunk order by datetime, id
"""

# A row's place and version tell it from every other, also from a later row with its id.
_FORGET = """
    delete from %1$I as copied
    using moved
    where copied.id = moved.id and not exists (
        select from items_default as i
        where i.collection = $1 and i.id = moved.id and i.ctid = moved.place and i.xmin = moved.version
    )
"""

_TAKE_OVER = """
    insert into %1$I (%2$s)
    select %2$s from items_default as i
    where i.collection = $1 and not exists (
        select from moved where i.id = moved.id and i.ctid = moved.place and i.xmin = moved.version
    )
"""


_DELETE = "delete from items_default where collection = $1"


async def _own(connection: asyncpg.Connection, collection: str) -> str | None:
    found = [each.name for each in await partitions(connection) if each.collection == collection.replace("'", "''")]
    return found[0] if found else None


async def _columns(connection: asyncpg.Connection) -> str:
    """The columns that are given and not generated."""
    return await connection.fetchval(
        "select string_agg(format('%I', attname), ', ' order by attnum) from pg_attribute "
        "where attrelid = 'items'::regclass and attnum > 0 and not attisdropped and attgenerated = ''"
    )


async def _text(connection: asyncpg.Connection, statement: str, *names: str) -> str:
    """A statement with names and literals in it, as PostgreSQL's format() quotes them: DDL takes no parameters."""
    return await connection.fetchval("select format($1, variadic $2::text[])", statement, list(names))


async def _run(connection: asyncpg.Connection, statement: str, *names: str) -> str:
    return await connection.execute(await _text(connection, statement, *names))


async def _patiently(connection: asyncpg.Connection, statement: str, *names: str) -> None:
    """Run a statement that needs a table for itself, in several short attempts: others wait behind each."""
    for _ in range(_LOCK_ATTEMPTS):
        try:
            async with connection.transaction():
                await connection.execute("select set_config('lock_timeout', $1, true)", _LOCK_TIMEOUT)
                await _run(connection, statement, *names)
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(0.5)
        else:
            return
    raise ConflictError("Other statements never let go of the table items; try again when less goes on")


@asynccontextmanager
async def _moving(connection: asyncpg.Connection, collection: str) -> AsyncGenerator[None]:
    """One move at a time, of a collection that exists."""
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
        await connection.execute("select from collections where id = $1 for update", collection)
        yield

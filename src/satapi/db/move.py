"""The steps of a move: a collection's items are copied into a table of their own, which then takes their place.

DDL takes no parameters, so names and literals come into statements as PostgreSQL's format() quotes them.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING

import asyncpg

from satapi.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection

# Rows that are copied between two signs of progress.
_CHUNK_ROWS = 5_000

# How often a table is asked for, for half a second each time, so that searches never queue behind a move for longer.
_LOCK_ATTEMPTS = 120
_LOCK_TIMEOUT = "500ms"
_SET_LOCK_TIMEOUT = "select set_config('lock_timeout', $1, true)"


# How the name of the constraint ends that keeps a collection out of the shared partition.
_MOVES = "_moves"


class Move:
    """The steps of a move to a partition of its own."""

    def __init__(self, connection: asyncpg.Connection, collection: str) -> None:
        readable = re.sub("[^a-z0-9]+", "_", collection.lower())[:40]
        # Readable, unique, and short enough for the names of its indexes.
        self.name = f"items_{readable}_{blake2b(collection.encode(), digest_size=4).hexdigest()}"
        self._connection = connection
        self._collection = collection
        self._without = self.name + _MOVES

    async def clean(self) -> None:
        """Remove what an interrupted move has left; a table that is attached is what a move has made."""
        if await self._connection.fetchval(_IS_ATTACHED, self.name):
            return
        await self._connection.execute("drop table if exists pg_temp.moved")
        await run(self._connection, "drop table if exists %1$I", self.name)
        await patiently(self._connection, "alter table items_default drop constraint if exists %1$I", self._without)

    @asynccontextmanager
    async def whole_or_not(self) -> AsyncGenerator[None]:
        """What goes wrong within leaves nothing of the move behind, unless the connection is lost."""
        try:
            yield
        except BaseException:
            if not self._connection.is_closed():
                await self.clean()
            raise

    async def begin(self) -> None:
        """Make the table, and a list of the rows that are in it as they were."""
        for statement in (
            (
                "create table %1$I (like items including all, constraint %3$I check (collection = %2$L)) "
                "with (toast_tuple_target = 128)"
            ),
            'create temp table moved (id text collate "C" primary key, place tid, version xid)',
        ):
            await run(self._connection, statement, self.name, self._collection, self._without)

    async def count(self) -> int:
        """How many items there are to move."""
        return await self._connection.fetchval(_COUNT, self._collection)

    async def copy(self) -> AsyncGenerator[int]:
        """Copy the rows of one snapshot, and tell how many are copied."""
        text = await _text(self._connection, _COPY, self.name, await columns(self._connection))
        copied, last = 0, None
        while rows := await self._connection.fetch(text, self._collection, *(last or (None, None)), _CHUNK_ROWS):
            last = rows[-1]
            copied += len(rows)
            yield copied

    async def keep_out(self) -> None:
        """From now on the shared table takes no row of the collection: PostgreSQL need not look for any at the end."""
        await patiently(
            self._connection,
            "alter table items_default add constraint %1$I check (collection <> %2$L) not valid",
            self._without,
            self._collection,
        )

    async def finish(self) -> int:
        """Take over what has changed since the copy, and attach the table in place of the old rows."""
        names = (self.name, await columns(self._connection), self._without, self._collection)
        async with self._connection.transaction():
            for statement in (_FORGET, _TAKE_OVER):
                await self._connection.execute(await _text(self._connection, statement, *names), self._collection)
            deleted = await self._connection.execute(
                "delete from items_default where collection = $1", self._collection
            )
            await run(self._connection, "alter table items_default validate constraint %3$I", *names)
            # Without this lock a search that was planned before would read the shared table after, and find nothing.
            await patiently(self._connection, "lock table only items in access exclusive mode")
            await patiently(self._connection, "alter table items attach partition %1$I for values in (%4$L)", *names)
            for table in ("items_default", "%1$I"):
                await run(self._connection, "alter table " + table + " drop constraint %3$I", *names)
            await self._connection.execute("drop table moved")
        return int(deleted.rpartition(" ")[2])


_IS_ATTACHED = "select relispartition from pg_class where oid = to_regclass($1)"

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


async def let_in(
    connection: asyncpg.Connection, collections: Collection[str], violated: asyncpg.CheckViolationError
) -> bool:
    """Let items in that a move keeps out which was killed in its last step; False where that is not what was violated.

    `collections` are all that the refused rows may be of, the moved one among them. A move that is alive holds the row
    of its collection while it keeps others out, so holding it here waits for its end. Nor can a move whose hold was
    lost take its last step without the constraint: that fails, and changes nothing.
    """
    name: str = violated.constraint_name or ""
    if violated.table_name != "items_default" or not name.endswith(_MOVES):
        return False
    async with connection.transaction():
        await connection.execute(
            "select from collections where id = any($1::text[]) order by id for key share", list(collections)
        )
        await patiently(connection, "alter table items_default drop constraint if exists %1$I", name)
    return True


async def columns(connection: asyncpg.Connection) -> str:
    """The columns that are given and not generated."""
    return await connection.fetchval(
        "select string_agg(format('%I', attname), ', ' order by attnum) from pg_attribute "
        "where attrelid = 'items'::regclass and attnum > 0 and not attisdropped and attgenerated = ''"
    )


async def _text(connection: asyncpg.Connection, statement: str, *names: str) -> str:
    """A statement with names and literals in it."""
    return await connection.fetchval("select format($1, variadic $2::text[])", statement, list(names))


async def run(connection: asyncpg.Connection, statement: str, *names: str) -> str:
    """Run a statement with names and literals in it, and give its tag, such as INSERT 0 7."""
    return await connection.execute(await _text(connection, statement, *names))


async def patiently(
    connection: asyncpg.Connection, statement: str, *names: str, attempts: int = _LOCK_ATTEMPTS
) -> None:
    """Run a statement that needs a table for itself, in several short attempts: others wait behind each."""
    for _ in range(attempts):
        try:
            async with connection.transaction():
                before: str = await connection.fetchval("select current_setting('lock_timeout')")
                await connection.execute(_SET_LOCK_TIMEOUT, _LOCK_TIMEOUT)
                await run(connection, statement, *names)
                # The transaction around this one may go on to wait for others.
                await connection.execute(_SET_LOCK_TIMEOUT, before)
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(0.5)
        else:
            return
    raise ConflictError("Other statements never let go of the table items; try again when less goes on")

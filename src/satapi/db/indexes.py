"""Indexes of properties: made, listed and dropped while others search and load.

A property has two: by value, for sorting and ranges, and by value and time, for the newest items with a value. They
hold the items without the property too, since PostgreSQL keeps no statistics of partial indexes. An index of one
collection is in its partition, or a partial one in the shared partition, with statistics of its own there.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from satapi.db.move import patiently, run
from satapi.errors import ConflictError, InvalidError, NotFoundError
from satapi.query.inventory import ITEMS, short
from satapi.stac.properties import read

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    import asyncpg

_SHARED = "items_default"
_POLL_S = 1.0

# The value as filters write it, then what tells items with equal values apart.
_BY_VALUE = "(nullif(properties %2$s, 'null'::jsonb), collection, id)"
_BY_TIME = "(nullif(properties %2$s, 'null'::jsonb), datetime desc, collection, id)"


class Index(Struct, frozen=True):
    """The indexes of a property, of all collections or of one; not ready while they are built, or after a failure."""

    property: str
    collection: str | None
    ready: bool
    bytes: int


class Progress(NamedTuple):
    """How far a build is: what PostgreSQL does, and the blocks or tuples done of all, where it counts them."""

    table: str
    phase: str
    done: int
    total: int


class _Kind(NamedTuple):
    suffix: str
    keys: str


_KINDS = (_Kind("v", _BY_VALUE), _Kind("t", _BY_TIME))


async def indexes(connection: asyncpg.Connection) -> list[Index]:
    """All indexes of properties that were asked for."""
    rows = await connection.fetch("select property, collection, ready from indexes order by 1, 2 nulls first")
    return [
        Index(name, collection, ready, await _bytes(connection, _stem(name, collection)))
        for name, collection, ready in rows
    ]


async def has(connection: asyncpg.Connection, name: str, collection: str | None) -> bool:
    """Whether items of the collection, or any, are known to have the property."""
    found = await connection.fetchval(
        "select found from queryables where collection = $1 or ($1::text is null and collection is null)", collection
    )
    return short(name).partition(".")[0] in read(found or b"{}")


async def create(
    connection: asyncpg.Connection,
    beside: asyncpg.Connection,
    name: str,
    collection: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> None:
    """Make the indexes of a property, or what is missing of them; `beside` looks at the progress.

    Raises InvalidError for what needs none, NotFoundError for an unknown collection, and ConflictError while a
    collection is being moved.
    """
    name = short(name)
    if name in ITEMS.texts or name in ITEMS.times or name in ITEMS.refused or not name:
        raise InvalidError("property", name, "allowed are members of an item's properties that have no column")
    async with alone(connection):
        if collection is not None and not await connection.fetchval(_EXISTS, collection):
            raise NotFoundError(f"There is no collection {collection!r}")
        await connection.execute(_WISH, name, collection)
        watch = asyncio.create_task(_watched(beside, connection.get_server_pid(), on_progress))
        try:
            if collection is None:
                await _build_all(connection, name)
            else:
                await _build_one(connection, name, collection)
        finally:
            watch.cancel()
        await connection.execute("analyze items")
        await connection.execute(_READY, name, collection)


async def drop(connection: asyncpg.Connection, name: str, collection: str | None = None) -> None:
    """Drop the indexes of a property. Raises NotFoundError where there are none."""
    name = short(name)
    async with alone(connection):
        dropped = await connection.execute(
            "delete from indexes where property = $1 and collection is not distinct from $2", name, collection
        )
        if dropped.endswith(" 0"):
            of = "" if collection is None else f" of the collection {collection!r}"
            raise NotFoundError(f"There is no index of {name!r}{of}; `satapi index list` shows those that there are")
        await _drop(connection, name, collection)


async def of_collection(connection: asyncpg.Connection, collection: str) -> list[str]:
    """The properties of which a collection has indexes of its own."""
    return [name for (name,) in await connection.fetch(_OF_COLLECTION, collection)]


async def forget(connection: asyncpg.Connection, collection: str, names: Sequence[str]) -> None:
    """Drop the indexes that a deleted collection had of these properties, unless one of its id has them again.

    While others build or move, or never let go of the table, they stay: one of its id that wants them has them.
    """
    with suppress(ConflictError):
        for name in names:
            async with alone(connection):
                if name not in await of_collection(connection, collection):
                    await _drop(connection, name, collection)


async def _drop(connection: asyncpg.Connection, name: str, collection: str | None) -> None:
    for kind in _KINDS:
        await patiently(connection, "drop index if exists %1$I", _stem(name, collection) + kind.suffix)
    await patiently(connection, "drop statistics if exists %1$I", _stem(name, collection) + "s")


async def of_new_partition(connection: asyncpg.Connection, table: str, collection: str) -> None:
    """Give a table that is to be a collection's own partition the indexes of that collection."""
    for name in await of_collection(connection, collection):
        for kind in _KINDS:
            text = "create index %1$I on %3$I " + kind.keys
            # The name belongs to the index in the shared partition until the move has ended.
            await run(connection, text, _stem(name, collection) + kind.suffix + "_own", _path(name), table)


async def moved_out(connection: asyncpg.Connection, collection: str) -> None:
    """Let a collection's indexes in its new partition stand for those in the shared one."""
    for name in await of_collection(connection, collection):
        for kind in _KINDS:
            index = _stem(name, collection) + kind.suffix
            await patiently(connection, "drop index if exists %1$I", index)
            await patiently(connection, "alter index if exists %1$I rename to %2$I", index + "_own", index)
        await patiently(connection, "drop statistics if exists %1$I", _stem(name, collection) + "s")


async def moved_back(connection: asyncpg.Connection, collection: str) -> None:
    """Make a collection's indexes anew in the shared partition."""
    for name in await of_collection(connection, collection):
        await _build_one(connection, name, collection)


_EXISTS = "select exists (select from collections where id = $1)"
_WISH = "insert into indexes (property, collection) values ($1, $2) on conflict do nothing"
_READY = "update indexes set ready = true where property = $1 and collection is not distinct from $2"
_OF_COLLECTION = "select property from indexes where collection = $1"


async def _build_all(connection: asyncpg.Connection, name: str) -> None:
    """An index of the table, made of those of its partitions: so new partitions have it too."""
    for kind in _KINDS:
        whole = _stem(name, None) + kind.suffix
        if not await connection.fetchval("select to_regclass(quote_ident($1)) is not null", whole):
            await patiently(connection, "create index %1$I on only items " + kind.keys, whole, _path(name))
        for (table,) in await connection.fetch(_WITHOUT, whole):
            part = f"{whole}_{_hash(table)}"
            await _build(connection, part, "create index concurrently %1$I on %3$I " + kind.keys, _path(name), table)
            await patiently(connection, "alter index %1$I attach partition %2$I", whole, part)


# The partitions that have no index attached to that of the table.
_WITHOUT = """
    select c.relname
    from pg_inherits as i
    inner join pg_class as c on i.inhrelid = c.oid
    where i.inhparent = 'items'::regclass and not exists (
        select from pg_inherits as attached
        inner join pg_index as x on attached.inhrelid = x.indexrelid
        where attached.inhparent = to_regclass(quote_ident($1)) and x.indrelid = c.oid
    )
    order by c.relname
"""


async def _build_one(connection: asyncpg.Connection, name: str, collection: str) -> None:
    own = await connection.fetchval(_OWN, collection)
    table, where = (own, "") if own else (_SHARED, " where collection = %4$L")
    for kind in _KINDS:
        text = "create index concurrently %1$I on %3$I " + kind.keys + where
        await _build(connection, _stem(name, collection) + kind.suffix, text, _path(name), table, collection)
    if not own:
        await run(connection, _STATISTICS, _stem(name, collection) + "s", _path(name), table)


_STATISTICS = """
    create statistics if not exists %1$I (mcv) on collection, (nullif(properties %2$s, 'null'::jsonb)) from %3$I
"""
_OWN = """
    select c.relname
    from pg_inherits as i
    inner join pg_class as c on i.inhrelid = c.oid
    where i.inhparent = 'items'::regclass
        and pg_get_expr(c.relpartbound, c.oid) = 'FOR VALUES IN (''' || replace($1::text, '''', '''''') || ''')'
"""


async def _build(connection: asyncpg.Connection, index: str, statement: str, *names: str) -> None:
    """Build one index unless it is there; what a build that was interrupted has left is dropped first."""
    valid = await connection.fetchval(_VALID, index, names[1])
    if valid:
        return
    if valid is not None:
        await run(connection, "drop index concurrently %1$I", index)
    await run(connection, statement, index, *names)


# One of another table was left by a move.
_VALID = """
    select indisvalid and indrelid = to_regclass(quote_ident($2))
    from pg_index where indexrelid = to_regclass(quote_ident($1))
"""


async def _watched(beside: asyncpg.Connection, process: int, on_progress: Callable[[Progress], None] | None) -> None:
    while on_progress is not None:
        await asyncio.sleep(_POLL_S)
        for row in await beside.fetch(_PROGRESS, process):
            on_progress(Progress(*row))


_PROGRESS = """
    select
        relid::regclass::text, phase,
        greatest(blocks_done, tuples_done), greatest(blocks_total, tuples_total)
    from pg_stat_progress_create_index
    where pid = $1
"""


@asynccontextmanager
async def alone(connection: asyncpg.Connection) -> AsyncGenerator[None]:
    """One build or move at a time: a partition that is being made would miss the index."""
    if not await connection.fetchval("select pg_try_advisory_lock('items'::regclass::oid::bigint)"):
        raise ConflictError("An index is being made or a collection moved; wait for its end")
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock('items'::regclass::oid::bigint)")


async def _bytes(connection: asyncpg.Connection, stem: str) -> int:
    return await connection.fetchval(
        """
        select coalesce(sum(pg_relation_size(tree.relid)), 0)::bigint
        from unnest($1::text[]) as name
        cross join pg_partition_tree(to_regclass(quote_ident(name))) as tree
        """,
        [stem + kind.suffix for kind in _KINDS],
    )


def _stem(name: str, collection: str | None) -> str:
    """What the names of a property's indexes begin with: readable, unique and short enough."""
    readable = re.sub("[^a-z0-9]+", "_", name.lower())[:24]
    of = name if collection is None else f"{name}\0{collection}"
    return f"items_{readable}_{_hash(of)}_"


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=4).hexdigest()


def _path(name: str) -> str:
    """The operator and operand that reach a property, as `query.inventory` writes them."""
    quoted = name.replace("'", "''")
    if "." not in name:
        return f"-> '{quoted}'::text"
    members = ",".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in quoted.split("."))
    return f"#> '{{{members}}}'::text[]"

"""Queryables: what the database knows of the properties of items, and what operators have said of them."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, cast

import msgspec

from satapi.db.waiting import readers_ended
from satapi.errors import ConflictError, InvalidError, NotFoundError
from satapi.stac.properties import merged, read, write
from satapi.stac.queryables import CORE, NOT_ASKABLE, Schema
from satapi.stac.survey import news

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    import asyncpg

    from satapi.stac.properties import Properties


async def widen(connection: asyncpg.Connection, documents: Mapping[str, Sequence[bytes]]) -> None:
    """Take in the properties of items, by collection, that are stored in this transaction.

    Nothing is written where nothing is new, so writers do not wait for each other. What is written comes last in a
    transaction, in the order of the collections and then of all of them, so that none waits in a circle.
    """
    names = sorted(documents)
    known = {name: texts for name, *texts in await connection.fetch(_KNOWN, names)}
    told: dict[str, Properties] = {}
    for name in names:
        for text in known.get(name, [b"{}"]):
            if text is not None and (beyond := news(text, documents[name])) is not None:
                told[name] = merged(told.get(name, {}), beyond)
    for name, found in told.items():
        await _take_in(connection, name, found)
    if told:
        await _take_in(connection, None, reduce(merged, told.values()))


_KNOWN = "select collection, found, since from queryables where collection = any($1::text[])"


async def _take_in(connection: asyncpg.Connection, collection: str | None, told: Properties) -> None:
    await connection.execute(_MAKE, collection)
    row = await connection.fetchrow(_LOCK, collection)
    if row is None:
        raise LookupError(collection)
    before = row["found"], row["since"]
    after = [None if text is None else write(merged(read(text), told)) for text in before]
    if tuple(after) != before:
        await connection.execute(_WRITE, collection, *after)


_MAKE = "insert into queryables (collection) values ($1) on conflict do nothing"
# So written that the index serves both: the values are known when it is planned.
_LOCK = """
    select found, since from queryables
    where collection = $1 or ($1::text is null and collection is null)
    for no key update
"""
_WRITE = """
    update queryables set found = $2, since = $3
    where collection = $1 or ($1::text is null and collection is null)
"""


# Refreshing -------------------------------------------------------------------------------------------------------

_CHUNK_ROWS = 5_000


async def refresh(
    connection: asyncpg.Connection, collection: str | None = None, on_progress: Callable[[int], None] | None = None
) -> int:
    """Read anew what the items of a collection, or of all, have; returns how many there are.

    Loads and searches go on. From the beginning on, loads note what they store beside what was known; when all that
    might not have done so have ended, the items are read, and what was noted is added. `on_progress` gets the number of
    items that are read. Raises NotFoundError for an unknown collection and ConflictError while another refresh goes on.
    """
    if not await connection.fetchval("select pg_try_advisory_lock('queryables'::regclass::oid::bigint)"):
        raise ConflictError("Another refresh of the queryables goes on; wait for its end")
    try:
        names = [row[0] for row in await connection.fetch(_NAMES, collection)]
        if collection is not None and not names:
            raise NotFoundError(f"There is no collection {collection!r}")
        await connection.execute(_BEGIN, collection)
        await readers_ended(connection, "queryables")
        read_items = 0
        everywhere: Properties = {}
        for name in names:
            found: Properties = {}
            async for documents in _items(connection, name):
                found = merged(found, news(write(found), documents) or {})
                read_items += len(documents)
                if on_progress is not None:
                    on_progress(read_items)
            everywhere = merged(everywhere, await _renew(connection, name, found))
        if collection is None:
            await _renew(connection, None, everywhere)
        else:
            async with connection.transaction():
                await _take_in(connection, None, everywhere)
        return read_items
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock('queryables'::regclass::oid::bigint)")


_NAMES = "select id from collections where $1::text is null or id = $1 order by id"
_BEGIN = """
    insert into queryables (collection, since)
    select wanted.id, '{}'
    from (
        select id from collections where $1::text is null or id = $1
        union all
        select null where $1::text is null
    ) as wanted
    order by wanted.id nulls last
    on conflict on constraint queryables_collection do update set since = '{}'
"""


async def _items(connection: asyncpg.Connection, collection: str) -> AsyncGenerator[list[bytes]]:
    async with connection.transaction():
        # All of them are wanted, in the order in which they lie: an index would read the table at random.
        await connection.execute("set local cursor_tuple_fraction = 1")
        await connection.execute("set local enable_bitmapscan = on")
        cursor = await connection.cursor("select properties::json from items where collection = $1", collection)
        while rows := await cursor.fetch(_CHUNK_ROWS):
            yield [row[0] for row in rows]


async def _renew(connection: asyncpg.Connection, collection: str | None, found: Properties) -> Properties:
    async with connection.transaction():
        row = await connection.fetchrow(_LOCK, collection)
        since = None if row is None else row["since"]
        whole = found if since is None else merged(found, read(since))
        await connection.execute(_WRITE, collection, write(whole), None)
        return whole


# Definitions ------------------------------------------------------------------------------------------------------


async def define(connection: asyncpg.Connection, collection: str | None, schemas: Mapping[str, Schema]) -> None:
    """Take in definitions of properties, each a JSON Schema, for a collection or for all.

    Raises NotFoundError, and InvalidError for types that JSON Schema does not know and names that nobody can ask for.
    """
    for name, schema in schemas.items():
        if not name or name in NOT_ASKABLE:
            raise InvalidError("the name", name, "allowed is the name of a property that a filter can ask for")
        if name in CORE and "type" in schema:
            raise InvalidError(f"the type of {name}", schema["type"], "it is the same for all items, and is left out")
        if "type" in schema and not _is_type(schema["type"]):
            allowed = f"allowed are {', '.join(_TYPES)}, and a list of some of them"
            raise InvalidError(f"the type of {name}", schema["type"], allowed)
    async with connection.transaction():
        await _redefine(connection, collection, await _definitions(connection, collection) | dict(schemas))


def _is_type(given: object) -> bool:
    words = cast("list[object]", given) if isinstance(given, list) else [given]
    return bool(words) and all(isinstance(word, str) and word in _TYPES for word in words)


async def forget(connection: asyncpg.Connection, collection: str | None, name: str) -> None:
    """Forget the definition of a property. Raises NotFoundError where there is none."""
    async with connection.transaction():
        known = await _definitions(connection, collection)
        if name not in known:
            raise NotFoundError(f"There is no definition of {name!r}; defined are {', '.join(known) or 'none'}")
        await _redefine(connection, collection, {other: schema for other, schema in known.items() if other != name})


async def _definitions(connection: asyncpg.Connection, collection: str | None) -> dict[str, Schema]:
    if collection is not None and not await connection.fetchval(_EXISTS, collection):
        raise NotFoundError(f"There is no collection {collection!r}")
    await connection.execute(_MAKE, collection)
    row = await connection.fetchrow(_DEFINED, collection)
    return {} if row is None else _DECODER.decode(row["defined"])


async def _redefine(connection: asyncpg.Connection, collection: str | None, schemas: Mapping[str, Schema]) -> None:
    await connection.execute(_DEFINE, collection, msgspec.json.encode(schemas))


_DECODER = msgspec.json.Decoder(dict[str, Schema])
# JSON Schema validation 2020-12, clause 6.1.1.
_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_EXISTS = "select exists (select from collections where id = $1)"
_DEFINED = """
    select defined from queryables
    where collection = $1 or ($1::text is null and collection is null)
    for no key update
"""
_DEFINE = """
    update queryables set defined = $2
    where collection = $1 or ($1::text is null and collection is null)
"""

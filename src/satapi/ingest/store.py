"""One batch of rows into the catalog, in one transaction, whatever other writers do at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import asyncpg
from msgspec import Struct, field
from msgspec.structs import replace

from satapi.db import extents
from satapi.db.contents import Content, Dictionaries, compress
from satapi.db.move import let_in
from satapi.db.pool import fetch
from satapi.db.queryables import widen
from satapi.errors import ConflictError
from satapi.ingest.background import connected
from satapi.ingest.collections import by_collection, hold
from satapi.ingest.copy import COLUMNS, stream
from satapi.ingest.stamps import stamped
from satapi.ingest.vectors import COLLECTION_MEMBERS, item_vectors, vectors

if TYPE_CHECKING:
    from satapi.db.contents import Dictionary
    from satapi.ingest.prepare import CollectionRow, Key, Row
    from satapi.ingest.stamps import Stamp

Method = Literal["insert", "ignore", "upsert"]
T = TypeVar("T")


class Refused(NamedTuple):
    """Why a row is not stored."""

    code: Literal["InvalidDocument", "NotFound", "Conflict"]
    reason: str


class Stored(Struct):
    """What became of a batch, in rows; `refused` gives the reason for each row, by its place, that is not stored."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    ignored: int = 0
    refused: dict[int, Refused] = field(default_factory=dict[int, Refused])


# Writes the rows at the first places, those of the second having an older version in the catalog.
Write = Callable[[Sequence[int], Sequence[int]], Awaitable[None]]

_EXISTS = Refused("Conflict", "it is in the catalog already, or earlier in its file")

# What PostgreSQL can refuse a row for: its values, its size, or what PostGIS says of a geometry.
_ROW_ERRORS = (asyncpg.DataError, asyncpg.ProgramLimitExceededError, asyncpg.InternalServerError)

# Another writer was at the same keys. It has finished, so the next attempt sees what it wrote.
_RACES = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)
_ATTEMPTS = 20


async def store_items(
    connection: asyncpg.Connection, given: Sequence[Row], method: Method, stamp: Stamp[Row] | None = None
) -> Stored:
    """Store a batch of items, each with the times that `stamp` gives it.

    An item that exists is refused (insert), left as it is (ignore), or replaced if its content differs (upsert); of
    a key that is twice in the batch the first is stored, for upsert the last. Raises ConflictError when other writers
    keep changing the same items.
    """

    async def attempt() -> Stored:
        stored = Stored()
        keys = [row.key for row in given]
        chosen = _distinct(keys, method, stored)
        held = await hold(connection, by_collection(given[at] for at in chosen))
        for at in chosen:
            if given[at].collection not in held:
                reason = f"the collection {given[at].collection!r} is unknown; it must be there before its items"
                stored.refused[at] = Refused("NotFound", reason)
        chosen = [at for at in chosen if at not in stored.refused]
        existing = await _existing_items(connection, [keys[at] for at in chosen], whole=method == "upsert")
        rows = stamped(given, chosen, existing, stamp)
        fresh, changed = _sort_out(rows, keys, chosen, existing, method, stored)
        words = await item_vectors(connection)
        contents = await asyncio.to_thread(_compressed, [rows[at] for at in (*fresh, *changed)], held)

        async def write(fresh: Sequence[int], changed: Sequence[int]) -> None:
            if changed:
                await connection.execute(_DELETE_ITEMS, *_columns([keys[at] for at in changed]))
            written = [
                (rows[at], contents[keys[at]], words.of(rows[at].properties))
                for at in sorted((*fresh, *changed), key=keys.__getitem__)
            ]
            if written:
                copying = connection.copy_to_table("items", source=stream(written), columns=COLUMNS, format="binary")
                await connected(connection, copying)

        await _write(connection, write, fresh, changed, stored)
        groups = by_collection(rows[at] for at in (*fresh, *changed) if at not in stored.refused)
        await widen(connection, {name: [row.properties for row in alike] for name, alike in groups.items()})
        return stored

    return await retried(connection, attempt, {row.collection for row in given})


async def store_collections(
    connection: asyncpg.Connection,
    given: Sequence[CollectionRow],
    method: Method,
    stamp: Stamp[CollectionRow] | None = None,
) -> Stored:
    """Store a batch of collections; the methods, and the errors, are those of `store_items`."""

    async def attempt() -> Stored:
        stored = Stored()
        keys = [row.key for row in given]
        chosen = _distinct(keys, method, stored)
        documents = await extents.locked(connection, [given[at].id for at in chosen])
        existing: dict[Key, bytes | None] = {(name,): document.given for name, document in documents.items()}
        rows = stamped(_as_given(given, documents), chosen, existing, stamp)
        fresh, changed = _sort_out(rows, keys, chosen, existing, method, stored)
        words = vectors(COLLECTION_MEMBERS)

        async def write(fresh: Sequence[int], changed: Sequence[int]) -> None:
            new = [(rows[at].id, rows[at].content, words.of(rows[at].content)) for at in fresh]
            await connection.executemany(_INSERT_COLLECTION, new)
            others: list[tuple[str, bytes, bytes | None, bytes]] = []
            for at in changed:
                name, content = rows[at].id, rows[at].content
                document = documents[name]
                kept = None if document.kept is None else content
                others.append((name, document.served_for(content), kept, words.of(content)))
            await connection.executemany(_UPDATE_COLLECTION, others)

        await _write(connection, write, fresh, changed, stored)
        return stored

    return await retried(connection, attempt)


def _as_given(rows: Sequence[CollectionRow], documents: Mapping[str, extents.Document]) -> list[CollectionRow]:
    """The rows without what the documents that are there have of their items."""
    return [
        replace(row, content=documents[row.id].given_by(row.content)) if row.id in documents else row for row in rows
    ]


async def retried(
    connection: asyncpg.Connection, attempt: Callable[[], Awaitable[T]], collections: Collection[str] = ()
) -> T:
    """Do something in a transaction, again where another writer was at the same rows. Raises ConflictError."""
    race: asyncpg.PostgresError | None = None
    for _ in range(_ATTEMPTS):
        try:
            async with connection.transaction():
                return await attempt()
        except _RACES as error:
            race = error
        except asyncpg.CheckViolationError as error:
            race = error
            if not await let_in(connection, collections, error):
                raise
    raise ConflictError(f"other writers keep changing the same rows: {race}")


def _distinct(keys: Sequence[Key], method: Method, stored: Stored) -> list[int]:
    """Choose one row of each key, in the order of the keys: all writers take their locks in it."""
    chosen: dict[Key, int] = {}
    for at, key in enumerate(keys):
        if key not in chosen:
            chosen[key] = at
        elif method == "insert":
            stored.refused[at] = _EXISTS
        else:
            stored.ignored += 1
            if method == "upsert":
                chosen[key] = at
    return [chosen[key] for key in sorted(chosen)]


def _sort_out(
    rows: Sequence[Row] | Sequence[CollectionRow],
    keys: Sequence[Key],
    chosen: Sequence[int],
    existing: Mapping[Key, bytes | None],
    method: Method,
    stored: Stored,
) -> tuple[list[int], list[int]]:
    """Tell the new rows and those to replace from the others, which are counted or refused."""
    fresh: list[int] = []
    changed: list[int] = []
    for at in chosen:
        key = keys[at]
        if key not in existing:
            fresh.append(at)
        elif method == "insert":
            stored.refused[at] = _EXISTS
        elif method == "ignore":
            stored.ignored += 1
        elif existing[key] == rows[at].content:
            stored.unchanged += 1
        else:
            changed.append(at)
    return fresh, changed


async def _write(
    connection: asyncpg.Connection, write: Write, fresh: Sequence[int], changed: Sequence[int], stored: Stored
) -> None:
    """Write rows; on an error write one half and then the other, until the rows that PostgreSQL refuses are found."""
    try:
        async with connection.transaction():
            await write(fresh, changed)
    except _ROW_ERRORS as error:
        match (*fresh, *changed):
            case (at,):
                stored.refused[at] = Refused("InvalidDocument", f"PostgreSQL refuses it: {error}")
            case _:
                halves = (
                    ((fresh, ()), ((), changed))
                    if fresh and changed
                    else ((fresh[::2], changed[::2]), (fresh[1::2], changed[1::2]))
                )
                for half in halves:
                    await _write(connection, write, *half, stored)
    else:
        stored.inserted += len(fresh)
        stored.updated += len(changed)


# Items ------------------------------------------------------------------------------------------------------------

_DELETE_ITEMS = """
    delete from items as i using unnest($1::text[], $2::text[]) as k (collection, id)
    where i.collection = k.collection and i.id = k.id
"""

_LOCK_ITEM = "select from items where collection = $1 and id = $2 for update"


async def locked_item(connection: asyncpg.Connection, collection: str, identifier: str) -> bytes | None:
    """The content of an item that nobody else changes until the transaction ends, or None where there is none."""
    key = (collection, identifier)
    while True:
        locked = await connection.fetch(_LOCK_ITEM, *key)
        existing = await _existing_items(connection, [key], whole=True)
        # Who waits for a row that is being replaced finds no row, though there is one by then.
        if locked or not existing:
            return existing.get(key)


async def delete_item(connection: asyncpg.Connection, collection: str, identifier: str) -> None:
    """Delete one item."""
    await connection.execute(_DELETE_ITEMS, [collection], [identifier])


def _compressed(rows: Iterable[Row], dictionaries: Mapping[str, Dictionary | None]) -> dict[Key, Content]:
    contents: dict[Key, Content] = {}
    for name, alike in by_collection(rows).items():
        compressed = compress([row.content for row in alike], dictionaries[name])
        contents.update(zip([row.key for row in alike], compressed, strict=True))
    return contents


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [key[0] for key in keys], [key[1] for key in keys]


async def _existing_items(
    connection: asyncpg.Connection, keys: Sequence[Key], *, whole: bool
) -> dict[Key, bytes | None]:
    """Find which of the keys exist, with their content if `whole`."""
    records = await connection.fetch(
        """
        select i.collection, i.id, i.dictionary, case when $3 then i.content end
        from unnest($1::text[], $2::text[]) as k (collection, id)
        inner join items as i on k.collection = i.collection and k.id = i.id
        """,
        *_columns(keys),
        whole,
    )
    found: list[Key] = [(record[0], record[1]) for record in records]
    if not whole:
        return dict.fromkeys(found)
    stored = [Content(record[2], record[3]) for record in records]
    contents = await Dictionaries().plain(stored, partial(fetch, connection))
    return dict(zip(found, contents, strict=True))


# Collections ------------------------------------------------------------------------------------------------------

_INSERT_COLLECTION = "insert into collections (id, content, words) values ($1, $2, $3)"
_UPDATE_COLLECTION = "update collections set content = $2, given = $3, words = $4 where id = $1"

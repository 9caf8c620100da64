"""Edits: what one request writes, in one transaction: whole, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from satapi.db import indexes, partitions
from satapi.errors import ConflictError, DocumentError, NotFoundError, Refusal, RefusedError
from satapi.ingest.prepare import CollectionRow, Row
from satapi.ingest.store import (
    delete_item,
    locked_item,
    retried,
    store_collections,
    store_items,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    import asyncpg

    from satapi.ingest.stamps import Stamp
    from satapi.ingest.store import Method, Stored

RowT = TypeVar("RowT", Row, CollectionRow)

# Items of a collection that are deleted in one transaction.
_DELETED_ITEMS = 5_000


async def _store(
    connection: asyncpg.Connection,
    rows: Sequence[RowT],
    store: Callable[[asyncpg.Connection, Sequence[RowT], Method, Stamp[RowT] | None], Awaitable[Stored]],
    method: Method = "insert",
    stamp: Stamp[RowT] | None = None,
) -> Stored:
    """Store rows, all of them or none. Raises RefusedError, and ConflictError where writers keep changing them."""
    async with connection.transaction():
        stored = await store(connection, rows, method, stamp)
        if stored.refused:
            refusals = [
                Refusal(at, rows[at].id, refused.code, refused.reason) for at, refused in sorted(stored.refused.items())
            ]
            raise RefusedError(refusals, len(rows))
    return stored


# Items --------------------------------------------------------------------------------------------------------------


async def store_all(
    connection: asyncpg.Connection, rows: Sequence[Row], method: Method, stamp: Stamp[Row] | None = None
) -> Stored:
    """Store items, all of them or none. Raises RefusedError and ConflictError."""
    return await _store(connection, rows, store_items, method, stamp)


async def insert_item(connection: asyncpg.Connection, row: Row) -> None:
    """Insert one item. Raises NotFoundError, ConflictError and DocumentError."""
    try:
        await store_all(connection, [row], "insert")
    except RefusedError as error:
        (refusal,) = error.refusals
        match refusal.code:
            case "NotFound":
                raise NotFoundError(f"There is no collection {row.collection!r}") from None
            case "Conflict":
                raise ConflictError(f"Collection {row.collection!r} has an item {row.id!r} already") from None
            case "InvalidDocument":
                raise DocumentError("item", row.id, refusal.reason) from None


async def edit_item(
    connection: asyncpg.Connection, collection: str, identifier: str, edit: Callable[[bytes], Row | None]
) -> None:
    """Replace an item by what `edit` makes of its content, or delete it for None; nobody else changes it meanwhile.

    What `edit` raises leaves everything as it was; it is called again where others write too. Raises NotFoundError,
    DocumentError for a row that PostgreSQL refuses, and ConflictError.
    """

    async def attempt() -> None:
        # The collection before the item, as all writers take their locks.
        await connection.execute("select from collections where id = $1 for key share", collection)
        content = await locked_item(connection, collection, identifier)
        if content is None:
            raise NotFoundError(f"There is no item {identifier!r} in collection {collection!r}")
        row = edit(content)
        if row is None:
            await delete_item(connection, collection, identifier)
            return
        stored = await store_items(connection, [row], "upsert")
        for refused in stored.refused.values():
            raise DocumentError("item", identifier, refused.reason)

    await retried(connection, attempt)


# Collections --------------------------------------------------------------------------------------------------------


async def insert_collections(
    connection: asyncpg.Connection, rows: Sequence[CollectionRow], stamp: Stamp[CollectionRow] | None = None
) -> None:
    """Insert collections, all of them or none. Raises RefusedError and ConflictError."""
    await _store(connection, rows, store_collections, stamp=stamp)


async def insert_collection(connection: asyncpg.Connection, row: CollectionRow) -> None:
    """Insert one collection. Raises ConflictError and DocumentError."""
    try:
        await insert_collections(connection, [row])
    except RefusedError as error:
        (refusal,) = error.refusals
        if refusal.code == "Conflict":
            raise ConflictError(f"There is a collection {row.id!r} already") from None
        raise DocumentError("collection", row.id, refusal.reason) from None


async def edit_collection(
    connection: asyncpg.Connection, collection: str, edit: Callable[[bytes], CollectionRow]
) -> bytes:
    """Replace a collection by what `edit` makes of its content, and give what is served of that.

    Everything is as in `edit_item`.
    """

    async def attempt() -> bytes:
        row = edit(await _existing(connection, collection))
        stored = await store_collections(connection, [row], "upsert")
        for refused in stored.refused.values():
            raise DocumentError("collection", collection, refused.reason)
        return await _existing(connection, collection)

    return await retried(connection, attempt)


async def delete_collection(
    connection: asyncpg.Connection, collection: str, check: Callable[[bytes], None], *, cascade: bool
) -> None:
    """Delete a collection; one with items only to `cascade`, and then they go before it, in transactions of many.

    `check` raises where the content of the collection forbids it. What is interrupted leaves the collection with the
    items that are left. Raises NotFoundError and ConflictError.
    """

    async def attempt() -> list[str] | None:
        check(await _existing(connection, collection, is_last=True))
        if await connection.fetchval("select exists (select from items where collection = $1)", collection):
            return None
        indexed = await indexes.of_collection(connection, collection)
        await partitions.drop_empty(connection, collection)
        await connection.execute("delete from collections where id = $1", collection)
        return indexed

    while (indexed := await retried(connection, attempt)) is None:
        if not cascade:
            raise ConflictError(f"The collection {collection!r} has items; cascade=true deletes them with it")
        await _delete_items(connection, collection)
    await indexes.forget(connection, collection, indexed)


async def _delete_items(connection: asyncpg.Connection, collection: str) -> None:
    last: datetime | None = None

    async def attempt() -> tuple[int, datetime | None]:
        await connection.execute("select from collections where id = $1 for key share", collection)
        deleted, oldest = await connection.fetchrow(_DELETE_SOME, collection, last, _DELETED_ITEMS) or (0, None)
        return deleted, oldest

    while True:
        deleted, last = await retried(connection, attempt)
        if not deleted:
            return


# Newest first, and on from the last one: what was deleted before is not visited again.
_DELETE_SOME = """
    with chosen as materialized (
        select id, datetime from items
        where collection = $1 and ($2::timestamptz is null or datetime <= $2)
        order by datetime desc limit $3
    ), gone as (
        delete from items using chosen where items.collection = $1 and items.id = chosen.id returning items.datetime
    )
    select count(*), min(datetime) from gone
"""


async def _existing(connection: asyncpg.Connection, collection: str, *, is_last: bool = False) -> bytes:
    content = await _locked(connection, collection, is_last=is_last)
    if content is None:
        raise NotFoundError(f"There is no collection {collection!r}")
    return content


# Only who deletes a collection has to wait for those who write its items, and they for him.
_LOCK_COLLECTION = "select content from collections where id = $1 for no key update"
_LOCK_LAST = "select content from collections where id = $1 for update"


async def _locked(connection: asyncpg.Connection, collection: str, *, is_last: bool) -> bytes | None:
    """What is served of a collection that nobody else changes until the transaction ends, None where there is none.

    Where the collection `is_last` of its id, nobody writes items of it meanwhile.
    """
    return await connection.fetchval(_LOCK_LAST if is_last else _LOCK_COLLECTION, collection)

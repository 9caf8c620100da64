"""Edits: what one request writes, in one transaction: whole, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.errors import ConflictError, DocumentError, NotFoundError, Refusal, RefusedError
from satapi.ingest.store import delete_item, locked_item, retried, store_items

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import asyncpg

    from satapi.ingest.prepare import Row


async def insert_items(connection: asyncpg.Connection, rows: Sequence[Row]) -> None:
    """Insert items, all of them or none. Raises RefusedError, and ConflictError where writers keep changing them."""
    async with connection.transaction():
        stored = await store_items(connection, rows, "insert")
        if stored.refused:
            refusals = [Refusal(at, rows[at].id, *refused) for at, refused in sorted(stored.refused.items())]
            raise RefusedError(refusals, len(rows))


async def insert_item(connection: asyncpg.Connection, row: Row) -> None:
    """Insert one item. Raises NotFoundError, ConflictError and DocumentError."""
    try:
        await insert_items(connection, [row])
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

"""Refreshing: the words of what is in the catalog, when other members of items are to be searched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from satapi.ingest.store import retried
from satapi.ingest.vectors import COLLECTION_MEMBERS, item_vectors, vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import asyncpg

# Rows that are read at a time; those that change are written, and held, together.
_CHUNK_ROWS = 5_000


async def members(connection: asyncpg.Connection) -> list[str]:
    """The members of properties whose words items have."""
    return await connection.fetchval("select members from free_text")


async def choose(connection: asyncpg.Connection, names: Sequence[str]) -> None:
    """Give items that are stored from now on the words of these members; waits for batches that are being stored."""
    await connection.execute("update free_text set members = $1", list(dict.fromkeys(names)))


async def refresh(connection: asyncpg.Connection, on_progress: Callable[[int], None] | None = None) -> int:
    """Make the words of all items and collections anew, and return how many rows have others now.

    Searches, loads and moves to partitions go on; an item that is loaded meanwhile has its new words already.
    `on_progress` gets the number of items that are read. Raises ConflictError when others keep changing the same items.
    """
    changed = await _collections(connection)
    read, last = 0, ("", "")
    while rows := await connection.fetch(_ITEMS, *last, _CHUNK_ROWS):
        collections = {row["collection"] for row in rows}
        done, is_whole = await retried(connection, partial(_renew, connection, rows, sorted(collections)), collections)
        changed += done
        if not is_whole:
            # A move gives rows other versions, and not other words: they are read again.
            continue
        last = rows[-1]["id"], rows[-1]["collection"]
        read += len(rows)
        if on_progress is not None:
            on_progress(read)
    await connection.execute("analyze items")
    return changed


async def _renew(
    connection: asyncpg.Connection, rows: Sequence[asyncpg.Record], collections: Sequence[str]
) -> tuple[int, bool]:
    """Write the words of rows that have others; how many these were, and whether all were still as they were read."""
    # First, as all writers do: a move that has its collection waits for those who read the table items.
    await connection.execute(_HOLD, collections)
    words = await item_vectors(connection)
    made = [(row, words.of(row["properties"].encode())) for row in rows]
    others = [(row, vector) for row, vector in made if row["words"] != vector]
    written = await connection.execute(
        _UPDATE_ITEMS,
        *([row[name] for row, _ in others] for name in ("collection", "id", "version")),
        [vector for _, vector in others],
    )
    done = int(written.rpartition(" ")[2])
    return done, done == len(others)


_HOLD = "select from collections where id = any($1::text[]) order by id for key share"

_ITEMS = """
    select id, collection, properties::text, words, xmin::text as version
    from items
    where (id, collection) > ($1, $2)
    order by id, collection
    limit $3
"""

_UPDATE_ITEMS = """
    update items as i
    set words = made.words
    from unnest($1::text[], $2::text[], $3::text[], $4::tsvector[]) as made (collection, id, version, words)
    where i.collection = made.collection and i.id = made.id and i.xmin = made.version::xid
"""


async def _collections(connection: asyncpg.Connection) -> int:
    words = vectors(COLLECTION_MEMBERS)
    async with connection.transaction():
        rows = await connection.fetch("select id, content, words from collections order by id for no key update")
        others = [(row["id"], vector) for row in rows if row["words"] != (vector := words.of(row["content"]))]
        await connection.executemany("update collections set words = $2 where id = $1", others)
    return len(others)

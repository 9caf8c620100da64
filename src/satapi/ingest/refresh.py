"""Refreshing: the words of what is in the catalog, when other members of items are to be searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    """Make the words of all items and collections anew, and return how many rows had others.

    Searches and loads go on; an item that is written meanwhile has its new words already. `on_progress` gets the number
    of items that are read.
    """
    changed = await _collections(connection)
    read, last = 0, ("", "")
    while rows := await connection.fetch(_ITEMS, *last, _CHUNK_ROWS):
        last = rows[-1]["id"], rows[-1]["collection"]
        async with connection.transaction():
            words = await item_vectors(connection)
            made = [(row, words.of(row["properties"].encode())) for row in rows]
            others = [(row, vector) for row, vector in made if row["words"] != vector]
            await connection.execute(
                _UPDATE_ITEMS,
                *([row[name] for row, _ in others] for name in ("collection", "id", "version")),
                [vector for _, vector in others],
            )
        read += len(rows)
        changed += len(others)
        if on_progress is not None:
            on_progress(read)
    await connection.execute("analyze items")
    return changed


_ITEMS = """
    select id, collection, properties::text, words, xmin::text as version
    from items
    where (id, collection) > ($1, $2)
    order by id, collection
    limit $3
"""

# A row that another version has taken the place of has the words of that.
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

"""Extents: collections whose extent and summaries are those of their items, and which collections these are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from satapi.stac import extents
from satapi.stac.extents import Bounds, Kept
from satapi.stac.properties import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg


def _kept(row: asyncpg.Record) -> Kept:
    """What of a collection is made of its items."""
    bounds, found = row["bounds"], row["found"]
    return Kept(None if bounds is None else Bounds(*bounds), None if found is None else read(found))


# Settling ---------------------------------------------------------------------------------------------------------

READ_ITEMS_MAX = 10_000
"""Items of a collection that are read after a request that removed one at an edge."""

# Others write meanwhile, and look after it themselves.
_ROUNDS_MAX = 20


async def settle(connection: asyncpg.Connection, read_items_max: int = READ_ITEMS_MAX) -> None:
    """Make the documents of collections anew whose items have changed, after the transaction that changed them.

    Nobody is waited for: what another session is at is left to it, and it looks again when it has done that. Where an
    item at an edge is gone, collections of at most so many items are read; larger ones may be too wide until a refresh.
    """
    for _ in range(_ROUNDS_MAX):
        if not await connection.fetchval(_IS_UNSETTLED):
            return
        async with connection.transaction():
            folded = await connection.fetchval("select fold_extents()")
            doubted = await connection.fetch(_DOUBTED, read_items_max)
            for row in doubted:
                await connection.execute(READ, row["collection"])
            written = await _write_behind(connection)
        if not (folded or doubted or written):
            return


_IS_UNSETTLED = """
    select
        exists (select from extent_changes)
        or exists (select from extents where (is_behind or is_doubted) and collection is not null)
"""

_DOUBTED = """
    select e.collection
    from extents as e
    where
        e.is_doubted and e.keeps_extent and e.collection is not null
        and (
            select coalesce(sum(counted.items), 0)
            from (
                select items from item_counts where collection = e.collection and day is null
                union all
                select items from item_changes where collection = e.collection
            ) as counted
        ) <= $1
    order by e.collection
    limit 100
    for update of e skip locked
"""

READ = "select read_extent($1)"
"""Reads the items of a collection: its bounds are exact then."""


async def _write_behind(connection: asyncpg.Connection) -> int:
    """Make documents anew that are behind, but for those that somebody else writes; how many."""
    names = [row["id"] for row in await connection.fetch(_HOLD_BEHIND)]
    documents = await _documents(connection, names)
    made = [(name, document.served_for(document.given), document.given) for name, document in documents.items()]
    await connection.executemany(_WRITE, made)
    await connection.execute("update extents set is_behind = false where collection = any($1::text[])", names)
    return len(names)


_HOLD_BEHIND = """
    select c.id
    from extents as e
    inner join collections as c on e.collection = c.id
    where e.is_behind
    order by c.id
    limit 500
    for update of e skip locked
    for no key update of c skip locked
"""

_WRITE = """
    update collections set content = $2, given = $3
    where id = $1 and (content::text <> $2::json::text or given::text is distinct from $3::json::text)
"""


# Documents --------------------------------------------------------------------------------------------------------


class Document(msgspec.Struct, frozen=True):
    """A collection as it is served, as it was given, and what of it is made of its items (None: nothing)."""

    served: bytes
    given: bytes
    kept: Kept | None

    def given_by(self, document: bytes) -> bytes:
        """What a new document, which may be made of the served one, gives."""
        return document if self.kept is None else extents.restored(document, self.served, self.given)

    def served_for(self, given: bytes) -> bytes:
        """What is served when that is given."""
        return given if self.kept is None else extents.made(given, self.kept)


async def locked(connection: asyncpg.Connection, names: Sequence[str]) -> dict[str, Document]:
    """Collections by id, which nobody else changes until the transaction ends; taken in the order of their ids."""
    await connection.execute(_HOLD, names)
    return await _documents(connection, names)


_HOLD = "select from collections where id = any($1::text[]) order by id for no key update"


async def _documents(connection: asyncpg.Connection, names: Sequence[str]) -> dict[str, Document]:
    """Collections that are held: by a statement of its own, which sees what they were waited for."""
    rows = await connection.fetch(_DOCUMENTS, names)
    return {
        row["id"]: Document(
            row["content"],
            row["content"] if row["given"] is None else row["given"],
            _kept(row) if row["is_kept"] else None,
        )
        for row in rows
    }


_DOCUMENTS = """
    select
        c.id, c.content, c.given, e.collection is not null as is_kept,
        case when e.keeps_extent and e.is_known then e.bounds end as bounds,
        case when e.keeps_summaries then coalesce(q.found, '{}') end as found
    from collections as c
    left join extents as e on c.id = e.collection
    left join queryables as q on c.id = q.collection
    where c.id = any($1::text[])
    order by c.id
"""

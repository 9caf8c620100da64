"""Maintained: which collections have an extent and summaries that are true of their items, and making these true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from satapi.db import queryables
from satapi.db.extents import READ, locked, settle
from satapi.db.waiting import readers_ended
from satapi.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import asyncpg


class Keeps(msgspec.Struct, frozen=True):
    """What of a collection is kept true of its items; the rest is as given."""

    extent: bool
    summaries: bool


AS_GIVEN = Keeps(extent=False, summaries=False)


# Choosing ---------------------------------------------------------------------------------------------------------


async def choose(connection: asyncpg.Connection, names: Sequence[str], keeps: Keeps) -> None:
    """Keep the extent or the summaries of collections true from now on, or have them as they were given again.

    What is kept is true after a `refresh`. Raises NotFoundError, and changes nothing then.
    """
    async with connection.transaction():
        found = await locked(connection, names)
        if missing := set(names) - found.keys():
            raise NotFoundError(f"There is no collection {min(missing)!r}")
        if keeps == AS_GIVEN:
            await connection.execute("delete from extents where collection = any($1::text[])", names)
            await connection.execute(_GIVE_BACK, names)
        else:
            await connection.execute(_KEEP, sorted(names), keeps.extent, keeps.summaries)


async def choose_for_new(connection: asyncpg.Connection, keeps: Keeps) -> None:
    """Choose what is kept of collections that are made from now on."""
    await connection.execute(_KEEP_OF_NEW, keeps.extent, keeps.summaries)


_GIVE_BACK = "update collections set content = given, given = null where id = any($1::text[]) and given is not null"

# Bounds that were not kept for a while are no longer known.
_KEEP = """
    insert into extents as e (collection, keeps_extent, keeps_summaries)
    select name, $2, $3 from unnest($1::text[]) as name
    on conflict (collection) do update
    set
        keeps_extent = excluded.keeps_extent,
        keeps_summaries = excluded.keeps_summaries,
        is_known = e.is_known and e.keeps_extent and excluded.keeps_extent,
        is_doubted = e.is_doubted and excluded.keeps_extent,
        is_behind = true
"""

_KEEP_OF_NEW = "update extents set keeps_extent = $1, keeps_summaries = $2 where collection is null"


# Refreshing -------------------------------------------------------------------------------------------------------


async def refresh(
    connection: asyncpg.Connection,
    names: Sequence[str] | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> int:
    """Read the items of collections anew, of all whose extent or summaries are kept, and return how many these are.

    Searches and writers go on, and nothing of theirs is missed. `on_progress` gets the collection that is to be read,
    how many were read, and how many there are to read. Raises NotFoundError, and ConflictError for a collection that
    is as given.
    """
    rows = await connection.fetch(_CHOSEN, names)
    if names is not None:
        if missing := set(names) - {row["id"] for row in rows}:
            raise NotFoundError(f"There is no collection {min(missing)!r}")
        if given := [row["id"] for row in rows if not (row["extent"] or row["summaries"])]:
            raise ConflictError(
                f"The collection {given[0]!r} is as it was given; `satapi collections maintain` changes that"
            )
    kept = [row for row in rows if row["extent"] or row["summaries"]]
    if not all(row["is_known"] for row in kept):
        # Who began to write before an extent was to be kept may not know that.
        await readers_ended(connection, "extents")
    for number, row in enumerate(kept):
        if on_progress is not None:
            on_progress(row["id"], number, len(kept))
        if row["extent"]:
            await connection.execute(READ, row["id"])
        if row["summaries"]:
            await queryables.refresh(connection, row["id"])
        await settle(connection, 0)
    return len(kept)


_CHOSEN = """
    select c.id, coalesce(e.keeps_extent, false) as extent, coalesce(e.keeps_summaries, false) as summaries,
        e.is_known
    from collections as c
    left join extents as e on c.id = e.collection
    where $1::text[] is null or c.id = any($1::text[])
    order by c.id
"""


# Listing ----------------------------------------------------------------------------------------------------------


class Listed(msgspec.Struct, frozen=True):
    """A collection: its items, what of it is kept true of them, and its extent as it is served, as JSON.

    `exact` is whether the extent is that of the items: False where it may be too wide since items were deleted, None
    where it is as given.
    """

    id: str
    items: int
    maintained: list[str]
    bbox: msgspec.Raw
    interval: msgspec.Raw
    exact: bool | None


async def listed(connection: asyncpg.Connection) -> list[Listed]:
    """All collections, by id."""
    return [
        Listed(
            row["id"],
            row["items"],
            [name for name in ("extent", "summaries") if row[name]],
            msgspec.Raw(row["bbox"] or b"null"),
            msgspec.Raw(row["interval"] or b"null"),
            row["is_exact"],
        )
        for row in await connection.fetch(_LISTED)
    ]


_LISTED = """
    with counted as (
        select collection, sum(items)::bigint as items
        from (
            select collection, items from item_counts where day is null and collection is not null
            union all
            select collection, items from item_changes
        ) as kept
        group by collection
    )
    select
        c.id,
        coalesce(counted.items, 0) as items,
        coalesce(e.keeps_extent, false) as extent,
        coalesce(e.keeps_summaries, false) as summaries,
        c.content #> '{extent,spatial,bbox,0}' as bbox,
        c.content #> '{extent,temporal,interval,0}' as interval,
        case
            when e.keeps_extent then
                e.is_known and not e.is_doubted and not e.is_behind
                and not exists (select from extent_changes where collection = c.id)
        end as is_exact
    from collections as c
    left join counted on c.id = counted.collection
    left join extents as e on c.id = e.collection
    order by c.id
"""

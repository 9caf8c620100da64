"""Collections: reading them."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from satapi.query.sql import sql

if TYPE_CHECKING:
    from satapi.db.pool import Database


async def collections(database: Database) -> list[tuple[str, bytes]]:
    """All collections, as (id, content), by id."""
    return [
        (row["id"], row["content"])
        for row in await database.fetch(sql("select id, content from collections order by id"))
    ]


async def collection(database: Database, collection_id: str) -> bytes | None:
    """The content of one collection."""
    rows = await database.fetch(sql("select content from collections where id = {}", collection_id))
    return cast("bytes", rows[0]["content"]) if rows else None


async def exists(database: Database, collection_id: str) -> bool:
    """Whether there is such a collection."""
    return bool(await database.fetch(sql("select 1 from collections where id = {}", collection_id)))


class Title(msgspec.Struct, frozen=True):
    """What a link to a collection says."""

    id: str
    title: str | None


async def titles(database: Database, at_most: int) -> list[Title]:
    """The first collections, by id."""
    rows = await database.fetch(sql("select id, content ->> 'title' from collections order by id limit {}", at_most))
    return [Title(*row) for row in rows]

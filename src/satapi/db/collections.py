"""Collections: pages of a search, and single ones."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from satapi.db import items
from satapi.errors import NotFoundError
from satapi.query.sql import sql
from satapi.stac.search import Position

if TYPE_CHECKING:
    from satapi.db.pool import Database
    from satapi.query.collections import Statement
    from satapi.stac.search import Search


class Found(msgspec.Struct, frozen=True):
    """A page of collections, as (id, content), the number of all matches, and where the pages beside it start.

    `first` is how many the pages before it had.
    """

    collections: list[tuple[str, bytes]]
    first: int
    matched: int
    following: Position | None
    preceding: Position | None


async def found(database: Database, statement: Statement, search: Search) -> Found:
    """A page of a search."""
    text, values = statement.sql.render()
    key = blake2b(repr((text, values, search.position)).encode()).digest()
    remembered = database.remembered.get(key)
    records = await database.fetch(statement.unless(-1 if remembered is None else remembered[0]))
    if remembered is not None and not records:
        return remembered[1]
    page = items.paginate([record for record in records if record["id"] is not None], search, statement.order)
    listed = [(record["id"], record["content"]) for record in page.rows]
    result = Found(listed, page.first, records[0]["matched"], page.following, page.preceding)
    database.remembered.keep(key, records[0]["written"], result)
    return result


class One(msgspec.Struct, frozen=True):
    """The content of a collection, and whether it is as it was given: else a part of it is made of the items."""

    content: bytes
    is_given: bool


async def collection(database: Database, collection_id: str) -> One | None:
    """One collection."""
    asked = sql("select content, given is null as is_given from collections where id = {}", collection_id)
    rows = await database.fetch(asked)
    return One(rows[0]["content"], rows[0]["is_given"]) if rows else None


async def must_exist(database: Database, collection_id: str) -> None:
    """Raises NotFoundError where there is no such collection."""
    if not await database.fetch(sql("select 1 from collections where id = {}", collection_id)):
        raise NotFoundError(f"There is no collection {collection_id!r}")


class Title(msgspec.Struct, frozen=True):
    """What a link to a collection says."""

    id: str
    title: str | None


async def titles(database: Database, first: str | None, end: str | None) -> list[Title]:
    """The collections from an id until before another one, by id."""
    rows = await database.fetch(
        sql(
            "select id, document ->> 'title' from collections where id >= {}::text and {} order by id",
            first or "",
            sql("true") if end is None else sql("id < {}", end),
        )
    )
    return [Title(*row) for row in rows]

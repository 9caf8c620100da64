"""Replacing: what the source of a load no longer has is deleted after it, by keys that PostgreSQL remembers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import asyncpg

from satapi.errors import InvalidError, LoadError, SatapiError
from satapi.ingest.background import connected
from satapi.ingest.store import retried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.ingest.prepare import Key
    from satapi.ingest.sources import Reading

_BATCH_ITEMS = 1_000


def check(reading: Reading) -> None:
    """Raises InvalidError where not all of the source is read."""
    if reading.must_be_api or reading.chosen != reading.chosen.without_conditions:
        allowed = "it deletes what the source does not have, so the whole source is to be read, and at one go"
        raise InvalidError("method", "replace", allowed)


class Seen:
    """The keys that a load has stored, as a connection remembers them in a table that is gone with it."""

    def __init__(self, connection: asyncpg.Connection, reading: Reading) -> None:
        """Raises InvalidError where not all of the source is read."""
        check(reading)
        self._connection = connection

    async def begin(self) -> None:
        """Forget those of an earlier load."""
        await self._connection.execute(_BEGIN)

    async def add(self, keys: Sequence[Key]) -> None:
        """Remember keys."""
        copying = self._connection.copy_records_to_table(
            "load_seen", records=keys, columns=("collection", "id"), schema_name="pg_temp"
        )
        await connected(self._connection, copying)

    async def sweep(self) -> int:
        """Delete the items of the collections of all keys that are none of them, and return how many.

        They go in transactions of many, in the order of their keys; searches and other writers go on. Raises LoadError.
        """
        try:
            return await connected(self._connection, _sweep(self._connection))
        except (SatapiError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            state = "Everything is loaded, but not all that the source no longer has is deleted"
            raise LoadError(f"{state}: {error}. The load may be run again.") from error


async def _sweep(connection: asyncpg.Connection) -> int:
    await connection.execute(_FIND_MISSING)
    deleted, last = 0, ("", "")
    while keys := await connection.fetch(_SOME_MISSING, *last, _BATCH_ITEMS):
        collections = sorted({key["collection"] for key in keys})
        deleted += await retried(connection, partial(_delete, connection, keys, collections), collections)
        last = keys[-1]["collection"], keys[-1]["id"]
    await connection.execute(_END)
    return deleted


async def _delete(connection: asyncpg.Connection, keys: Sequence[asyncpg.Record], collections: Sequence[str]) -> int:
    # First the collections, as all writers do.
    await connection.execute(_HOLD, collections)
    done = await connection.execute(_DELETE, [key["collection"] for key in keys], [key["id"] for key in keys])
    return int(done.rpartition(" ")[2])


_BEGIN = """
    drop table if exists pg_temp.load_seen;
    create temporary table load_seen (collection text not null, id text not null)
"""

_FIND_MISSING = """
    drop table if exists pg_temp.load_missing;
    analyze pg_temp.load_seen;
    create temporary table load_missing as
    select i.collection, i.id from items as i
    where
        i.collection in (select s.collection from pg_temp.load_seen as s)
        and not exists (select from pg_temp.load_seen as s where s.collection = i.collection and s.id = i.id);
    create index on pg_temp.load_missing (collection, id)
"""

_SOME_MISSING = """
    select collection, id from pg_temp.load_missing
    where (collection, id) > ($1, $2)
    order by collection, id
    limit $3
"""

_END = "drop table pg_temp.load_seen; drop table pg_temp.load_missing"

_HOLD = "select from collections where id = any($1::text[]) order by id for key share"

_DELETE = """
    delete from items as i using unnest($1::text[], $2::text[]) as k (collection, id)
    where i.collection = k.collection and i.id = k.id
"""

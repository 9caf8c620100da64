"""What loads tell of properties: written only where it is new, never lost to a refresh, and read anew on demand."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from satapi.db.pool import connect
from satapi.db.queryables import define, forget, refresh
from satapi.errors import ConflictError, NotFoundError
from satapi.ingest.prepare import Row, prepare_items
from satapi.ingest.store import store_items
from satapi.settings import Settings
from satapi.stac.properties import Found, Properties, read
from serving import collection, item
from serving import store as store_now

if TYPE_CHECKING:
    import asyncpg


def rows(*numbers: int, collection_id: str = "a") -> list[Row]:
    documents = [item(collection_id, f"{number:03}", properties={"n": number}) for number in numbers]
    prepared = prepare_items([json.dumps(document).encode() for document in documents])
    return [row for row in prepared if isinstance(row, Row)]


async def known(connection: asyncpg.Connection, collection_id: str | None) -> Properties:
    text = await connection.fetchval(
        "select found from queryables where collection is not distinct from $1", collection_id
    )
    return read(text or b"{}")


def bounds(found: Properties) -> tuple[object, object]:
    return found["n"].least, found["n"].greatest


@pytest.fixture
async def catalog(connection: asyncpg.Connection, database: str) -> asyncpg.Connection:
    store_now(database, [collection("a"), collection("b")])
    return connection


async def test_what_is_no_news_is_not_written(catalog: asyncpg.Connection) -> None:
    await store_items(catalog, rows(1, 50, *range(20, 40)), "upsert")
    version = "select array_agg(xmin::text order by collection) from queryables"
    before = await catalog.fetchval(version)
    await store_items(catalog, rows(*range(2, 19)), "upsert")
    assert await catalog.fetchval(version) == before
    await store_items(catalog, rows(*range(51, 70)), "upsert")
    assert await catalog.fetchval(version) != before
    assert bounds(await known(catalog, "a")) == (1, 69)
    assert bounds(await known(catalog, None)) == (1, 69)


async def test_loads_of_one_collection_that_tell_nothing_new_do_not_wait_for_each_other(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await store_items(catalog, rows(*range(0, 100, 2)), "upsert")
    async with catalog.transaction(), asyncio.timeout(20):
        await store_items(catalog, rows(*range(1, 40, 2)), "upsert")
        await store_items(beside, rows(*range(51, 90, 2)), "upsert")


async def test_loads_that_widen_at_the_same_time_are_both_counted(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await asyncio.gather(
        *(
            store_items(each, [*rows(*range(first, first + 20)), *rows(first, collection_id="b")], "upsert")
            for each, first in ((catalog, 100), (beside, 300))
        )
    )
    assert bounds(await known(catalog, "a")) == (100, 319)
    assert bounds(await known(catalog, "b")) == (100, 300)
    assert bounds(await known(catalog, None)) == (100, 319)


@pytest.mark.parametrize("of", [None, "a"])
async def test_a_refresh_narrows_what_deletions_left(catalog: asyncpg.Connection, of: str | None) -> None:
    await store_items(catalog, [*rows(*range(100)), *rows(500, collection_id="b")], "upsert")
    await catalog.execute("delete from items where collection = 'a' and id >= '050'")
    seen: list[int] = []
    assert await refresh(catalog, of, seen.append) == (51 if of is None else 50)
    assert seen[-1] == (51 if of is None else 50)
    assert bounds(await known(catalog, "a")) == (0, 49)
    assert bounds(await known(catalog, None)) == (0, 500)


async def test_a_refresh_finds_what_was_written_by_other_means(catalog: asyncpg.Connection) -> None:
    await catalog.execute(
        "insert into items (collection, id, datetime, properties, content) values ('b', 'x', now(), '{\"m\": 1}', '{}')"
    )
    await refresh(catalog)
    assert (await known(catalog, "b"))["m"] == (await known(catalog, None))["m"]
    assert (await known(catalog, "b"))["m"] == Found(frozenset({"integer"}), 1, 1)


async def test_a_refresh_loses_nothing_that_is_stored_meanwhile(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, database: str
) -> None:
    await store_items(catalog, rows(0, 900, *range(100, 200)), "upsert")
    await catalog.execute("delete from items where id in ('000', '900')")
    third = await connect(database, Settings())
    # A load that began before the refresh, and saw that it tells nothing new, ends after the refresh has begun.
    transaction = catalog.transaction()
    await transaction.start()
    await store_items(catalog, rows(850), "upsert")
    refreshing = asyncio.create_task(refresh(beside))
    await asyncio.sleep(0.5)
    assert not refreshing.done()
    # And one begins and ends while it waits.
    await store_items(third, rows(870), "upsert")
    await transaction.commit()
    async with asyncio.timeout(20):
        await refreshing
    for name in ("a", None):
        assert bounds(await known(third, name)) == (100, 870)
    await third.close()


async def test_one_refresh_at_a_time_and_of_collections_that_there_are(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    with pytest.raises(NotFoundError, match="no collection 'none'"):
        await refresh(catalog, "none")
    await beside.execute("select pg_advisory_lock('queryables'::regclass::oid::bigint)")
    with pytest.raises(ConflictError, match="Another refresh"):
        await refresh(catalog)


async def test_definitions_are_of_collections_that_there_are(catalog: asyncpg.Connection) -> None:
    with pytest.raises(NotFoundError, match="no collection 'none'"):
        await define(catalog, "none", {"x": {"type": "string"}})
    await define(catalog, "a", {"x": {"type": "string"}})
    with pytest.raises(NotFoundError, match="defined are x"):
        await forget(catalog, "a", "y")
    await forget(catalog, "a", "x")


async def test_what_is_known_of_a_collection_goes_with_it(catalog: asyncpg.Connection) -> None:
    await store_items(catalog, rows(1), "upsert")
    await catalog.execute("delete from items")
    await catalog.execute("delete from collections where id = 'a'")
    assert await known(catalog, "a") == {}

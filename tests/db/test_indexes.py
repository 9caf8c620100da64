"""Indexes of properties: made online, gone on with after an interruption, moved with their collections, and used."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from satapi.db import indexes
from satapi.db.partitions import merge, separate
from satapi.db.pool import connect
from satapi.errors import ConflictError, InvalidError, NotFoundError
from satapi.ingest.edit import delete_collection
from satapi.query import select
from satapi.query.conditions import Spans
from satapi.query.inventory import ITEMS
from satapi.settings import Settings
from satapi.stac.search import Search, SortKey

_FILL = """
    insert into items (collection, id, datetime, properties, content)
    select 'c' || number % 2, 'item-' || number, timestamptz '2020-01-01' + number * interval '1 hour',
        jsonb_build_object('n', number % 7, 'it''s "x"', number, 'of', jsonb_build_object('x', number)), '{"links":[]}'
    from generate_series(1, 3000) as number
"""
NAMES = ("n", 'it\'s "x"', "of.x", "none % $1")


@pytest.fixture
async def catalog(connection: asyncpg.Connection) -> asyncpg.Connection:
    await connection.execute("insert into collections (id, content) values ('c0', '{}'), ('c1', '{}')")
    await connection.execute(_FILL)
    return connection


async def used(connection: asyncpg.Connection, name: str, collection: str | None = None) -> bool:
    """Whether a search in order of the property reads an index of it, wherever else there is a choice."""
    search = Search(
        limit=10, collections=None if collection is None else (collection,), sortby=(SortKey(name, descending=True),)
    )
    text, values = select.page(search, ITEMS, Spans()).sql.render()
    async with connection.transaction():
        await connection.execute("set local enable_sort = off")
        (plan,) = await connection.fetchrow("explain (format json) " + text, *values)
    found = set(_indexes(json.loads(plan)[0]["Plan"]))
    made = await connection.fetch(
        "select relname from pg_class where pg_get_indexdef(oid) like '%properties%' and relname not like '%cloud%'"
    )
    return not found.isdisjoint(row[0] for row in made)


def _indexes(node: dict[str, object]) -> list[str]:
    own = [node["Index Name"]] if "Index Name" in node else []
    return own + [name for child in node.get("Plans", []) for name in _indexes(child)]


async def owned(connection: asyncpg.Connection) -> set[tuple[str, str]]:
    """The valid indexes of properties, as table and the kind at their end."""
    rows = await connection.fetch(
        "select indrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index "
        "where indisvalid and pg_get_indexdef(indexrelid) like '%properties%' "
        "and pg_get_indexdef(indexrelid) not like '%cloud%'"
    )
    return {(table, "t" if "datetime DESC" in text else "v") for table, text in rows}


@pytest.mark.parametrize("name", NAMES)
async def test_an_index_of_all_is_made_listed_used_and_dropped(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, name: str
) -> None:
    assert not await used(catalog, name)
    await indexes.create(catalog, beside, "properties." + name)
    (listed,) = await indexes.indexes(catalog)
    assert (listed.property, listed.collection, listed.ready) == (name, None, True)
    assert listed.bytes > 0
    assert await used(catalog, name)
    assert await owned(catalog) == {(table, kind) for table in ("items", "items_default") for kind in "vt"}
    # Again there is nothing to do.
    await indexes.create(catalog, beside, name)
    await indexes.drop(catalog, name)
    assert (await indexes.indexes(catalog), await owned(catalog)) == ([], set())
    with pytest.raises(NotFoundError, match="There is no index"):
        await indexes.drop(catalog, name)


async def test_what_an_interruption_has_left_is_built_anew(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, database: str
) -> None:
    # A writer that does not end keeps the build waiting; then it is cut off.
    writing = beside.transaction()
    await writing.start()
    await beside.execute("update items_default set created = now() where id = 'item-1'")
    third = await connect(database, Settings())
    watching = await connect(database, Settings())
    building = asyncio.create_task(indexes.create(catalog, watching, "n"))
    async with asyncio.timeout(20):
        done = False
        while not done:
            done = await third.fetchval("select count(pg_cancel_backend(pid)) > 0 from pg_stat_progress_create_index")
            await asyncio.sleep(0.05)
        with pytest.raises(asyncpg.QueryCanceledError):
            await building
    await writing.rollback()
    (listed,) = await indexes.indexes(catalog)
    assert not listed.ready
    await indexes.create(catalog, third, "n")
    (listed,) = await indexes.indexes(catalog)
    assert listed.ready
    assert ("items_default", "v") in await owned(catalog)
    assert await catalog.fetchval("select count(*) from pg_index where not indisvalid") == 0
    await third.close()
    await watching.close()


async def test_a_collection_moves_with_the_indexes_of_all(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await indexes.create(catalog, beside, "n")
    await separate(catalog, beside, "c0")
    own = await catalog.fetchval("select tableoid::regclass::text from items where collection = 'c0' limit 1")
    everywhere = {(table, kind) for table in ("items", "items_default", own) for kind in "vt"}
    assert await owned(catalog) == everywhere
    assert await used(catalog, "n")
    # One that is made when there are several partitions.
    await indexes.drop(catalog, "n")
    await indexes.create(catalog, beside, "n")
    assert await owned(catalog) == everywhere
    await merge(catalog, "c0")
    assert await owned(catalog) == {(table, kind) for table in ("items", "items_default") for kind in "vt"}


async def test_a_collection_moves_with_indexes_of_its_own(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await indexes.create(catalog, beside, "n", "c0")
    assert await owned(catalog) == {("items_default", kind) for kind in "vt"}
    assert await used(catalog, "n", "c0")
    assert not await used(catalog, "n")
    await separate(catalog, beside, "c0")
    own = await catalog.fetchval("select tableoid::regclass::text from items where collection = 'c0' limit 1")
    assert await owned(catalog) == {(own, kind) for kind in "vt"}
    assert await used(catalog, "n", "c0")
    await merge(catalog, "c0")
    assert await owned(catalog) == {("items_default", kind) for kind in "vt"}
    await indexes.drop(catalog, "n", "c0")
    assert await owned(catalog) == set()


@pytest.mark.parametrize("collection", ["b\\x", "it's", "\\'"])
async def test_an_index_of_a_collection_is_in_its_own_partition_whatever_its_id_is(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, collection: str
) -> None:
    await catalog.execute("insert into collections (id, content) values ($1, '{}')", collection)
    await catalog.execute("update items set collection = $1 where collection = 'c1'", collection)
    await separate(catalog, beside, collection)
    own = await catalog.fetchval("select tableoid::regclass::text from items where collection <> 'c0' limit 1")
    await indexes.create(catalog, beside, "n", collection)
    assert await owned(catalog) == {(own, kind) for kind in "vt"}


async def _left(connection: asyncpg.Connection) -> int:
    """How many indexes of properties there are, and statistics with them."""
    return await connection.fetchval(
        "select (select count(*) from pg_statistic_ext) + (select count(*) from pg_index "
        "where pg_get_indexdef(indexrelid) like '%properties%' and pg_get_indexdef(indexrelid) not like '%cloud%')"
    )


async def test_a_collection_takes_the_indexes_of_its_own_along_when_it_is_deleted(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    for collection in ("c0", "c1"):
        await indexes.create(catalog, beside, "n", collection)
    await separate(catalog, beside, "c0")
    await indexes.create(catalog, beside, "of.x", "c1")
    await indexes.create(catalog, beside, "of.x")
    before = await _left(catalog)
    await delete_collection(catalog, "c1", lambda _: None, cascade=True)
    assert await _left(catalog) == before - 6
    await delete_collection(catalog, "c0", lambda _: None, cascade=True)
    assert await owned(catalog) == {(table, kind) for table in ("items", "items_default") for kind in "vt"}
    assert [each.collection for each in await indexes.indexes(catalog)] == [None]


async def test_a_collection_is_deleted_while_another_moves_and_its_indexes_are_taken_again(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await indexes.create(catalog, beside, "n", "c1")
    await beside.execute("select pg_advisory_lock('items'::regclass::oid::bigint)")
    await delete_collection(catalog, "c1", lambda _: None, cascade=True)
    await beside.execute("select pg_advisory_unlock('items'::regclass::oid::bigint)")
    assert await catalog.fetchval("select array_agg(id) from collections") == ["c0"]
    await catalog.execute("insert into collections (id, content) values ('c1', '{}')")
    await indexes.create(catalog, beside, "n", "c1")
    await indexes.drop(catalog, "n", "c1")
    assert await _left(catalog) == 0


@pytest.mark.parametrize("name", ["id", "collection", "datetime", "updated", "geometry", "assets", ""])
async def test_what_needs_no_index_gets_none(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, name: str
) -> None:
    with pytest.raises(InvalidError, match="allowed are members"):
        await indexes.create(catalog, beside, name)


async def test_no_index_is_made_of_unknown_collections_or_during_a_move(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    with pytest.raises(NotFoundError, match="no collection 'none'"):
        await indexes.create(catalog, beside, "n", "none")
    await beside.execute("select pg_advisory_lock('items'::regclass::oid::bigint)")
    with pytest.raises(ConflictError, match="wait for its end"):
        await indexes.create(catalog, beside, "n")


async def test_statistics_tell_rare_values_from_common_ones(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await catalog.execute("update items set properties = properties || '{\"n\": 99}' where id = 'item-5'")
    for collection in (None, "c1"):
        await indexes.create(catalog, beside, "n", collection)
        where = "" if collection is None else " and collection = 'c1'"
        rows = [
            json.loads(
                await catalog.fetchval(
                    "explain (format json) select from items where nullif(properties -> 'n', 'null') = $1::text::jsonb"
                    + where,
                    value,
                )
            )[0]["Plan"]["Plan Rows"]
            for value in ("99", "3")
        ]
        assert rows[0] <= 5
        assert rows[1] > 100
        await indexes.drop(catalog, "n", collection)

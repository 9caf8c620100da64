"""Partitions: what moves is what was there, whatever else is written and read meanwhile."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import asyncpg
import pytest

from satapi.db.move import Move, let_in
from satapi.db.partitions import large, merge, partitions, separate
from satapi.db.pool import connect
from satapi.errors import ConflictError, NotFoundError, PartitionError
from satapi.ingest.load import load_collections, load_items
from satapi.settings import Settings
from serving import execute

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAMES = ("large", 'it\'s; a "small" one')


def item(collection: str, number: int, version: int = 0) -> str:
    return json.dumps(
        {
            "type": "Feature",
            "id": f"{number:06}",
            "collection": collection,
            "geometry": {"type": "Point", "coordinates": [number % 180, number % 90]},
            "properties": {"datetime": f"20{number % 30:02}-01-01T00:00:00Z", "version": version},
            "assets": {},
        }
    )


def write(folder: Path, lines: Iterable[str], name: str = "items.ndjson") -> str:
    (folder / name).write_text("".join(line + "\n" for line in lines))
    return str(folder / name)


@pytest.fixture
async def catalog(connection: asyncpg.Connection, tmp_path: Path) -> asyncpg.Connection:
    collections = [json.dumps({"type": "Collection", "id": name}) for name in NAMES]
    await load_collections(connection, [write(tmp_path, collections, "collections.ndjson")])
    await load_items(connection, [write(tmp_path, (item(name, number) for name in NAMES for number in range(2_000)))])
    return connection


async def rows(connection: asyncpg.Connection, collection: str) -> list[tuple[object, ...]]:
    found = await connection.fetch("select * from items where collection = $1 order by id", collection)
    return [tuple(row) for row in found]


async def where(connection: asyncpg.Connection, collection: str) -> set[str]:
    found = await connection.fetch(
        "select distinct tableoid::regclass::text from items where collection = $1", collection
    )
    return {row[0] for row in found}


@pytest.mark.parametrize("name", NAMES)
async def test_a_collection_moves_out_and_back(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, name: str
) -> None:
    before = {each: await rows(catalog, each) for each in NAMES}
    steps: list[tuple[int, int]] = []
    assert await separate(catalog, beside, name, lambda done, total: steps.append((done, total))) == 2_000
    assert steps[-1] == (2_000, 2_000)
    assert {each: await rows(catalog, each) for each in NAMES} == before
    (own,) = await where(catalog, name)
    assert own != "items_default"
    shared, moved = await partitions(catalog)
    assert (shared.name, shared.items, moved.items) == ("items_default", 2_000, 2_000)
    assert (shared.collection, moved.collection) == (None, name)
    with pytest.raises(ConflictError, match="a partition of its own already"):
        await separate(catalog, beside, name)
    assert await merge(catalog, name) == 2_000
    assert {each: await rows(catalog, each) for each in NAMES} == before
    assert await where(catalog, name) == {"items_default"}
    with pytest.raises(ConflictError, match="in the shared partition already"):
        await merge(catalog, name)


async def test_what_is_written_and_read_meanwhile_is_whole(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, database: str, tmp_path: Path
) -> None:
    """New, changed, unchanged and deleted items of the collection, and of another; readers see all items always."""
    name, other = NAMES
    going = True
    expected = dict.fromkeys(range(2000), 0)

    async def write_on() -> None:
        connection = await connect(database, Settings())
        version = 0
        while going:
            version += 1
            numbers = [number for number in range(5_000) if number % 7 == version % 7 and number % 11]
            file = write(tmp_path, (item(each, number, version) for each in NAMES for number in numbers), "more.ndjson")
            await load_items(connection, [file], batch_size=100)
            expected.update(dict.fromkeys(numbers, version))
            async with connection.transaction():
                await connection.execute("select from collections where id = any($1) for key share", list(NAMES))
                await connection.execute(
                    "delete from items where id = $1 and collection = any($2)", f"{version * 11:06}", list(NAMES)
                )
            expected.pop(version * 11, None)
        await connection.close()

    async def read_on() -> None:
        connection = await connect(database, Settings())
        while going:
            # Items that are always there.
            found = await connection.fetchval(
                "select count(*) from items where collection = $1 and id = '000000'", name
            )
            assert found == 1
        await connection.close()

    others = [asyncio.ensure_future(write_on()), asyncio.ensure_future(read_on())]
    await asyncio.sleep(0.3)
    await separate(catalog, beside, name, lambda _, __: None)
    await asyncio.sleep(0.3)
    going = False
    await asyncio.gather(*others)
    stored = [
        dict(
            await catalog.fetch(
                "select id::int, (properties ->> 'version')::int from items where collection = $1", each
            )
        )
        for each in (name, other)
    ]
    assert stored == [expected, expected]
    assert await where(catalog, name) != {"items_default"}


async def test_a_move_that_was_interrupted_loses_nothing_and_is_begun_anew(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, database: str
) -> None:
    before = await rows(catalog, NAMES[0])
    moving = await connect(database, Settings())

    def interrupt(_: int, __: int) -> None:
        moving.terminate()

    with pytest.raises(PartitionError, match=r"The move of the collection 'large' stopped: .*connection"):
        await separate(moving, beside, NAMES[0], interrupt)
    assert await rows(catalog, NAMES[0]) == before
    assert await separate(catalog, beside, NAMES[0]) == 2_000
    assert await rows(catalog, NAMES[0]) == before


async def test_a_move_that_fails_leaves_nothing_behind(catalog: asyncpg.Connection, beside: asyncpg.Connection) -> None:
    async def tables() -> list[tuple[str]]:
        found = await catalog.fetch("select relname from pg_class where relname ~ '^(items_|moved)' and relkind = 'r'")
        return [tuple(row) for row in found]

    def fail(_: int, __: int) -> None:
        raise ValueError("nobody wants to know")

    with pytest.raises(ValueError, match="nobody wants to know"):
        await separate(catalog, beside, NAMES[0], fail)
    assert await tables() == [("items_default",)]
    assert await separate(catalog, beside, NAMES[0]) == 2_000


async def test_a_collection_that_is_deleted_while_it_moves_leaves_no_partition(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, database: str
) -> None:
    def delete(copied: int, total: int) -> None:
        if copied == total:
            execute(
                database, "delete from items where collection = 'large'", "delete from collections where id = 'large'"
            )

    with pytest.raises(NotFoundError, match="no collection 'large' any longer"):
        await separate(catalog, beside, "large", delete)
    assert [each.collection for each in await partitions(catalog)] == [None]
    assert await catalog.fetchval("select count(*) from pg_class where relname like 'items_large%'") == 0


async def test_what_is_broken_off_after_its_commit_is_kept(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    before = await rows(catalog, NAMES[0])
    await separate(catalog, beside, NAMES[0])
    # What a Ctrl-C does when PostgreSQL has committed the last step and has not yet said so.
    with pytest.raises(asyncio.CancelledError):
        async with Move(catalog, NAMES[0]).whole_or_not():
            raise asyncio.CancelledError
    assert await rows(catalog, NAMES[0]) == before


async def test_a_load_lets_in_what_a_move_that_was_killed_keeps_out(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, tmp_path: Path
) -> None:
    for name in NAMES:
        await Move(catalog, name).keep_out()
    more = [item(name, number) for number in range(2_000, 2_300) for name in NAMES]
    report = await load_items(catalog, [write(tmp_path, more, "more.ndjson")], batch_size=50)
    assert (report.inserted, report.bad) == (600, 0)
    left = await catalog.fetch("select conname from pg_constraint where conname ~ '_moves$'")
    assert left == []
    assert await catalog.fetchval("show lock_timeout") == "0"
    assert await separate(catalog, beside, NAMES[0]) == 2_300


async def test_nobody_is_let_in_while_a_move_holds_its_collection(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, database: str
) -> None:
    async def constraints() -> int:
        return await catalog.fetchval("select count(*) from pg_constraint where conname ~ '_moves$'")

    loading = await connect(database, Settings())
    await Move(catalog, "large").keep_out()
    with pytest.raises(asyncpg.CheckViolationError) as violated:
        await loading.execute(
            "insert into items (collection, id, datetime, properties, content) "
            "values ('large', 'new', '2020-01-01Z', '{}', '{}')"
        )
    await loading.execute("set lock_timeout = '100ms'")
    async with beside.transaction():
        await beside.execute("select from collections where id = 'large' for update")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await let_in(loading, ["large"], violated.value)
        assert await constraints() == 1
    assert await let_in(loading, ["large"], violated.value)
    assert await constraints() == 0
    await loading.close()


async def test_a_move_that_lost_its_hold_and_its_constraint_changes_nothing(catalog: asyncpg.Connection) -> None:
    before = await rows(catalog, NAMES[0])
    move = Move(catalog, NAMES[0])
    await move.begin()
    assert [copied async for copied in move.copy()] == [2_000]
    with pytest.raises(asyncpg.UndefinedObjectError):
        await move.finish()
    assert await rows(catalog, NAMES[0]) == before
    assert await where(catalog, NAMES[0]) == {"items_default"}


async def test_one_moves_at_a_time_and_only_what_exists(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, database: str
) -> None:
    with pytest.raises(NotFoundError, match="There is no collection 'nothing'"):
        await separate(catalog, beside, "nothing")
    third = await connect(database, Settings())
    await third.execute("select pg_advisory_lock('items'::regclass::oid::bigint)")
    with pytest.raises(ConflictError, match="Another collection is being moved"):
        await merge(catalog, NAMES[0])
    await third.close()


async def test_large_collections_are_known_by_the_statistics(catalog: asyncpg.Connection) -> None:
    await catalog.execute("analyze items")
    assert await large(catalog, 1_900) == sorted(NAMES)
    assert await large(catalog, 2_100) == []

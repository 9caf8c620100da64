"""The change feed has each change once, in an order in which it can be followed, whoever writes and however."""

from __future__ import annotations

import asyncio
import os
import subprocess
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

import asyncpg
import msgspec
import pytest

from feeds import Copy, collection_row, one_page, place_of, read, row
from satapi.db import changes
from satapi.db.partitions import merge, separate
from satapi.db.pool import connect
from satapi.db.queryables import refresh as refresh_queryables
from satapi.errors import ConflictError, GoneError, InvalidError, NotFoundError
from satapi.ingest import refresh
from satapi.ingest.edit import delete_collection, edit_collection, edit_item
from satapi.ingest.load import load_items
from satapi.ingest.store import store_collections, store_items
from satapi.settings import Settings
from satapi.stac import changes as tokens
from satapi.stac.changes import Place
from serving import collection, execute, item, store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from satapi.ingest.prepare import Row

NAMES = ("a", "b", "c")

INSERT = """
    insert into satapi.items (collection, id, datetime, properties, content)
    select $1, id, '2020-01-01Z', '{}', '{}' from unnest($2::text[]) as t (id)
"""
DELETE = "delete from satapi.items where collection = $1 and id = any($2)"
KEYS = "select 'item', collection, id from items union all select 'collection', id, id from collections"


@asynccontextmanager
async def another(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """One more session."""
    connection = await connect(dsn, Settings())
    try:
        yield connection
    finally:
        await connection.close()


async def test_what_the_api_and_loads_write_is_recorded_and_what_changes_nothing_is_not(
    connection: asyncpg.Connection,
) -> None:
    start = await place_of(connection, "now")
    await store_collections(connection, [collection_row("a")], "upsert")
    await store_items(connection, [row("a", "1"), row("a", "2")], "upsert")
    await store_items(connection, [row("a", "1"), row("a", "2", 1), row("a", "3")], "upsert")
    await store_items(connection, [row("a", "1", 1)], "ignore")
    await store_items(connection, [row("a", "1", 1)], "insert")
    await store_collections(connection, [collection_row("a")], "upsert")
    await store_collections(connection, [collection_row("a", 1)], "upsert")
    await edit_item(connection, "a", "3", lambda _: row("a", "3", 1))
    await edit_item(connection, "a", "3", lambda _: row("a", "3", 1))
    await edit_item(connection, "a", "1", lambda _: None)
    await edit_collection(connection, "a", lambda _: collection_row("a", 2))
    await delete_collection(connection, "a", lambda _: None, cascade=True)
    found, behind = await read(connection, start)
    assert found == [
        ("collection", "insert", "a", "a"),
        ("item", "insert", "a", "1"),
        ("item", "insert", "a", "2"),
        *sorted([("item", "update", "a", "2"), ("item", "insert", "a", "3")], key=found.index),
        ("collection", "update", "a", "a"),
        ("item", "update", "a", "3"),
        ("item", "delete", "a", "1"),
        ("collection", "update", "a", "a"),
        *sorted([("item", "delete", "a", "2"), ("item", "delete", "a", "3")], key=found.index),
        ("collection", "delete", "a", "a"),
    ]
    assert await read(connection, behind) == ([], behind)


async def test_moves_and_refreshes_are_no_changes(
    database: str, connection: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    store(database, map(collection, NAMES), [item(name, str(number)) for name in NAMES for number in range(20)])
    _, start = await read(connection)
    await separate(connection, beside, "b")
    await refresh.choose(connection, ["title", "description", "version"])
    await connection.execute("update items set words = ''")
    await connection.execute("update collections set words = ''")
    assert await refresh.refresh(connection)
    await refresh_queryables(connection)
    await merge(connection, "b")
    await connection.execute("update collections set span_after = '1 day'")
    assert (await read(connection, start))[0] == []
    # An item that moves to another collection is another one.
    await connection.execute("update items set collection = 'b', id = 'moved' where collection = 'a' and id = '1'")
    assert sorted((await read(connection, start))[0]) == [
        ("item", "delete", "a", "1"),
        ("item", "insert", "b", "moved"),
    ]


async def test_what_one_transaction_deletes_and_inserts_again_is_updated(connection: asyncpg.Connection) -> None:
    await connection.execute(INSERT, "a", ["1", "2", "3"])
    await connection.execute(INSERT, "b", ["1"])
    _, start = await read(connection)
    async with connection.transaction():
        await connection.execute("delete from items")
        await connection.execute(INSERT, "a", ["2", "4"])
        # What is undone has not been.
        undone = connection.transaction()
        await undone.start()
        await connection.execute(INSERT, "a", ["3"])
        await connection.execute(DELETE, "a", ["2"])
        await undone.rollback()
        await connection.execute(INSERT, "b", ["1"])
        await connection.execute(DELETE, "b", ["1"])
        await connection.execute(INSERT, "b", ["1"])
    found, behind = await read(connection, start)
    assert sorted(found) == [
        ("item", "delete", "a", "1"),
        ("item", "delete", "a", "3"),
        ("item", "insert", "a", "4"),
        ("item", "update", "a", "2"),
        ("item", "update", "b", "1"),
        ("item", "update", "b", "1"),
    ]
    # In another transaction it was gone meanwhile.
    await connection.execute(DELETE, "a", ["2"])
    await connection.execute(INSERT, "a", ["2"])
    assert (await read(connection, behind))[0] == [("item", "delete", "a", "2"), ("item", "insert", "a", "2")]


async def test_a_large_statement_is_many_rows_and_pages_of_any_size_have_each_id_once(
    connection: asyncpg.Connection,
) -> None:
    ids = [f"{number:05}" for number in range(2_500)]
    await connection.execute(INSERT, "a", ids)
    await connection.execute(INSERT, "b", ["x"])
    assert await connection.fetchval("select max(cardinality(ids)) from changes") == 1_000
    everything, end = await read(connection)
    assert sorted(everything) == [("item", "insert", "a", each) for each in ids] + [("item", "insert", "b", "x")]
    for limit in (7, 999, 2_501):
        assert await read(connection, limit=limit) == (everything, end)
    assert (await read(connection, names=["b", "no"]))[0] == [("item", "insert", "b", "x")]
    # Each change tells where to go on behind it.
    page = await one_page(connection, await place_of(connection, "oldest"), 1_500)
    for at in (0, 700, 1_499):
        place = tokens.place(page.changes[at].place.token)
        assert (await read(connection, place))[0] == everything[at + 1 :]


async def test_pages_of_a_few_collections_go_on_over_many_changes_of_others(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("satapi.query.changes.SCANNED_MAX", 4)
    for number in range(21):
        await connection.execute(INSERT, "b" if number == 17 else "a", [str(number)])
    start = await place_of(connection, "oldest")
    page = await one_page(connection, start, names=["b"])
    assert not page.changes
    assert not page.is_last
    assert page.place > start
    assert (await read(connection, names=["b"]))[0] == [("item", "insert", "b", "17")]


async def test_a_transaction_that_commits_late_is_not_missed(
    connection: asyncpg.Connection, beside: asyncpg.Connection, database: str
) -> None:
    start = await place_of(connection, "now")
    late = beside.transaction()
    await late.start()
    await beside.execute(INSERT, "a", ["late"])
    async with another(database) as other:
        undone = other.transaction()
        await undone.start()
        await other.execute(INSERT, "a", ["undone"])
        await connection.execute(INSERT, "a", ["early"])
        page = await one_page(connection, start)
        assert (page.changes, page.is_last, page.is_held) == ([], True, True)
        found, between = await read(connection, page.place)
        assert found == []
        await late.commit()
        found, between = await read(connection, between)
        assert found == [("item", "insert", "a", "late")]
        assert (await one_page(connection, between)).is_held
        await undone.rollback()
    found, end = await read(connection, between)
    assert found == [("item", "insert", "a", "early")]
    assert not (await one_page(connection, end)).is_held


async def test_who_makes_no_change_holds_nothing_back(
    connection: asyncpg.Connection, beside: asyncpg.Connection, database: str
) -> None:
    start = await place_of(connection, "now")
    async with another(database) as reader:
        writing, reading = beside.transaction(), reader.transaction(isolation="repeatable_read")
        await reading.start()
        await reader.fetch("select from items")
        await writing.start()
        await beside.execute("create table made (id text)")
        await beside.execute("update collections set words = ''")
        await connection.execute(INSERT, "a", ["1"])
        assert (await read(connection, start))[0] == [("item", "insert", "a", "1")]
        await writing.rollback()
        await reading.rollback()


async def test_who_began_first_and_writes_last_comes_last(
    connection: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await connection.execute(INSERT, "a", ["1"])
    _, start = await read(connection)
    async with beside.transaction():
        await beside.execute("select pg_current_xact_id()")
        await connection.execute(DELETE, "a", ["1"])
        await beside.execute(INSERT, "a", ["1"])
    assert (await read(connection, start))[0] == [("item", "delete", "a", "1"), ("item", "insert", "a", "1")]


async def test_who_has_come_as_far_as_changes_are_pruned_has_missed_none(connection: asyncpg.Connection) -> None:
    places: list[Place] = [await place_of(connection, "now")]
    for number in range(6):
        await connection.execute(INSERT, "a", [f"{number}-{each}" for each in range(3)])
        places.append((await read(connection, places[-1]))[1])
    inside = (await one_page(connection, places[2], 1)).changes[0].place
    everything = (await read(connection))[0]
    rows = await connection.fetch("select number from changes order by number")
    await connection.execute(
        "update changes set time = now() - interval '8 days' where number = any($1)", [each[0] for each in rows[:3]]
    )
    assert await changes.prune(connection, 0) == 0
    assert await changes.prune(connection, 7) == 3
    assert await changes.prune(connection, 7) == 0
    for place in (*places[:3], inside):
        with pytest.raises(GoneError, match="pruned; take the token of since=now"):
            await read(connection, place)
    assert (await read(connection, places[3]))[0] == everything[9:]
    assert (await read(connection, "oldest"))[0] == everything[9:]
    assert (await read(connection, f"{datetime.now(UTC):%Y-%m-%d}T00:00:00Z"))[0] == everything[9:]
    with pytest.raises(GoneError, match="Changes since 2020-01-01T00:00:00Z are not all there"):
        await read(connection, "2020-01-01T00:00:00Z")
    # Nor has anybody who was at the end, however long nothing has changed.
    await connection.execute("update changes set time = now() - interval '8 days'")
    assert await changes.prune(connection, 7) == 3
    assert (await read(connection, places[-1]))[0] == []
    with pytest.raises(GoneError):
        await read(connection, places[-2])


async def test_what_may_still_be_held_back_is_not_pruned(
    connection: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    start = await place_of(connection, "now")
    async with beside.transaction():
        await beside.execute(INSERT, "a", ["late"])
        await connection.execute(INSERT, "a", ["1"])
        await connection.execute("update changes set time = now() - interval '8 days'")
        assert await changes.prune(connection, 7) == 0
    assert len((await read(connection, start))[0]) == 2


async def test_a_time_is_a_place(connection: asyncpg.Connection) -> None:
    await connection.execute(INSERT, "a", ["1"])
    await connection.execute("update changes set time = '2020-01-01Z'")
    await connection.execute(INSERT, "a", ["2"])
    assert len((await read(connection, "2019-01-01T00:00:00Z"))[0]) == 2
    assert (await read(connection, "2020-01-01T00:00:00.000001Z"))[0] == [("item", "insert", "a", "2")]
    assert (await read(connection, "2100-01-01T00:00:00Z"))[0] == []


@pytest.mark.parametrize("text", ["", "yesterday", "2020-01-01", "1-2-3", "g" * 16 + "-1-1", "0" * 16 + "-1", "now "])
async def test_what_is_no_place_is_refused(connection: asyncpg.Connection, text: str) -> None:
    with pytest.raises(InvalidError, match=r"since: .* allowed are a token of the change feed, a time"):
        await place_of(connection, text)


def test_a_token_is_its_place() -> None:
    for feed in (0, 1, -1, 2**63 - 1, -(2**63)):
        place = Place(feed, 6, 7)
        assert tokens.place(place.token) == place


async def test_changes_that_were_not_recorded_are_told_of(connection: asyncpg.Connection) -> None:
    await connection.execute(INSERT, "a", ["1"])
    _, before = await read(connection)
    assert not await changes.switch(connection, recording=True)
    assert await changes.switch(connection, recording=False)
    await connection.execute(INSERT, "a", ["2"])
    await store_collections(connection, [collection_row("a")], "upsert")
    assert not (await changes.status(connection)).recording
    with pytest.raises(NotFoundError, match="`satapi changes on`"):
        await read(connection, before)
    assert await changes.switch(connection, recording=True)
    with pytest.raises(GoneError, match="another record of changes"):
        await read(connection, before)
    assert (await read(connection))[0] == []
    await connection.execute(INSERT, "a", ["3"])
    assert (await read(connection))[0] == [("item", "insert", "a", "3")]


async def test_nobody_follows_over_a_truncation(connection: asyncpg.Connection) -> None:
    await connection.execute(INSERT, "a", ["1"])
    _, before = await read(connection)
    await connection.execute("truncate items")
    await connection.execute(INSERT, "a", ["2"])
    with pytest.raises(GoneError):
        await read(connection, before)
    assert (await read(connection))[0] == [("item", "insert", "a", "2")]


async def test_a_token_of_what_is_yet_to_come_is_refused(connection: asyncpg.Connection) -> None:
    """As after the database was set back to an earlier time."""
    place = await place_of(connection, "now")
    with pytest.raises(GoneError):
        await read(connection, Place(place.feed, place.number + 1))


def copy_over(dsn: str, other: str) -> None:
    """Bring the catalog to another database, as backups do."""
    dumped = subprocess.run(["pg_dump", "--schema", "satapi", dsn], capture_output=True, check=True)
    command = ["psql", "--quiet", "--set", "ON_ERROR_STOP=1", other]
    subprocess.run(command, input=dumped.stdout, check=True, stdout=subprocess.DEVNULL)


async def test_the_feed_of_a_restored_database_is_another(
    connection: asyncpg.Connection, database: str, empty_database: str
) -> None:
    await connection.execute(INSERT, "a", ["1"])
    _, before = await read(connection)
    execute(empty_database, "create extension postgis", "create extension btree_gist")
    await asyncio.to_thread(copy_over, database, empty_database)
    async with another(empty_database) as restored:
        with pytest.raises(GoneError):
            await read(restored, before)
        assert (await read(restored))[0] == []
        await restored.execute(DELETE, "a", ["1"])
        assert (await read(restored))[0] == [("item", "delete", "a", "1")]
        await restored.execute("update changes set time = now() - interval '8 days'")
        assert await changes.prune(restored, 7) == 2


async def test_who_is_no_superuser_may_write_and_read(connection: asyncpg.Connection, database: str) -> None:
    name = f"writer_{os.getpid()}_{database[-3:].strip('/_')}"
    for statement in (
        f"create role {name}",
        f"grant usage on schema satapi to {name}",
        f"grant select, insert, update, delete on all tables in schema satapi to {name}",
        f"set role {name}",
    ):
        await connection.execute(statement)
    await connection.execute(INSERT, "a", ["1"])
    assert len((await read(connection))[0]) == 1
    await connection.execute("reset role")
    await connection.execute(f"drop owned by {name}")
    await connection.execute(f"drop role {name}")


async def test_a_load_is_recorded_by_its_batches(connection: asyncpg.Connection, tmp_path: Path) -> None:
    file = tmp_path / "items.ndjson"
    await store_collections(connection, [collection_row("a")], "upsert")
    file.write_bytes(b"\n".join(msgspec.json.encode(item("a", str(number))) for number in range(1_000)))
    _, start = await read(connection)
    await load_items(connection, [str(file)], batch_size=250)
    assert await connection.fetchval("select count(*) from changes where kind = 'item'") == 4
    await load_items(connection, [str(file)], batch_size=250)
    found, _ = await read(connection, start)
    assert sorted(found) == sorted(("item", "insert", "a", str(number)) for number in range(1_000))
    status = await changes.status(connection)
    assert (status.rows, status.changes, status.waiting) == (5, 1_001, 0)


# Many writers -------------------------------------------------------------------------------------------------------


async def _write(dsn: str, seed: int) -> None:
    """Transactions of all kinds, some long and some undone."""
    random = Random(seed)

    def some(count: int) -> list[Row]:
        keys = {(random.choice(NAMES), str(random.randrange(30))) for _ in range(count)}
        return [row(*key, random.randrange(3)) for key in keys]

    async with another(dsn) as connection:
        for _ in range(40):
            match random.randrange(6):
                case 0 | 1:
                    await store_items(connection, some(random.randrange(1, 20)), "upsert")
                case 2:
                    key = (random.choice(NAMES), str(random.randrange(30)))
                    with suppress(NotFoundError):
                        await edit_item(connection, *key, lambda _: None)
                case 3:
                    undone = connection.transaction()
                    await undone.start()
                    await store_items(connection, some(3), "upsert")
                    await asyncio.sleep(random.random() / 20)
                    await undone.rollback()
                case 4:
                    async with connection.transaction():
                        # It has its number long before it commits.
                        await connection.execute("select pg_current_xact_id()")
                        await asyncio.sleep(random.random() / 10)
                        await store_items(connection, some(5), "upsert")
                        await asyncio.sleep(random.random() / 20)
                case _:
                    with suppress(asyncpg.DeadlockDetectedError, ConflictError):
                        async with connection.transaction():
                            names = sorted(random.sample(NAMES, 2))
                            await connection.execute(
                                "delete from items where collection = any($1) and id like $2",
                                names,
                                f"{random.randrange(3)}%",
                            )
                            if random.random() < 0.5:
                                await store_items(connection, some(4), "upsert")


@pytest.mark.parametrize("seed", range(4))
async def test_a_follower_that_is_stopped_and_resumed_sees_each_change_of_many_writers_once(
    database: str, seed: int
) -> None:
    random = Random(seed)
    store(database, map(collection, NAMES))
    copy = Copy()
    async with another(database) as connection:
        if seed % 2:
            await connection.execute("create table items_b partition of items for values in ('b')")
        writing = asyncio.gather(*(_write(database, 100 * seed + number) for number in range(5)))
        token = (await place_of(connection, "oldest")).token
        at_end = False
        while not at_end:
            ended = writing.done()
            page = await one_page(connection, tokens.place(token), random.choice([1, 3, 50, 1_000]))
            kept = page.changes[: random.randrange(len(page.changes) + 1)] if random.random() < 0.5 else page.changes
            for each in kept:
                copy.take((each.kind, each.operation, each.collection, each.id))
            # All that outlives a follower is its token.
            if len(kept) == len(page.changes):
                token = page.place.token
            elif kept:
                token = kept[-1].place.token
            at_end = ended and page.is_last and len(kept) == len(page.changes)
            await asyncio.sleep(random.random() / 50)
        await writing
        assert copy.keys == {tuple(each) for each in await connection.fetch(KEYS)}
        assert copy.changes == await connection.fetchval("select sum(cardinality(ids)) from changes")
        assert copy.changes > 300


async def test_rows_that_are_cut_by_length_go_on_behind(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_PAGE_CHARACTERS", 100)
    await connection.execute(INSERT, "a", [*("x" * length for length in range(1, 40)), "y" * 500])
    page = await one_page(connection, await place_of(connection, "oldest"))
    assert 0 < sum(len(each.id) + 1 for each in page.changes) <= 100
    assert len(set((await read(connection))[0])) == 40


async def test_a_transaction_of_many_statements_tells_of_itself_once(connection: asyncpg.Connection) -> None:
    locks = "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
    async with connection.transaction():
        for number in range(30):
            await connection.execute(INSERT, "a", [str(number)])
            await connection.execute(DELETE, "a", [str(number - 1)])
        assert await connection.fetchval(locks) == 1
    assert await connection.fetchval(locks) == 0

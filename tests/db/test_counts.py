"""The counts of items are those of the items, whoever writes them and however."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import TYPE_CHECKING

import pytest

from satapi.db.migrate import migrate, own_migrations
from satapi.db.partitions import merge, separate
from satapi.db.pool import connect
from satapi.ingest.load import load_collections, load_items
from satapi.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

NAMES = ("a", "b", "c")

# The last migration before there were counts in a release.
FIRST = 2

INSERT = """
    insert into satapi.items (collection, id, datetime, properties, content)
    select $1, id, time, '{}', '{}' from unnest($2::text[], $3::text[]::timestamptz[]) as t (id, time)
"""

KEPT = """
    with kept as (select collection, day, items from item_counts union all {changes}),
        summed as (select collection, day, sum(items)::bigint as items from kept group by 1, 2)
    select collection, day, items from summed where items <> 0 order by 1, 2
"""
CHANGES = "select collection, day, sum(items) from item_changes group by cube (1, 2) having count(*) > 0"
COUNTED = """
    select collection, (datetime at time zone 'UTC')::date, count(*)
    from items group by cube (1, 2) having count(*) > 0 order by 1, 2
"""


async def check(connection: asyncpg.Connection) -> int:
    """All sums are right; gives the number of items."""
    kept = [tuple(row) for row in await connection.fetch(KEPT.replace("{changes}", CHANGES))]
    assert kept == [tuple(row) for row in await connection.fetch(COUNTED)]
    return kept[-1][2] if kept else 0


def times(random: Random, count: int) -> list[str]:
    """Times around midnight in UTC, of few days, in several zones, and the first and the last of all."""
    some = [
        "2020-01-01T00:00:00Z",
        "2020-01-01T23:59:59.999999Z",
        "2020-01-02T00:00:00Z",
        "2020-01-01T23:30:00-01:00",
        "2020-03-01T00:30:00+01:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999Z",
    ]
    return [random.choice(some) for _ in range(count)]


async def write(connection: asyncpg.Connection, random: Random) -> None:
    """Any statement that changes items."""
    ids = [f"{number:02}" for number in random.sample(range(40), random.randrange(8))]
    match random.randrange(8):
        case 0 | 1:
            await connection.execute(
                INSERT + " on conflict do nothing", random.choice(NAMES), ids, times(random, len(ids))
            )
        case 2:
            await connection.execute(
                INSERT + " on conflict (id, collection) do update set datetime = excluded.datetime",
                random.choice(NAMES),
                ids,
                times(random, len(ids)),
            )
        case 3:
            await connection.execute("delete from satapi.items where id = any($1)", ids)
        case 4:
            await connection.execute(
                "update items set datetime = $2::text::timestamptz where id = any($1)", ids, *times(random, 1)
            )
        case 5:
            await connection.execute(
                "update items set collection = $3 where collection = $2 and id = any($1) and not exists "
                "(select from items as there where there.collection = $3 and there.id = items.id)",
                ids,
                *random.sample(NAMES, 2),
            )
        case 6:
            rows = [
                (random.choice(NAMES), f"copied-{random.random()}", "{}", b"{}", at)
                for at in await connection.fetchval("select $1::text[]::timestamptz[]", times(random, len(ids)))
            ]
            await connection.copy_records_to_table(
                "items", records=rows, columns=["collection", "id", "properties", "content", "datetime"]
            )
        case _:
            await connection.execute("select fold_item_changes()")


@pytest.mark.parametrize("seed", range(6))
async def test_they_are_right_after_any_statements_whether_kept_or_undone(
    connection: asyncpg.Connection, seed: int
) -> None:
    random = Random(seed)
    await connection.execute("create table items_b partition of items for values in ('b')")
    await connection.execute("select setseed(0.5)")
    for _ in range(60):
        transaction = connection.transaction(isolation=random.choice(["read_committed", "repeatable_read"]))
        await transaction.start()
        for _ in range(random.randrange(1, 4)):
            await write(connection, random)
        await (transaction.commit() if random.random() < 0.8 else transaction.rollback())
        await check(connection)
    await connection.execute("select fold_item_changes()")
    assert await connection.fetchval("select count(*) from item_changes") == 0
    assert await check(connection) > 0


async def test_they_are_right_after_writers_that_wrote_at_the_same_time(database: str) -> None:
    """Each writes for itself and now and then adds up, so that they meet in all ways; none waits, none fails."""

    async def write_on(seed: int) -> None:
        connection = await connect(database, Settings())
        random = Random(seed)
        for number in range(80):
            async with connection.transaction():
                ids = [f"{seed}-{number}-{each}" for each in range(random.randrange(1, 5))]
                await connection.execute(INSERT, random.choice(NAMES), ids, times(random, len(ids)))
                if random.random() < 0.3:
                    await connection.execute("select fold_item_changes()")
                if random.random() < 0.3:
                    await connection.execute("delete from items where id like $1", f"{seed}-{random.randrange(80)}-%")
        await connection.close()

    await asyncio.gather(*map(write_on, range(4)))
    connection = await connect(database, Settings())
    assert await check(connection) > 0
    await connection.execute("select fold_item_changes()")
    assert await check(connection) > 0
    await connection.close()


async def test_a_writer_adds_up_by_itself_when_much_has_changed(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "insert into items (collection, id, datetime, properties, content) "
        "select 'a', n::text, timestamptz '2020-01-01Z' - n * interval '1 day', '{}', '{}' "
        "from generate_series(1, 60000) as n"
    )
    assert await connection.fetchval("select count(*) from item_changes") == 0
    assert await check(connection) == 60_000


async def test_one_adds_up_at_a_time_and_others_go_on(
    connection: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await connection.execute(INSERT, "a", ["1"], ["2020-01-01T00:00:00Z"])
    async with beside.transaction():
        assert await beside.fetchval("select fold_item_changes()") == 1
        await connection.execute(INSERT, "a", ["2"], ["2020-01-01T00:00:00Z"])
        assert await connection.fetchval("select fold_item_changes()") == 0
        assert await check(connection) == 2
    assert await check(connection) == 2
    assert await connection.fetchval("select fold_item_changes()") == 1
    assert await check(connection) == 2


async def test_truncated_items_are_none(connection: asyncpg.Connection) -> None:
    await connection.execute(INSERT, "a", ["1"], ["2020-01-01T00:00:00Z"])
    await connection.execute("select fold_item_changes()")
    await connection.execute(INSERT, "a", ["2"], ["2020-01-01T00:00:00Z"])
    async with connection.transaction():
        await connection.execute("truncate items")
        await connection.execute(INSERT, "b", ["1", "2", "3"], ["2020-01-01T00:00:00Z"] * 3)
    assert await check(connection) == 3


async def test_a_load_keeps_them_and_adds_them_up_and_moves_change_nothing(
    connection: asyncpg.Connection, beside: asyncpg.Connection, tmp_path: Path
) -> None:
    collections, items = tmp_path / "collections.ndjson", tmp_path / "items.ndjson"
    collections.write_text("".join(json.dumps({"type": "Collection", "id": name}) + "\n" for name in NAMES))
    await load_collections(connection, [str(collections)])

    async def load(version: int, numbers: range) -> None:
        items.write_text(
            "".join(
                json.dumps(
                    {
                        "type": "Feature",
                        "id": str(number),
                        "collection": NAMES[number % 3],
                        "geometry": None,
                        "properties": {"datetime": f"2020-01-{1 + (number + version) % 28:02}T00:00:00Z"},
                        "assets": {},
                    }
                )
                + "\n"
                for number in numbers
            )
        )
        await load_items(connection, [str(items)], batch_size=100)
        assert await connection.fetchval("select count(*) from item_changes") == 0

    await load(1, range(900))
    assert await check(connection) == 900
    await load(2, range(600, 1_500))
    assert await check(connection) == 1_500
    await separate(connection, beside, "b")
    assert await check(connection) == 1_500
    await load(3, range(1_200, 1_800))
    assert await check(connection) == 1_800
    await merge(connection, "b")
    assert await check(connection) == 1_800
    # Adding up, at any time, finds nothing that a move would have left.
    assert await connection.fetchval("select fold_item_changes()") == 0


async def test_a_partition_that_is_emptied_by_its_name_is_counted_anew_by_command(
    connection: asyncpg.Connection,
) -> None:
    await connection.execute("create table items_b partition of items for values in ('b')")
    await connection.execute(INSERT, "a", ["1"], ["2020-01-01T00:00:00Z"])
    await connection.execute(INSERT, "b", ["1", "2"], ["2020-01-01T00:00:00Z"] * 2)
    await connection.execute("truncate items_b")
    await connection.execute("select recount_items()")
    assert await check(connection) == 1


async def test_the_migration_counts_the_items_that_are_there(empty_database: str) -> None:
    connection = await connect(empty_database, Settings())
    await migrate(connection, lambda _: None, [each for each in own_migrations() if each.number <= FIRST])
    await connection.execute(INSERT, "a", ["1", "2"], times(Random(1), 2))
    await connection.execute(INSERT, "c", ["1"], times(Random(2), 1))
    await migrate(connection, lambda _: None)
    assert await connection.fetchval("select count(*) from item_changes") == 0
    assert await check(connection) == 3
    await connection.close()


@pytest.mark.parametrize(
    ("wkt", "middle"),
    [
        ("POINT(5 6)", (5, 6)),
        ("POLYGON((0 0,10 0,10 10,0 10,0 0))", (5, 5)),
        # Cut at the antimeridian.
        ("MULTIPOLYGON(((170 0,180 0,180 10,170 10,170 0)),((-180 0,-170 0,-170 10,-180 10,-180 0)))", (180, 5)),
        ("MULTIPOLYGON(((170 0,180 0,180 10,170 10,170 0)),((-180 0,-150 0,-150 10,-180 10,-180 0)))", (-170, 5)),
        # On both sides of Greenwich, and as wide as the world in one piece.
        ("MULTIPOINT((-80 0),(80 0))", (0, 0)),
        ("POLYGON((-180 -90,180 -90,180 90,-180 90,-180 -90))", (0, 0)),
    ],
)
async def test_the_centroid_of_an_item_lies_in_its_middle(
    connection: asyncpg.Connection, wkt: str, middle: tuple[float, float]
) -> None:
    found = await connection.fetchrow("select st_x(c), st_y(c) from item_centroid(st_geomfromtext($1, 4326)) as c", wkt)
    assert tuple(found) == pytest.approx(middle)

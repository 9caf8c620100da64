"""The extents of collections that are maintained are those of their items, whoever writes these and however."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING

import asyncpg
import pytest
import shapely

from satapi.db import maintained
from satapi.db.extents import settle
from satapi.db.maintained import AS_GIVEN, Keeps
from satapi.db.partitions import merge, separate
from satapi.db.pool import connect
from satapi.errors import ConflictError, NotFoundError
from satapi.ingest.edit import delete_collection
from satapi.ingest.load import load_collections, load_items
from satapi.ingest.prepare import Row, prepare_collection, prepare_items
from satapi.ingest.store import store_collections, store_items
from satapi.settings import Settings
from satapi.stac.extents import Bounds
from serving import collection, item
from serving import store as store_now

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("a", "b", "c")
BOTH = Keeps(extent=True, summaries=True)
EXTENT = Keeps(extent=True, summaries=False)


def geometry(random: Random) -> object:
    """Anywhere, also on both sides of Greenwich and of the antimeridian; some have none."""
    x, y, w = random.uniform(-170, 170), random.uniform(-80, 80), random.uniform(0.001, 9)
    match random.randrange(7):
        case 0:
            return None
        case 1:
            return {"type": "Point", "coordinates": [random.choice([-180, 180, 0, x]), y]}
        case 2:
            return json.loads(
                shapely.to_geojson(
                    shapely.MultiPolygon([shapely.box(180 - w, y, 180, y + w), shapely.box(-180, y, w - 180, y + w)])
                )
            )
        case 3:
            return {"type": "MultiPoint", "coordinates": [[-abs(x), y], [abs(x), y]]}
        case 4:
            return json.loads(shapely.to_geojson(shapely.box(-w, y, w, y + w)))
        case _:
            return json.loads(shapely.to_geojson(shapely.box(x, y, x + w, y + w)))


def random_item(random: Random, name: str, identifier: str) -> dict[str, object]:
    day = f"20{random.randrange(10, 99)}-01-{random.randrange(1, 29):02}"
    properties: dict[str, object] = {"datetime": f"{day}T00:00:0{random.choice(['0', '1.5', '2.123456'])}Z"}
    if random.random() < 0.3:
        properties |= {"start_datetime": f"{day}T00:00:00Z", "end_datetime": f"{day}T23:00:00Z"}
    return item(name, identifier, geometry=geometry(random), properties=properties)


def prepared(documents: list[dict[str, object]]) -> list[Row]:
    rows = prepare_items([json.dumps(document).encode() for document in documents])
    return [row for row in rows if isinstance(row, Row)]


def naive(rows: list[asyncpg.Record]) -> Bounds:
    """The bounds of items, part by part."""
    east: list[float] = []
    west: list[float] = []
    south: list[float] = []
    for row in rows:
        if row["geometry"] is None:
            continue
        shape = shapely.from_wkb(row["geometry"])
        for part in getattr(shape, "geoms", [shape]):
            left, low, right, high = part.bounds
            south += [low, high]
            if right > 0 or left >= 0:
                east += [max(left, 0.0), right]
            if left < 0:
                west += [left, min(right, 0.0)]
    times = [time for row in rows for time in row.values() if isinstance(time, datetime)]
    ends: list[object] = []
    for values in (east, west, south, times):
        ends += [min(values, default=None), max(values, default=None)]
    return Bounds(*ends)


async def true_bounds(connection: asyncpg.Connection, name: str) -> Bounds:
    return naive(
        await connection.fetch(
            "select st_asbinary(geometry) as geometry, datetime, start_datetime, end_datetime "
            "from items where collection = $1",
            name,
        )
    )


async def kept_bounds(connection: asyncpg.Connection, name: str) -> Bounds:
    return Bounds(*await connection.fetchval("select bounds from extents where collection = $1", name))


def holds(whole: Bounds, part: Bounds) -> bool:
    pairs = [(getattr(whole, name), getattr(part, name), name) for name in Bounds.__struct_fields__]
    return all(
        inner is None
        or (
            outer is not None
            and (outer <= inner if name in {"east_from", "west_from", "south", "first_time"} else outer >= inner)
        )
        for outer, inner, name in pairs
    )


async def served(connection: asyncpg.Connection, name: str) -> dict[str, object]:
    return json.loads(await connection.fetchval("select content from collections where id = $1", name))


async def extent(connection: asyncpg.Connection, name: str) -> tuple[object, object]:
    document = await served(connection, name)
    return document["extent"]["spatial"]["bbox"][0], document["extent"]["temporal"]["interval"][0]


async def shown(connection: asyncpg.Connection, name: str, bounds: Bounds) -> bool:
    """Whether the served document, and what searches of collections read, are of these bounds."""
    box, interval = await extent(connection, name)
    given = ([-180, -90, 180, 90], [None, None])
    expected = (given[0] if bounds.box is None else list(bounds.box), list(bounds.interval or given[1]))
    if bounds.first_time is not None:
        columns = await connection.fetchrow("select start_datetime, end_datetime from collections where id = $1", name)
        assert tuple(columns) == (bounds.first_time, bounds.last_time)
    return (box, interval) == expected


@pytest.fixture
async def catalog(connection: asyncpg.Connection, database: str) -> asyncpg.Connection:
    store_now(database, map(collection, NAMES))
    return connection


async def keep(connection: asyncpg.Connection, keeps: Keeps = EXTENT, names: tuple[str, ...] = NAMES) -> None:
    await maintained.choose(connection, names, keeps)
    await maintained.refresh(connection, names)


async def write(connection: asyncpg.Connection, random: Random) -> None:
    """Anything that changes items, kept or undone."""
    name = random.choice(NAMES)
    ids = [f"{number:02}" for number in random.sample(range(60), random.randrange(1, 12))]
    transaction = connection.transaction(isolation=random.choice(["read_committed"] * 4 + ["repeatable_read"]))
    await transaction.start()
    try:
        match random.randrange(7):
            case 0 | 1 | 2:
                documents = [random_item(random, random.choice(NAMES), identifier) for identifier in ids]
                await store_items(connection, prepared(documents), "upsert")
            case 3:
                # The same items otherwise: they are deleted and inserted.
                rows = await connection.fetch("select id from items where collection = $1 limit 5", name)
                documents = [random_item(random, name, row["id"]) for row in rows]
                await store_items(connection, prepared(documents), "upsert")
            case 4:
                await connection.execute("delete from items where collection = $1 and id = any($2)", name, ids)
            case 5:
                await connection.execute(
                    "update items set datetime = datetime + $3::interval, geometry = st_scale(geometry, 0.9, 0.9) "
                    "where collection = $1 and id = any($2)",
                    name,
                    ids,
                    await connection.fetchval("select make_interval(days => $1)", random.randrange(-9, 9)),
                )
            case _:
                await connection.execute(
                    "delete from items where collection = $1 and datetime = "
                    "(select max(datetime) from items where collection = $1)",
                    name,
                )
        await asyncio.sleep(random.choice([0, 0, 0.01]))
    except BaseException:
        await transaction.rollback()
        raise
    if random.random() < 0.2:
        await transaction.rollback()
    else:
        await transaction.commit()


async def written(connection: asyncpg.Connection, random: Random) -> None:
    # What several writers of the same rows may meet, above all those with one snapshot.
    with suppress(asyncpg.SerializationError, asyncpg.DeadlockDetectedError, ConflictError):
        await write(connection, random)


@pytest.mark.parametrize("seed", range(4))
async def test_they_hold_all_items_without_a_refresh_and_are_exact_after_one(
    catalog: asyncpg.Connection, seed: int
) -> None:
    random = Random(seed)
    await keep(catalog)
    for _ in range(60):
        await written(catalog, random)
        await settle(catalog, random.choice([0, 10_000]))
        for name in NAMES:
            bounds, items = await kept_bounds(catalog, name), await true_bounds(catalog, name)
            assert holds(bounds, items)
            assert await shown(catalog, name, bounds)
            if not await catalog.fetchval("select is_doubted from extents where collection = $1", name):
                assert bounds == items
    await maintained.refresh(catalog)
    for name in NAMES:
        assert await kept_bounds(catalog, name) == await true_bounds(catalog, name)


@pytest.mark.parametrize("seed", range(3))
async def test_many_writers_at_once_lose_nothing_while_it_is_chosen_and_refreshed(
    catalog: asyncpg.Connection, database: str, seed: int
) -> None:
    async with AsyncExitStack() as stack:
        writers = [await connect(database, Settings()) for _ in range(4)]
        for writer in writers:
            stack.push_async_callback(writer.close)
        ended = asyncio.Event()

        async def go_on(writer: asyncpg.Connection, random: Random) -> None:
            for _ in range(60):
                await written(writer, random)
                await settle(writer, random.choice([0, 10_000]))

        async def choose() -> None:
            while not ended.is_set():
                await keep(catalog)
                await maintained.refresh(catalog)
                await maintained.choose(catalog, ["b"], AS_GIVEN)
                await asyncio.sleep(0.05)
            await keep(catalog, names=("b",))

        choosing = asyncio.create_task(choose())
        async with asyncio.timeout(60):
            await asyncio.gather(*(go_on(writer, Random(f"{seed} {at}")) for at, writer in enumerate(writers)))
            ended.set()
            await choosing
        for name in NAMES:
            assert holds(await kept_bounds(catalog, name), await true_bounds(catalog, name))
        await settle(catalog)
        for name in NAMES:
            assert await kept_bounds(catalog, name) == await true_bounds(catalog, name)
            assert await shown(catalog, name, await true_bounds(catalog, name))
        assert await catalog.fetchval("select count(*) from extent_changes") == 0


async def test_a_writer_that_began_before_the_choice_is_waited_for(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    transaction = beside.transaction()
    await transaction.start()
    await store_items(beside, prepared([item("a", "1")]), "upsert")
    await maintained.choose(catalog, ["a"], EXTENT)
    refreshing = asyncio.create_task(maintained.refresh(catalog, ["a"]))
    await asyncio.sleep(0.3)
    assert not refreshing.done()
    await transaction.commit()
    async with asyncio.timeout(20):
        await refreshing
    assert (await extent(catalog, "a"))[0] == [10, 50, 10, 50]


def square(name: str, identifier: str, x: float) -> list[Row]:
    """An item that is like others but for its place, so that it is no news for queryables."""
    shape = json.loads(shapely.to_geojson(shapely.box(x, 0, x + 1, 1)))
    return prepared([item(name, identifier, geometry=shape)])


async def test_writers_of_one_collection_do_not_wait_for_each_other(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await store_items(catalog, [row for name in NAMES for row in square(name, "0", 0)], "upsert")
    await keep(catalog)
    async with catalog.transaction(), asyncio.timeout(20):
        await store_items(catalog, square("a", "1", 10), "upsert")
        await store_items(beside, square("a", "2", -10), "upsert")
        await settle(beside)
        assert (await extent(beside, "a"))[0] == [-10, 0, 1, 1]
        # Nor does whoever settles wait for a document that somebody else writes.
        await catalog.execute("select from collections where id = 'b' for update")
        await store_items(beside, square("c", "2", 20), "upsert")
        await settle(beside)
        assert (await extent(beside, "c"))[0] == [0, 0, 21, 1]
    await settle(catalog)
    assert (await extent(catalog, "a"))[0] == [-10, 0, 11, 1]


async def test_a_document_that_somebody_else_writes_is_made_when_he_has_done_so(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await keep(catalog)
    async with beside.transaction():
        await beside.execute("select from collections where id = 'a' for no key update")
        async with asyncio.timeout(20):
            await store_items(catalog, prepared([item("a", "1")]), "upsert")
            await settle(catalog)
        assert (await extent(catalog, "a"))[0] == [-180, -90, 180, 90]
    await settle(beside)
    assert (await extent(catalog, "a"))[0] == [10, 50, 10, 50]


async def test_who_waits_to_replace_a_document_makes_it_of_what_he_waited_for(
    catalog: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    await keep(catalog)
    await store_items(catalog, square("a", "1", 10), "upsert")
    row = prepare_collection(json.dumps(collection("a", title="new")).encode())
    async with beside.transaction():
        await settle(beside)
        replacing = asyncio.create_task(store_collections(catalog, [row], "upsert"))
        await asyncio.sleep(0.3)
        assert not replacing.done()
    async with asyncio.timeout(20):
        await replacing
    assert (await served(catalog, "a"))["title"] == "new"
    assert (await extent(catalog, "a"))[0] == [10, 0, 11, 1]


async def test_an_upsert_leaves_no_doubt_where_the_edges_stay(catalog: asyncpg.Connection) -> None:
    await keep(catalog)
    await store_items(catalog, prepared([item("a", "1", properties={"n": 1})]), "upsert")
    await store_items(catalog, prepared([item("a", "1", properties={"n": 2})]), "upsert")
    await settle(catalog, 0)
    assert [one.exact for one in await maintained.listed(catalog)] == [True, True, True]
    await store_items(catalog, prepared([item("a", "1", geometry=None)]), "upsert")
    await settle(catalog, 0)
    assert [one.exact for one in await maintained.listed(catalog)] == [False, True, True]
    assert (await extent(catalog, "a"))[0] == [10, 50, 10, 50]
    await settle(catalog, 1)
    assert [one.exact for one in await maintained.listed(catalog)] == [True, True, True]
    # Without geometries, as given.
    assert await extent(catalog, "a") == ([-180, -90, 180, 90], ["2024-06-01T00:00:00Z"] * 2)


async def test_collections_without_items_are_as_given(catalog: asyncpg.Connection) -> None:
    given = await catalog.fetchval("select content from collections where id = 'a'")
    await keep(catalog, BOTH)
    assert await catalog.fetchval("select content from collections where id = 'a'") == given
    await store_items(catalog, prepared([item("a", "1")]), "upsert")
    await settle(catalog)
    assert await catalog.fetchval("select content from collections where id = 'a'") != given
    await catalog.execute("truncate items")
    await settle(catalog)
    assert await catalog.fetchval("select content from collections where id = 'a'") == given


async def test_fiji_is_on_both_sides_of_the_antimeridian(catalog: asyncpg.Connection) -> None:
    await keep(catalog)
    points = [[177.25, -18], [-178.5, -16]]
    items = [item("a", str(at), geometry={"type": "Point", "coordinates": point}) for at, point in enumerate(points)]
    await store_items(catalog, prepared(items), "upsert")
    await settle(catalog)
    assert (await extent(catalog, "a"))[0] == [177.25, -18, -178.5, -16]
    meets = (
        "select st_intersects(geometry, st_makepoint($1, -17)::geometry(point, 4326)) from collections where id = 'a'"
    )
    for longitude, is_met in ((178.0, True), (-179.0, True), (0.0, False)):
        found = await catalog.fetchval(
            meets.replace("st_makepoint($1, -17)::geometry(point, 4326)", "st_point($1, -17, 4326)"), longitude
        )
        assert found == is_met


async def test_summaries_follow_the_items(catalog: asyncpg.Connection, database: str) -> None:
    summaries = {"gsd": {"minimum": 1, "maximum": 2}, "platform": ["x"], "own": 3}
    store_now(database, [collection("d", summaries=summaries)])
    await keep(catalog, Keeps(extent=False, summaries=True), ("d",))
    await store_items(
        catalog,
        prepared([item("d", str(n), properties={"gsd": n, "platform": f"p{n}", "other": n}) for n in (5, 7)]),
        "upsert",
    )
    await settle(catalog)
    document = await served(catalog, "d")
    assert document["summaries"] == {"gsd": {"minimum": 5, "maximum": 7}, "platform": ["p5", "p7"], "own": 3}
    assert (await extent(catalog, "d"))[0] == [-180, -90, 180, 90]
    await catalog.execute("delete from items where id = '7'")
    await maintained.refresh(catalog, ["d"])
    assert (await served(catalog, "d"))["summaries"]["platform"] == ["p5"]


async def test_what_was_given_comes_back(catalog: asyncpg.Connection, database: str) -> None:
    document = b'{"type":"Collection","id":"e","x":1E2,"summaries":{"n":[1.00]},"links":[{"rel":"x","href":"y"}]}'
    store_now(database, [document])
    await keep(catalog, BOTH, ("e",))
    await store_items(catalog, prepared([item("e", "1", properties={"n": 2})]), "upsert")
    await settle(catalog)
    now = await catalog.fetchrow("select content, given from collections where id = 'e'")
    assert now["given"] == document
    assert json.loads(now["content"])["summaries"] == {"n": {"minimum": 2, "maximum": 2}}
    await maintained.choose(catalog, ["e"], AS_GIVEN)
    now = await catalog.fetchrow("select content, given from collections where id = 'e'")
    assert tuple(now) == (document, None)
    await store_items(catalog, prepared([random_item(Random(1), "e", "2")]), "upsert")
    await settle(catalog)
    assert await catalog.fetchval("select content from collections where id = 'e'") == document


async def test_new_collections_begin_as_is_said_of_them(catalog: asyncpg.Connection, database: str) -> None:
    await maintained.choose_for_new(catalog, EXTENT)
    store_now(database, [collection("new"), collection("other")], [item("new", "1"), item("a", "1")])
    await settle(catalog)
    assert (await extent(catalog, "new"))[0] == [10, 50, 10, 50]
    assert (await extent(catalog, "a"))[0] == [-180, -90, 180, 90]
    kept = {one.id: (one.items, one.maintained, one.exact) for one in await maintained.listed(catalog)}
    assert kept["new"] == (1, ["extent"], True)
    assert kept["a"] == (1, [], None)
    await maintained.choose_for_new(catalog, AS_GIVEN)
    store_now(database, [collection("newer")])
    assert {one.id: one.maintained for one in await maintained.listed(catalog)}["newer"] == []


async def test_a_load_keeps_them_and_moves_and_deletions_too(
    catalog: asyncpg.Connection, beside: asyncpg.Connection, tmp_path: Path
) -> None:
    await keep(catalog)
    random = Random(3)
    file = tmp_path / "items.ndjson"
    items = [random_item(random, NAMES[number % 3], str(number)) for number in range(900)]
    file.write_text("".join(json.dumps(each) + "\n" for each in items))
    await load_items(catalog, [str(file)], batch_size=50)
    for name in NAMES:
        assert await shown(catalog, name, await true_bounds(catalog, name))
    await separate(catalog, beside, "b")
    await catalog.execute("delete from items where id < '5'")
    await merge(catalog, "b")
    await maintained.refresh(catalog)
    for name in NAMES:
        assert await shown(catalog, name, await true_bounds(catalog, name))
    await delete_collection(catalog, "b", lambda _: None, cascade=True)
    await settle(catalog)
    assert [one.id for one in await maintained.listed(catalog)] == ["a", "c"]
    assert await catalog.fetchval("select count(*) from extent_changes") == 0


async def test_collections_that_are_loaded_again_are_unchanged(catalog: asyncpg.Connection, tmp_path: Path) -> None:
    await keep(catalog)
    await store_items(catalog, prepared([item("a", "1")]), "upsert")
    await settle(catalog)
    file = tmp_path / "collections.ndjson"
    file.write_text("".join(json.dumps(collection(name)) + "\n" for name in NAMES))
    report = await load_collections(catalog, [str(file)])
    assert (report.updated, report.unchanged) == (0, 3)
    file.write_text(json.dumps(collection("a", title="T")) + "\n")
    assert (await load_collections(catalog, [str(file)])).updated == 1
    document = await served(catalog, "a")
    assert (document["title"], document["extent"]["spatial"]["bbox"]) == ("T", [[10, 50, 10, 50]])


async def test_only_maintained_collections_are_refreshed(catalog: asyncpg.Connection) -> None:
    with pytest.raises(ConflictError, match="'a' is as it was given"):
        await maintained.refresh(catalog, ["a"])
    for refused in (maintained.refresh(catalog, ["none"]), maintained.choose(catalog, ["a", "none"], EXTENT)):
        with pytest.raises(NotFoundError, match="no collection 'none'"):
            await refused
    assert await maintained.refresh(catalog) == 0

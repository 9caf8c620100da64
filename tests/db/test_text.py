"""`satapi text`: which members free text searches, and the words of what is there already."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

import serving
from satapi.db.move import Move
from satapi.db.partitions import separate
from satapi.db.pool import connect
from satapi.ingest.refresh import choose, refresh
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    import asyncpg

    from conftest import Ran

ITEMS = [
    serving.item("c", "one", properties={"title": "Wild fire", "mission": "Apollo"}),
    serving.item("c", "two", properties={"keywords": ["fire", "smoke"], "mission": ["Gemini", 8]}),
]
COLLECTION = serving.collection("c", title="Fires", keywords=["smoke"])


def words(dsn: str) -> dict[str, str]:
    async def read() -> dict[str, str]:
        connection = await connect(dsn, Settings())
        try:
            rows = await connection.fetch(
                "select id, words::text from items union all select id, words::text from collections"
            )
            return {row[0]: row[1] for row in rows}
        finally:
            await connection.close()

    return asyncio.run(read())


def test_the_members_are_chosen_for_what_is_there_and_what_comes(database: str, satapi: Callable[..., Ran]) -> None:
    serving.store(database, [COLLECTION], ITEMS)
    made = words(database)
    assert made["one"] == "'fire':3 'wild':2"
    assert made["two"] == "'fire':2 'smoke':4"
    assert made["c"] == "'a':6 'fires':2 'for':5 'made':4 'smoke':9 'test':7"
    members = satapi("text", "show", "--dsn", database).out.split()
    assert members == ["title", "description", "keywords", "instruments", "platform"]

    ran = satapi("text", "set", "mission", "title", "mission", "--dsn", database)
    assert (ran.code, ran.out) == (0, "2 items and collections have other words now\n")
    assert satapi("text", "show", "--dsn", database).out.split() == ["mission", "title"]
    serving.store(database, (), [serving.item("c", "three", properties={"mission": "Apollo", "keywords": ["fire"]})])
    assert words(database) == {
        "one": "'apollo':2 'fire':5 'wild':4",
        "two": "'gemini':2",
        "three": "'apollo':2",
        "c": made["c"],
    }


def test_a_refresh_makes_the_words_of_rows_that_have_none(database: str, satapi: Callable[..., Ran]) -> None:
    serving.store(database, [COLLECTION], ITEMS)
    made = words(database)
    serving.execute(database, "update items set words = null", "update collections set words = null")
    assert satapi("text", "refresh", "--dsn", database).out.startswith("3 items")
    assert words(database) == made
    assert satapi("text", "refresh", "--dsn", database).out.startswith("0 items")


@pytest.mark.parametrize("name", ["", 'a"b', "a\\b", "a\tb", "a\udcffb"])
def test_a_name_that_is_not_looked_for_is_refused_and_nothing_changes(
    database: str, satapi: Callable[..., Ran], name: str
) -> None:
    ran = satapi("text", "set", "title", name, "--dsn", database)
    assert (ran.code, "allowed are names of members" in ran.err) == (1, True)
    assert "platform" in satapi("text", "show", "--dsn", database).out.split()
    serving.store(database, [COLLECTION], ITEMS)


async def test_any_text_can_be_stored_however_long(database: str, connection: asyncpg.Connection) -> None:
    long = " ".join(f"w{number}" for number in range(20_000))
    texts = {
        "long": {"title": long},
        "repeated": {"title": "again " * 9_000},
        "wide": {"title": "x" * 100_000, "description": " ".join("日" * 250 + str(number) for number in range(9_000))},
        "odd": {
            "title": "\0 ' \\ \" :1 \U0001f6f0",
            "keywords": [[], {}, 1],
        },
    }
    serving.store(database, [COLLECTION], [serving.item("c", name, properties=each) for name, each in texts.items()])
    count = "select length(words) from items where id = $1"
    assert [await connection.fetchval(count, name) for name in ("long", "repeated", "odd")] == [9_999, 1, 1]
    assert 500 < await connection.fetchval(count, "wide") < 1000


# Beside other writers ----------------------------------------------------------------------------------------------

NEW = "'apollo':2 'scene':4"


@pytest.fixture
async def beside(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(database, Settings())
    yield connection
    await connection.close()


@pytest.fixture
async def scenes(database: str, connection: asyncpg.Connection) -> asyncpg.Connection:
    """A connection to a database with 50 items whose words are not yet of the members that are chosen."""
    properties = {"title": "Scene", "mission": "Apollo"}
    items = [serving.item("c", f"i{number:02}", properties=properties) for number in range(50)]
    serving.store(database, [COLLECTION], items)
    await choose(connection, ["mission", "title"])
    return connection


async def blocked(waiting: asyncio.Future[int], connection: asyncpg.Connection, beside: asyncpg.Connection) -> None:
    """Go on when a connection waits for another one, or what it does is done."""
    blocking, process = "select pg_blocking_pids($1)", connection.get_server_pid()
    while not waiting.done() and not await beside.fetchval(blocking, process):  # noqa: ASYNC110 - it gives no sign
        await asyncio.sleep(0.01)


@asynccontextmanager
async def between(
    scenes: asyncpg.Connection, database: str
) -> AsyncGenerator[tuple[asyncio.Future[int], asyncpg.Connection]]:
    """A refresh that has read the items, and writes their words at the end; and a connection to look at it with."""
    holding = await connect(database, Settings())
    async with holding.transaction():
        await holding.execute("select from free_text for update")
        refreshing = asyncio.ensure_future(refresh(scenes))
        await blocked(refreshing, scenes, holding)
        yield refreshing, holding
    await holding.close()


async def found(connection: asyncpg.Connection) -> dict[str, int]:
    return dict(await connection.fetch("select words::text, count(*) from items group by words::text"))


async def test_items_that_are_moved_during_a_refresh_get_their_words(
    scenes: asyncpg.Connection, beside: asyncpg.Connection, database: str
) -> None:
    moving = await connect(database, Settings())
    async with between(scenes, database) as (refreshing, looking):
        move = asyncio.ensure_future(separate(moving, beside, "c"))
        await blocked(move, beside, looking)
    assert (await refreshing, await move) == (50, 50)
    assert await found(scenes) == {NEW: 50}
    await moving.close()


async def test_items_that_get_other_versions_during_a_refresh_are_read_again(
    scenes: asyncpg.Connection, beside: asyncpg.Connection, database: str
) -> None:
    async with between(scenes, database) as (refreshing, _):
        await beside.execute("update items set words = words where id < 'i20'")
        await beside.execute("delete from items where id = 'i30'")
    assert await refreshing == 49
    assert await found(scenes) == {NEW: 49}


async def test_a_refresh_lets_in_what_a_move_that_was_killed_keeps_out(scenes: asyncpg.Connection) -> None:
    await Move(scenes, "c").keep_out()
    assert await refresh(scenes) == 50
    assert await found(scenes) == {NEW: 50}

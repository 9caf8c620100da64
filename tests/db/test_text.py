"""`satapi text`: which members free text searches, and the words of what is there already."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import serving
from satapi.db.pool import connect
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

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


def test_a_name_that_no_member_has_is_refused(database: str, satapi: Callable[..., Ran]) -> None:
    ran = satapi("text", "set", "", "--dsn", database)
    assert (ran.code, "names of members" in ran.err) == (1, True)


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

"""What a search of collections found is given again until a collection is written, and never after."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from satapi.db import collections
from satapi.db.pool import Database, opened
from satapi.db.remembered import Remembered
from satapi.query.collections import page
from satapi.settings import Settings
from satapi.stac.search import Search, SortKey
from serving import collection, execute, store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

SEARCH = Search(limit=2, sortby=(SortKey("title"),))


@pytest.fixture
async def opened_database(database: str) -> AsyncIterator[Database]:
    store(database, [collection(name, title=name) for name in "abc"])
    async with opened(database, Settings()) as found:
        yield found


async def found(database: Database, search: Search = SEARCH) -> collections.Found:
    return await collections.found(database, page(search), search)


def ids(page: collections.Found) -> list[str]:
    return [name for name, _ in page.collections]


async def test_a_page_is_remembered_until_a_collection_is_written(opened_database: Database, database: str) -> None:
    first = await found(opened_database)
    assert (ids(first), first.matched) == (["a", "b"], 3)
    assert await found(opened_database) is first
    store(database, [collection("aa", title="aa")])
    second = await found(opened_database)
    assert (ids(second), second.matched) == (["a", "aa"], 4)
    assert await found(opened_database) is second


@pytest.mark.parametrize(
    "statement",
    [
        """update collections set content = '{"id": "a", "title": "z"}' where id = 'a'""",
        "update collections set words = null where id = 'a'",
        "delete from collections where id = 'a'",
        "truncate collections cascade",
    ],
)
async def test_whatever_writes_collections_has_it_forgotten(
    opened_database: Database, database: str, statement: str
) -> None:
    first = await found(opened_database)
    execute(database, statement)
    assert await found(opened_database) is not first


async def test_what_loads_of_items_note_in_a_collection_has_nothing_forgotten(
    opened_database: Database, database: str
) -> None:
    first = await found(opened_database)
    execute(database, "update collections set span_before = '1 day'")
    assert await found(opened_database) is first


async def test_who_commits_last_is_seen_though_it_wrote_first(
    opened_database: Database, connection: asyncpg.Connection, beside: asyncpg.Connection
) -> None:
    insert = "insert into collections (id, content) values ($1::text, json_build_object('id', $1::text))"
    earlier, later = connection.transaction(), beside.transaction()
    await earlier.start()
    await connection.execute(insert, "earlier")
    await later.start()
    await beside.execute(insert, "later")
    matched = [(await found(opened_database)).matched]
    await later.commit()
    matched.append((await found(opened_database)).matched)
    await earlier.commit()
    matched.append((await found(opened_database)).matched)
    assert matched == [3, 4, 5]


async def test_searches_among_writes_find_what_is_there(
    opened_database: Database, connection: asyncpg.Connection
) -> None:
    random = Random(5)
    insert = "insert into collections (id, content) values ($1::text, json_build_object('id', $1::text))"
    # Of the writes, a few put the rows of all together.
    await connection.execute("select setseed(0.5)")
    for number in range(200):
        if random.random() < 0.5:
            await connection.execute(insert, f"more-{number}")
        search = Search(limit=random.randrange(1, 300))
        page = await found(opened_database, search)
        expected = [row[0] for row in await connection.fetch("select id from collections order by id")]
        assert (ids(page), page.matched) == (expected[: search.limit], len(expected))
    written = await connection.fetchrow("select count(*), sum(statements) from collection_writes")
    assert written is not None
    assert written[0] < written[1]


def test_as_much_is_remembered_as_there_is_room_for() -> None:
    small = collections.Found([("a", b"x" * 100)], 0, 1, None, None)
    large = collections.Found([("a", b"x" * 5_000)], 0, 1, None, None)
    pages = Remembered(5_000)
    pages.keep(b"1", 1, small)
    pages.keep(b"2", 1, small)
    pages.keep(b"3", 1, small)
    assert pages.get(b"1") == (1, small)
    pages.keep(b"4", 1, small)
    pages.keep(b"4", 2, small)
    pages.keep(b"5", 1, small)
    assert [pages.get(key) is not None for key in (b"1", b"2", b"3", b"4", b"5")] == [True, False, True, True, True]
    pages.keep(b"6", 1, large)
    assert pages.get(b"6") is None
    nothing = Remembered(0)
    nothing.keep(b"1", 1, small)
    assert nothing.get(b"1") is None

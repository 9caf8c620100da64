"""Indexes that a first load does without, and that are there again whatever happens to it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import serving
from satapi.db.deferred import build, defer
from satapi.errors import ConflictError
from satapi.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

INDEXES = """
    select i.indrelid::regclass::text, i.indisvalid, pg_get_indexdef(i.indexrelid), count(h.inhparent)
    from pg_partition_tree('items') as tree
    inner join pg_index as i on tree.relid = i.indrelid
    left join pg_inherits as h on i.indexrelid = h.inhrelid
    group by i.indexrelid
    order by 1, 3
"""


async def indexes(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in await connection.fetch(INDEXES)]


@pytest.fixture
def file(database: str, tmp_path: Path) -> str:
    """A file of 50 items, whose collection is in the catalog."""
    serving.store(database, [serving.collection("c")])
    lines = [json.dumps(serving.item("c", f"i{number}")) for number in range(50)]
    path = tmp_path / "items.ndjson"
    path.write_text("".join(line + "\n" for line in lines))
    return str(path)


async def satapi(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "satapi", *arguments]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)


async def test_a_load_without_indexes_leaves_all_of_them(
    database: str, file: str, connection: asyncpg.Connection
) -> None:
    before = await indexes(connection)
    ran = await satapi("load", "items", file, "--dsn", database, "--defer-indexes")
    assert ran.returncode == 0, ran.stderr
    assert "Building items_datetime" in ran.stderr
    assert await indexes(connection) == before
    assert await connection.fetchval("select count(*) from items") == 50


async def test_a_load_that_stops_builds_them_too(database: str, connection: asyncpg.Connection, tmp_path: Path) -> None:
    before = await indexes(connection)
    (tmp_path / "bad.ndjson").write_text("nonsense")
    ran = await satapi("load", "items", str(tmp_path / "bad.ndjson"), "--dsn", database, "--defer-indexes")
    assert ran.returncode == 1
    assert "Building items_datetime" in ran.stderr
    assert await indexes(connection) == before


async def test_what_a_killed_load_left_is_built_by_the_next_one_or_by_command(
    database: str, connection: asyncpg.Connection, file: str
) -> None:
    before = await indexes(connection)
    await defer(connection, force=False)
    # Each unique one is there.
    assert [row for row in before if "UNIQUE" in str(row[2])] == await indexes(connection)
    # As a build leaves it that is killed after its first index.
    first = await connection.fetchrow("select * from deferred_indexes order by name limit 1")
    await connection.execute(first["definition"])

    ran = await satapi("load", "items", file, "--dsn", database)
    assert ran.returncode == 0
    assert "The indexes of items are deferred" in ran.stderr
    ran = await satapi("index", "build", "--dsn", database)
    assert ran.returncode == 0
    assert f"Building {first['name']}" not in ran.stderr
    assert await indexes(connection) == before
    assert "No index is deferred" in (await satapi("index", "build", "--dsn", database)).stderr


async def test_many_items_keep_their_indexes_unless_that_is_forced(
    database: str, connection: asyncpg.Connection
) -> None:
    serving.store(database, [serving.collection("c")], [serving.item("c", f"i{number}") for number in range(11)])
    before = await indexes(connection)
    with pytest.raises(ConflictError, match="more than 10 items already"):
        await defer(connection, force=False, items_max=10)
    assert await indexes(connection) == before
    await defer(connection, force=True, items_max=10)
    await defer(connection, force=False, items_max=10)
    assert await build(connection, lambda _: None) == 5
    assert await indexes(connection) == before


async def test_searches_are_answered_without_indexes(database: str, connection: asyncpg.Connection) -> None:
    serving.store(database, [serving.collection("c")], [serving.item("c", f"i{number}") for number in range(20)])
    await defer(connection, force=False)
    async with serving.in_process(Settings(dsn=database)) as client:
        for asked, expected in (("limit=7", 7), ("q=none", 0), ("sortby=-eo:cloud_cover", 10)):
            answer = await client.get(f"/search?bbox=0,40,20,60&{asked}")
            assert len(answer.json()["features"]) == expected

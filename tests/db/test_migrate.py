"""Migrations: applied once, in order, by one at a time, and refused when they are not what they were."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from satapi.db.migrate import Migration, check, migrate, own_migrations, status
from satapi.db.pool import connect
from satapi.errors import SchemaError
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

FIRST = Migration("0001_create_scenes", "create table scenes (id integer primary key);\n")
INDEXES = Migration(
    "0002_index_scenes",
    "-- no-transaction\n"
    "create unique index concurrently if not exists scenes_twice on scenes ((id / 2));\n"
    "create index concurrently if not exists scenes_rest on scenes ((id % 7)); -- the rest\n",
)


@pytest.fixture
async def empty(empty_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(empty_database, Settings())
    yield connection
    await connection.close()


@pytest.fixture
def said() -> list[str]:
    return []


async def indexes(connection: asyncpg.Connection) -> dict[str, bool]:
    rows = await connection.fetch(
        "select indexrelid::regclass::text as name, indisvalid from pg_index where indrelid = 'scenes'::regclass"
    )
    return {row["name"]: row["indisvalid"] for row in rows}


async def test_an_empty_database_gets_every_migration_and_a_record_of_each(
    empty: asyncpg.Connection, said: list[str]
) -> None:
    names = [migration.name for migration in own_migrations()]
    assert await migrate(empty, said.append) == names
    assert said == [f"Applying {name}" for name in names]
    found = await status(empty)
    assert [(row.name, row.sha256) for row in found.applied] == [(own.name, own.sha256) for own in own_migrations()]
    assert (found.schema, found.pending, found.changed, found.unknown) == ("satapi", (), (), ())
    assert await empty.fetchval("select count(*) from satapi.items") == 0
    await check(empty)


async def test_a_second_run_applies_nothing(connection: asyncpg.Connection, said: list[str]) -> None:
    assert await migrate(connection, said.append) == []
    assert said == []


async def test_runs_at_the_same_time_apply_each_migration_once(empty_database: str, said: list[str]) -> None:
    connections = [await connect(empty_database, Settings()) for _ in range(4)]
    applied = await asyncio.gather(*(migrate(connection, said.append) for connection in connections))
    for connection in connections:
        await connection.close()
    assert sorted(applied)[:3] == [[], [], []]
    assert sorted(applied)[3] == [migration.name for migration in own_migrations()]
    assert said.count("Waiting for another migration of this database") == 3


async def test_tables_go_into_the_schema_of_the_settings(empty_database: str, said: list[str]) -> None:
    # A reserved word, and a migrations table of somebody else's in public.
    connection = await connect(empty_database, Settings(db_schema="order"))
    await connection.execute("create table public.migrations (number integer)")
    assert (await status(connection)).applied == ()
    await migrate(connection, said.append)
    await check(connection)
    assert await connection.fetchval("""select count(*) from "order".items""") == 0
    await connection.close()


async def test_looking_at_the_status_changes_nothing(empty: asyncpg.Connection) -> None:
    found = await status(empty)
    assert found.pending == tuple(migration.name for migration in own_migrations())
    assert not await empty.fetchval("select exists (select from pg_namespace where nspname = 'satapi')")


async def test_a_database_without_our_schema_is_refused_with_the_command_to_run(empty: asyncpg.Connection) -> None:
    with pytest.raises(SchemaError, match=r"lacks 0001_create_catalog.*; run `satapi db migrate`"):
        await check(empty)


async def test_a_file_changed_after_it_was_applied_is_refused(connection: asyncpg.Connection, said: list[str]) -> None:
    await connection.execute("update migrations set sha256 = repeat('0', 64) where number = 1")
    with pytest.raises(SchemaError, match="0001_create_catalog changed after it was applied"):
        await migrate(connection, said.append)
    with pytest.raises(SchemaError, match="0001_create_catalog changed after it was applied"):
        await check(connection)
    assert (await status(connection)).changed == ("0001_create_catalog",)


async def test_a_migration_of_a_newer_satapi_is_refused(connection: asyncpg.Connection, said: list[str]) -> None:
    await connection.execute("insert into migrations (number, name, sha256) values (9000, '9000_fly', '')")
    with pytest.raises(SchemaError, match="has 9000_fly, which this satapi does not know; update satapi"):
        await migrate(connection, said.append)
    with pytest.raises(SchemaError, match="update satapi"):
        await check(connection)
    assert (await status(connection)).unknown == ("9000_fly",)


async def test_a_failing_migration_leaves_nothing_and_keeps_those_before_it(
    empty: asyncpg.Connection, said: list[str]
) -> None:
    failing = Migration("0002_fail", "create table half (id integer); select 1 / 0;")
    with pytest.raises(SchemaError, match="0002_fail was not applied: division by zero"):
        await migrate(empty, said.append, [FIRST, failing])
    assert await empty.fetchval("select to_regclass('half')") is None
    found = await status(empty, [FIRST, failing])
    assert [row.name for row in found.applied] == [FIRST.name]
    assert found.pending == ("0002_fail",)
    # The lock is free again for the next try.
    mended = Migration("0002_fail", "create table half (id integer);")
    assert await migrate(empty, said.append, [FIRST, mended]) == ["0002_fail"]


async def test_a_migration_does_not_wait_long_for_a_table_in_use(
    empty: asyncpg.Connection, empty_database: str, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("satapi.db.migrate._LOCK_TIMEOUT", "100ms")
    await migrate(empty, said.append, [FIRST])
    other = await connect(empty_database, Settings())
    async with other.transaction():
        await other.execute("select from scenes")
        with pytest.raises(SchemaError, match="0002_alter waited 100ms for a table that other sessions use"):
            await migrate(empty, said.append, [FIRST, Migration("0002_alter", "alter table scenes add a integer")])
    await other.close()


async def test_concurrent_indexes_are_built_outside_of_a_transaction(
    empty: asyncpg.Connection, said: list[str]
) -> None:
    assert await migrate(empty, said.append, [FIRST, INDEXES]) == [FIRST.name, INDEXES.name]
    assert await indexes(empty) == {"scenes_pkey": True, "scenes_twice": True, "scenes_rest": True}


async def test_a_concurrent_index_that_failed_half_way_is_built_anew(
    empty: asyncpg.Connection, said: list[str]
) -> None:
    await migrate(empty, said.append, [FIRST])
    await empty.execute("insert into scenes values (2), (3)")
    with pytest.raises(SchemaError, match="0002_index_scenes was not applied: could not create unique index"):
        await migrate(empty, said.append, [FIRST, INDEXES])
    assert await indexes(empty) == {"scenes_pkey": True, "scenes_twice": False}
    await empty.execute("delete from scenes where id = 3")
    assert await migrate(empty, said.append, [FIRST, INDEXES]) == [INDEXES.name]
    assert await indexes(empty) == {"scenes_pkey": True, "scenes_twice": True, "scenes_rest": True}


async def test_two_runs_that_build_concurrent_indexes_do_not_wait_for_each_other_forever(
    empty_database: str, said: list[str]
) -> None:
    connections = [await connect(empty_database, Settings()) for _ in range(2)]
    runs = [migrate(connection, said.append, [FIRST, INDEXES]) for connection in connections]
    applied = await asyncio.wait_for(asyncio.gather(*runs), timeout=20)
    for connection in connections:
        await connection.close()
    assert sorted(applied) == [[], [FIRST.name, INDEXES.name]]


def test_our_migrations_are_numbered_without_gaps_and_named_by_verb_and_object() -> None:
    numbers = [migration.number for migration in own_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert all(len(migration.name.split("_")) >= 3 for migration in own_migrations())

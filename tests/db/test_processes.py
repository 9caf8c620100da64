"""Loads with several processes: they do what one would do, and tell what goes wrong in one of them."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from satapi.errors import LoadError
from satapi.ingest.load import BadItem, Helpers, Report, load_collections, load_items
from satapi.ingest.rules import Rules
from satapi.settings import Settings
from serving import collection, item

if TYPE_CHECKING:
    import asyncpg

KEYS = 4_000
# Enough of them that processes have started long before the end.
VERSIONS = 6


@pytest.fixture
async def catalog(connection: asyncpg.Connection, tmp_path: Path) -> asyncpg.Connection:
    """A connection to a database with the collection c."""
    file = tmp_path / "collections.json"
    file.write_text(json.dumps(collection("c")))
    await load_collections(connection, [str(file)])
    return connection


@pytest.fixture
def versions(tmp_path: Path) -> str:
    """A file in which each item is several times, its versions far apart and near each other."""
    file = tmp_path / "items.ndjson"
    with file.open("w") as output:
        for version in range(VERSIONS):
            for number in range(KEYS):
                output.write(json.dumps(item("c", f"i{number}", properties={"version": version})) + "\n")
        for version in range(VERSIONS):
            output.write(json.dumps(item("c", "again", properties={"version": version})) + "\n")
    return str(file)


def descendants(process: int) -> list[int]:
    """The helpers that a process has started, and those that these have; other tests have left other processes."""
    found: list[int] = []
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            # One may be gone by now.
            with suppress(OSError):
                if b"satapi.ingest.helper" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found += [child, *descendants(child)]
    return found


def helpers(database: str) -> Helpers:
    return Helpers(2, database, Settings())


async def test_several_processes_leave_the_last_version_of_each_item(
    database: str, catalog: asyncpg.Connection, versions: str
) -> None:
    writers: set[int] = set()

    def see(_: Report) -> None:
        writers.update(descendants(os.getpid()))

    report = await load_items(catalog, [versions], helpers=helpers(database), batch_size=500, on_progress=see)
    assert len(writers) >= 2
    assert (report.read, report.inserted) == (VERSIONS * (KEYS + 1), KEYS + 1)
    found = await catalog.fetch("select (properties ->> 'version')::int, count(*) from items group by 1")
    assert [tuple(row) for row in found] == [(VERSIONS - 1, KEYS + 1)]
    assert not set(descendants(os.getpid())) & writers


async def test_a_bad_item_that_a_process_finds_stops_the_load_with_its_place(
    database: str, catalog: asyncpg.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "items.ndjson"
    lines = [json.dumps(item("c", f"i{number}")) for number in range(20_000)]
    lines[19_900] = json.dumps(item("d", "lost"))
    file.write_text("".join(line + "\n" for line in lines))
    with pytest.raises(LoadError) as raised:
        await load_items(catalog, [str(file)], helpers=helpers(database), batch_size=250)
    assert f"{file} line 19901, 'lost': the collection 'd' is unknown" in str(raised.value)
    assert f"Go on from {file} line 19751." in str(raised.value)
    assert await catalog.fetchval("select count(*) from items where id = 'i19899'") == 0
    report = await load_items(
        catalog, [str(file)], helpers=helpers(database), batch_size=250, on_error="skip", method="ignore"
    )
    assert (report.bad, await catalog.fetchval("select count(*) from items")) == (1, 19_999)


async def test_processes_keep_to_the_rules_of_the_load(
    database: str, catalog: asyncpg.Connection, tmp_path: Path
) -> None:
    file = tmp_path / "items.ndjson"
    lines = [json.dumps(item("c", f"i{number}")) for number in range(12_000)]
    lines[11_900] = json.dumps(item("c", "wrong", stac_version=1))
    file.write_text("".join(line + "\n" for line in lines))
    told: list[BadItem] = []
    rules = Rules("known", timestamps="maintain")
    with_helpers = {"helpers": helpers(database), "batch_size": 250, "on_error": "skip", "on_bad": told.append}
    await load_items(catalog, [str(file)], rules=rules, **with_helpers)
    assert [(bad.id, bad.line) for bad in told] == [("wrong", 11_901)]
    assert await catalog.fetchval("select count(*) from items where updated is not null") == 11_999


@pytest.mark.parametrize("which", [0, -1])
async def test_a_load_whose_process_is_killed_says_so_and_may_be_run_again(
    database: str, catalog: asyncpg.Connection, versions: str, which: int
) -> None:
    def kill(_: Report) -> None:
        if len(started := descendants(os.getpid())) > 1:
            os.kill(started[which], signal.SIGKILL)

    with pytest.raises(LoadError, match="process of the load ended too early"):
        await load_items(catalog, [versions], helpers=helpers(database), batch_size=100, on_progress=kill)
    await load_items(catalog, [versions], helpers=helpers(database), batch_size=1_000)
    assert await catalog.fetchval("select count(*) from items where properties ->> 'version' = '5'") == KEYS + 1


async def test_processes_that_cannot_connect_stop_the_load(catalog: asyncpg.Connection, versions: str) -> None:
    nowhere = Helpers(2, "postgresql:///none?host=/nowhere", Settings())
    with pytest.raises(LoadError, match="The database cannot be connected to"):
        await load_items(catalog, [versions], helpers=nowhere, batch_size=50)

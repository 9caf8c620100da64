"""The commands on a database: what they do, what they say, and their exit codes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from satapi.db.migrate import Migration, migrate, own_migrations
from satapi.db.pool import connect
from satapi.settings import Settings
from serving import execute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from conftest import Ran

NAMES = [migration.name for migration in own_migrations()]
PLACE = {"type": "Point", "coordinates": [7, 51]}


def scene(name: str, **members: object) -> str:
    given = {"type": "Feature", "stac_version": "1.1.0", "id": name, "collection": "scenes", "geometry": PLACE}
    rest = {"bbox": [7, 51, 7, 51], "properties": {"datetime": "2024-05-06T07:08:09Z"}, "links": [], "assets": {}}
    return json.dumps(given | rest | members) + "\n"


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """A folder with the file of one collection and the file of three of its items."""
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    given = {"type": "Collection", "stac_version": "1.1.0", "id": "scenes", "description": "Scenes", "license": "other"}
    (tmp_path / "collection.json").write_text(json.dumps(given | {"extent": extent, "links": []}))
    (tmp_path / "items.ndjson").write_text("".join(scene(name) for name in "abc"))
    return tmp_path


@pytest.fixture
def loader(database: str) -> Iterator[str]:
    """The DSN of `database` for a user who may write rows and nothing else."""
    rights = "select, insert, update, delete on all tables in schema satapi"
    execute(database, "create role loader login", "grant usage on schema satapi to loader", f"grant {rights} to loader")
    yield urlsplit(database)._replace(netloc="loader@").geturl()
    execute(database, "drop owned by loader", "drop role loader")


def test_a_database_is_migrated_once_and_its_status_told(satapi: Callable[..., Ran], empty_database: str) -> None:
    before = satapi("db", "status", "--dsn", empty_database)
    assert before == (1, "".join(f"{name}  pending\n" for name in NAMES), "")
    migrated = satapi("db", "migrate", "--dsn", empty_database)
    assert (migrated.code, migrated.out) == (0, f"Applied {', '.join(NAMES)}\n")
    assert satapi("db", "migrate", "--dsn", empty_database).out == "Nothing to apply: the schema is up to date\n"
    after = satapi("db", "status", "--dsn", empty_database)
    assert after.code == 0
    assert [line.split()[:2] for line in after.out.splitlines()] == [[name, "applied"] for name in NAMES]


def test_a_catalog_that_is_migrated_is_told_what_its_items_lack(
    satapi: Callable[..., Ran], empty_database: str
) -> None:
    first = [each for each in own_migrations() if each.name < "0004"]
    asyncio.run(_migrated(empty_database, first))
    migrated = satapi("db", "migrate", "--dsn", empty_database)
    assert "Run `satapi queryables refresh` and `satapi text refresh` once" in migrated.err
    assert satapi("text", "refresh", "--dsn", empty_database).code == 0
    assert satapi("queryables", "refresh", "--dsn", empty_database).code == 0


async def _migrated(dsn: str, migrations: Sequence[Migration]) -> None:
    connection = await connect(dsn, Settings())
    try:
        await migrate(connection, lambda _: None, migrations)
        await connection.execute("""insert into collections (id, content) values ('c', '{"links":[]}')""")
    finally:
        await connection.close()


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("sample",), ("load", "items", "-")], ids=" ".join)
def test_a_schema_that_is_too_old_is_refused(
    satapi: Callable[..., Ran], empty_database: str, command: tuple[str, ...]
) -> None:
    refused = satapi(*command, "--dsn", empty_database)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err.startswith("satapi: The database's schema satapi lacks 0001_create_catalog")
    assert "run `satapi db migrate`" in refused.err


def test_a_schema_that_is_too_new_is_refused(satapi: Callable[..., Ran], database: str) -> None:
    execute(database, "insert into satapi.migrations (number, name, sha256) values (9000, '9000_fly', '')")
    refused = satapi("serve", "--port", "0", "--dsn", database)
    assert (refused.code, refused.out) == (1, "")
    assert "has 9000_fly, which this satapi does not know; update satapi" in refused.err


def test_files_are_loaded_and_loaded_again_without_writing(
    satapi: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, database: str, scenes: Path
) -> None:
    # As good as --dsn.
    monkeypatch.setenv("SATAPI_DSN", database)
    made = satapi("load", "collections", str(scenes / "collection.json"))
    assert made.code == 0
    assert made.out.startswith("1 collections in ")
    assert made.out.endswith("/s): 1 new\n")
    items = str(scenes / "items.ndjson")
    assert satapi("load", "items", items).out.endswith("/s): 3 new\n")
    assert satapi("load", "items", items).out.endswith("/s): 3 unchanged\n")
    assert satapi("load", "items", "--method", "ignore", items).out.endswith("/s): 3 ignored\n")


def test_the_report_is_one_line_of_json_if_asked_for(satapi: Callable[..., Ran], database: str, scenes: Path) -> None:
    made = satapi("load", "collections", "--json", "--dsn", database, str(scenes / "collection.json"))
    assert made.code == 0
    assert made.out.count("\n") == 1
    report = json.loads(made.out)
    assert (report["read"], report["inserted"], report["bad"]) == (1, 1, 0)


def test_skipped_documents_are_reported_and_make_the_exit_code_3(
    satapi: Callable[..., Ran], database: str, scenes: Path
) -> None:
    satapi("load", "collections", "--dsn", database, str(scenes / "collection.json"))
    items = scenes / "items.ndjson"
    items.write_text(scene("a") + scene("b", geometry={"type": "Point"}) + scene("c"))
    loaded = satapi("load", "items", "--on-error", "skip", "--dsn", database, str(items))
    assert loaded.code == 3
    assert loaded.out.endswith("/s): 2 new, 1 bad\n")
    assert f"{items}" in loaded.err
    assert "line 2" in loaded.err
    assert "'b'" in loaded.err


def test_a_load_that_stops_says_where_and_exits_with_1(satapi: Callable[..., Ran], database: str, scenes: Path) -> None:
    items = scenes / "items.ndjson"
    stopped = satapi("load", "items", "--dsn", database, str(items))
    assert (stopped.code, stopped.out) == (1, "")
    assert stopped.err.startswith(f"satapi: {items} line 1, 'a': ")
    # Named once, by the error alone.
    assert stopped.err.count("line 1, 'a'") == 1


def test_an_id_that_exists_stops_an_insert(satapi: Callable[..., Ran], database: str, scenes: Path) -> None:
    collection = str(scenes / "collection.json")
    satapi("load", "collections", "--dsn", database, collection)
    stopped = satapi("load", "collections", "--method", "insert", "--dsn", database, collection)
    assert stopped.code == 1
    assert "'scenes'" in stopped.err


def test_items_come_from_standard_input_too(satapi: Callable[..., Ran], database: str, scenes: Path) -> None:
    satapi("load", "collections", "--dsn", database, str(scenes / "collection.json"))
    command = [sys.executable, "-m", "satapi", "load", "items", "--dsn", database, "-"]
    given = (scenes / "items.ndjson").read_bytes()
    loaded = subprocess.run(command, input=given, capture_output=True, check=False)
    assert loaded.returncode == 0
    assert loaded.stdout.endswith(b"/s): 3 new\n")


def test_progress_is_told_line_by_line_where_there_is_no_terminal(
    satapi: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, database: str, scenes: Path
) -> None:
    monkeypatch.setattr("satapi.cli.progress._PLAIN_INTERVAL_S", 0)
    satapi("load", "collections", "--dsn", database, str(scenes / "collection.json"))
    loaded = satapi("load", "items", "--batch-size", "1", "--dsn", database, str(scenes / "items.ndjson"))
    assert [line.partition(",")[0] for line in loaded.err.splitlines()] == ["1 items", "2 items", "3 items"]


def test_progress_is_shown_live_on_a_terminal(
    satapi: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, database: str, scenes: Path
) -> None:
    satapi("load", "collections", "--dsn", database, str(scenes / "collection.json"))
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    items = scenes / "items.ndjson"
    items.write_text(scene("a") + scene("[b]", geometry={"type": "Point"}))
    loaded = satapi("load", "items", "--on-error", "skip", "--dsn", database, str(items))
    assert loaded.code == 3
    assert "\x1b[" in loaded.err
    assert "2 items" in loaded.err
    # Text from a document is no markup.
    assert "'[b]'" in loaded.err


def test_the_sample_is_loaded_and_only_into_an_empty_catalog_if_so_asked(
    satapi: Callable[..., Ran], database: str
) -> None:
    loaded = satapi("sample", "--if-empty", "--json", "--dsn", database)
    assert loaded.code == 0
    report = json.loads(loaded.out)
    assert (report["collections"]["inserted"], report["items"]["inserted"]) == (2, 2000)
    again = satapi("sample", "--dsn", database)
    assert [line.partition(": ")[2] for line in again.out.splitlines()] == ["2 unchanged", "2,000 unchanged"]
    kept = satapi("sample", "--if-empty", "--dsn", database)
    assert kept == (0, "The catalog has collections already; no sample data was loaded\n", "")


def test_a_collection_gets_its_own_partition_by_command_and_by_itself(
    satapi: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, database: str, scenes: Path
) -> None:
    monkeypatch.setenv("SATAPI_DSN", database)
    satapi("load", "collections", str(scenes / "collection.json"))
    satapi("load", "items", str(scenes / "items.ndjson"))
    separated = satapi("partitions", "separate", "scenes")
    assert (separated.code, separated.out) == (0, "3 items of scenes have a partition of their own\n")
    shared, own = json.loads(satapi("partitions", "list", "--json").out)
    assert (shared["collection"], own["collection"], own["items"]) == (None, "scenes", 3)
    assert satapi("partitions", "list").out.splitlines()[1].endswith("  scenes")
    again = satapi("partitions", "separate", "scenes")
    assert (again.code, again.err) == (1, "satapi: The collection 'scenes' has a partition of its own already\n")
    assert satapi("partitions", "merge", "scenes").out == "3 items of scenes are in the shared partition\n"
    monkeypatch.setenv("SATAPI_PARTITION_ITEMS", "2")
    assert "3 of 3 items are copied" in satapi("load", "items", str(scenes / "items.ndjson")).err
    assert len(json.loads(satapi("partitions", "list", "--json").out)) == 2


def test_a_move_tells_of_its_progress_as_a_load_does(
    satapi: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, database: str, scenes: Path
) -> None:
    satapi("load", "collections", "--dsn", database, str(scenes / "collection.json"))
    satapi("load", "items", "--dsn", database, str(scenes / "items.ndjson"))
    monkeypatch.setattr("satapi.db.move._CHUNK_ROWS", 1)
    monkeypatch.setattr("satapi.cli.progress._PLAIN_INTERVAL_S", 0)
    told = satapi("partitions", "separate", "scenes", "--dsn", database).err.splitlines()
    assert [line.partition(" items")[0] for line in told] == [f"scenes: {copied} of 3" for copied in (1, 2, 3)]


def test_a_move_that_postgresql_refuses_is_told_in_one_line(
    satapi: Callable[..., Ran], database: str, loader: str, scenes: Path
) -> None:
    satapi("load", "collections", "--dsn", database, str(scenes / "collection.json"))
    refused = satapi("partitions", "separate", "scenes", "--dsn", loader)
    assert (refused.code, refused.out) == (1, "")
    reason = "must be owner of table items_default"
    assert refused.err == f"satapi: The move of the collection 'scenes' stopped: {reason}\n"


def test_a_load_is_done_also_where_its_large_collection_cannot_be_moved(
    satapi: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, database: str, loader: str, scenes: Path
) -> None:
    items = str(scenes / "items.ndjson")
    satapi("load", "collections", "--dsn", database, str(scenes / "collection.json"))
    satapi("load", "items", "--dsn", database, items)
    monkeypatch.setenv("SATAPI_PARTITION_ITEMS", "2")
    loaded = satapi("load", "items", "--dsn", loader, items)
    assert loaded.code == 0
    assert loaded.out.endswith("/s): 3 unchanged\n")
    assert loaded.err.startswith("Everything is loaded, but not each large collection has a partition of its own: ")
    assert loaded.err.endswith(": must be owner of table items_default\n")

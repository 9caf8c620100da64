"""Loading by the command line from folders, catalogs and APIs: what is in the catalog after it, killed or not."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import serving
from satapi.db.pool import connect
from satapi.errors import InvalidError, LoadError
from satapi.http.asked import Asked
from satapi.http.requests import search
from satapi.ingest import export
from satapi.ingest.load import Helpers, load_collections, load_items
from satapi.ingest.sample import sample_collections, sample_items
from satapi.ingest.sources import Chosen, Reading
from satapi.query.inventory import ITEMS
from satapi.settings import Settings
from web import Answer, Site, page_of, site

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

    import asyncpg

    from conftest import Ran

Json = dict[str, object]


@pytest.fixture
def served() -> Iterator[Site]:
    with site() as one:
        yield one


async def read_all(dsn: str) -> dict[tuple[str, str], bytes]:
    """The content of every document of a catalog."""
    connection = await connect(dsn, Settings())
    try:
        async with export.snapshot(connection):
            found = {("", name): line async for name, line in export.collections(connection, None)}
            async for some in export.items(connection, search(Asked(), ITEMS, Settings()), export.FIRST):
                for line in some:
                    item = json.loads(line)
                    assert found.setdefault((item["collection"], item["id"]), line) is line
            return found
    finally:
        await connection.close()


async def count(dsn: str) -> int:
    """The number of rows of items."""
    connection = await connect(dsn, Settings())
    try:
        return await connection.fetchval("select count(*) from items")
    finally:
        await connection.close()


def contents(dsn: str) -> dict[tuple[str, str], bytes]:
    return asyncio.run(read_all(dsn))


def items_of(dsn: str) -> list[tuple[str, str]]:
    return [key for key in contents(dsn) if key[0]]


def tree(served: Site, items: int) -> None:
    """Serve a catalog with the collections a and b, and items of each."""
    children = [{"rel": "child", "href": f"./{name}/collection.json"} for name in "ab"]
    served.put({"/catalog.json": {"type": "Catalog", "id": "root", "links": children}})
    for name in "ab":
        links = [{"rel": "item", "href": f"./i{at}.json"} for at in range(items)]
        served.put({f"/{name}/collection.json": serving.collection(name, links=links)})
        served.put({f"/{name}/i{at}.json": serving.item(name, f"i{at}") for at in range(items)})


def write(path: Path, *documents: Json) -> str:
    path.write_text("".join(json.dumps(document) + "\n" for document in documents))
    return str(path)


# Catalogs and APIs ------------------------------------------------------------------------------------------------


def test_a_static_catalog_is_loaded_with_its_collections_and_items(
    satapi: Callable[..., Ran], database: str, served: Site
) -> None:
    tree(served, 30)
    url = served.url + "/catalog.json"
    refused = satapi("load", "items", url, "--dsn", database)
    assert (refused.code, "the collection 'a' is unknown" in refused.err) == (1, True)
    assert satapi("load", "all", url, "--dsn", database).code == 0
    found = contents(database)
    assert sorted(found) == sorted([("", "a"), ("", "b"), *((name, f"i{at}") for name in "ab" for at in range(30))])
    assert json.loads(found["b", "i7"]) == serving.item("b", "i7")
    again = satapi("load", "items", url, "--dsn", database, "--json")
    assert json.loads(again.out)["unchanged"] == 60


def test_a_link_that_leads_nowhere_stops_a_load_or_is_skipped(
    satapi: Callable[..., Ran], database: str, served: Site
) -> None:
    tree(served, 5)
    served.answers["/a/i3.json"] = Answer(status=404)
    url = served.url + "/catalog.json"
    stopped = satapi("load", "all", url, "--dsn", database)
    said = f"{served.url}/a/i3.json: 404 Not Found (linked from {served.url}/a/collection.json as 'item')"
    assert (stopped.code, said in stopped.err) == (1, True)
    assert items_of(database) == []
    skipped = satapi("load", "items", url, "--dsn", database, "--on-error", "skip", "--json")
    assert (skipped.code, said in skipped.err) == (3, True)
    report = json.loads(skipped.out)
    assert (report["read"], report["inserted"], report["bad"]) == (9, 9, 1)


def test_a_catalog_in_a_folder_is_loaded(satapi: Callable[..., Ran], database: str, tmp_path: Path) -> None:
    links = [{"rel": "child", "href": "./c.json"}]
    write(tmp_path / "catalog.json", {"type": "Catalog", "id": "root", "links": links})
    write(tmp_path / "c.json", serving.collection("c", links=[{"rel": "item", "href": "./i.json"}]))
    write(tmp_path / "i.json", serving.item("c", "i"))
    assert satapi("load", "all", str(tmp_path), "--dsn", database).code == 0
    assert items_of(database) == [("c", "i")]


@pytest.mark.parametrize("source", ["-", "items.ndjson", "s3://bucket/x"])
def test_what_has_not_both_collections_and_items_is_not_loaded_as_a_whole(
    satapi: Callable[..., Ran], source: str
) -> None:
    refused = satapi("load", "all", source)
    assert (refused.code, refused.err.startswith(f"satapi: SOURCE: {source!r} is not allowed; it must be")) == (1, True)


@pytest.fixture
def original(make_database: Callable[[], str]) -> str:
    """The DSN of a database with sample items."""
    dsn = make_database()
    serving.store(dsn, sample_collections())
    samples = list(sample_items())
    serving.store(dsn, [], samples[:700] + samples[-700:])
    return dsn


def test_another_api_is_loaded_byte_for_byte(satapi: Callable[..., Ran], database: str, original: str) -> None:
    with serving.served(original) as api:
        ran = satapi("load", "all", api.url, "--dsn", database, "--page-size", "100")
        assert ran.code == 0, ran.err
        assert contents(database) == contents(original)
        some = "--from-collection", "landsat-8-l1", "--filter", "eo:cloud_cover < 20", "--bbox", "0,0,180,90", "--json"
        ran = satapi("load", "items", api.url, "--dsn", database, *some)
        assert 0 < json.loads(ran.out)["unchanged"] < 400
        # A catalog of the same server, by links alone.
        ran = satapi("load", "items", f"{api.url}/collections/landsat-8-l1", "--dsn", database, "--json")
        assert json.loads(ran.out)["unchanged"] == 700


def test_an_api_that_stops_midway_is_gone_on_with_at_the_page_that_is_not_whole(
    satapi: Callable[..., Ran], database: str, served: Site, tmp_path: Path
) -> None:
    serving.store(database, [serving.collection("c")])
    items = [serving.item("c", f"i{at:03}") for at in range(100)]
    search_link = {"rel": "search", "href": "/search"}
    served.put({"/": {"type": "Catalog", "id": "x", "links": [search_link], "conformsTo": ["item-search"]}})
    pages = {at: page_of(items, 10, "/search?at={}".format, at) for at in range(0, 100, 10)}
    served.put({"/search?limit=10": pages[0], **{f"/search?at={at}": page for at, page in pages.items() if at}})
    whole = served.answers["/search?at=60"]
    served.answers["/search?at=60"] = Answer(status=400)
    state = tmp_path / "state"
    load = ["load", "items", served.url, "--dsn", database, "--page-size", "10", "--batch-size", "8"]
    stopped = satapi(*load, "--resume", str(state))
    assert (stopped.code, "400 Bad Request" in stopped.err) == (1, True)
    assert json.loads(state.read_text())["go_on"] == {"url": served.url + "/search?at=50"}
    assert len(items_of(database)) == 60
    served.answers["/search?at=60"] = whole
    served.asked.clear()
    report = satapi(*load, "--resume", str(state), "--json")
    assert report.code == 0, report.err
    assert served.paths() == [f"/search?at={at}" for at in range(50, 100, 10)]
    assert json.loads(report.out)["read"] == 50
    assert items_of(database) == [("c", f"i{at:03}") for at in range(100)]
    assert not state.exists()


def test_a_state_is_taken_for_the_same_load_only(
    satapi: Callable[..., Ran], database: str, served: Site, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    load = "load", "items", "--dsn", database, "--resume", str(state)
    state.write_text('{"source":"http://elsewhere","chosen":{},"go_on":{"url":"http://elsewhere/x"}}')
    refused = satapi(*load, served.url)
    assert (refused.code, "is of a load of http://elsewhere with" in refused.err) == (1, True)
    state.write_text("no state")
    assert "does not say where a load is to go on" in satapi(*load, served.url).err
    assert "2 sources are named" in satapi(*load, served.url, "-").err
    state.unlink()
    assert "only a load from a STAC API is gone on with" in satapi(*load, write(tmp_path / "x.ndjson")).err


# Replace ----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def catalog(database: str, connection: asyncpg.Connection) -> asyncpg.Connection:
    """A connection to a database with the collections c, d and e, and five items of each."""
    items = [serving.item(name, f"i{at}") for name in "cde" for at in range(5)]
    serving.store(database, [serving.collection(name) for name in "cde"], items)
    return connection


async def keys(connection: asyncpg.Connection) -> list[str]:
    return [f"{row[0]}{row[1]}" for row in await connection.fetch("select collection, id from items order by 1, 2")]


@pytest.mark.parametrize("batch_size", [1, 2, 1_000])
async def test_replace_deletes_what_the_source_no_longer_has_of_its_collections(
    database: str, catalog: asyncpg.Connection, tmp_path: Path, batch_size: int
) -> None:
    helpers = Helpers(2, database, Settings())
    changed = serving.item("c", "i3", properties={"datetime": "2020-01-01T00:00:00Z"})
    given = [
        serving.item("c", "i1"),
        changed,
        serving.item("c", "new"),
        *(serving.item("d", f"i{at}") for at in range(4)),
    ]
    file = write(tmp_path / "x.ndjson", *given)
    report = await load_items(catalog, [file], method="replace", batch_size=batch_size, helpers=helpers)
    assert (report.inserted, report.updated, report.unchanged, report.deleted) == (1, 1, 5, 4)
    assert await keys(catalog) == [
        "ci1",
        "ci3",
        "cnew",
        *(f"di{at}" for at in range(4)),
        *(f"ei{at}" for at in range(5)),
    ]
    again = await load_items(catalog, [file], method="replace", batch_size=batch_size, helpers=helpers)
    assert (again.unchanged, again.deleted) == (7, 0)
    counts = await catalog.fetchval("select count(*) from items")
    assert counts == 12


async def test_replace_deletes_many_in_batches(catalog: asyncpg.Connection, database: str, tmp_path: Path) -> None:
    serving.store(database, [], [serving.item("c", f"m{at}") for at in range(2_500)])
    report = await load_items(catalog, [write(tmp_path / "x.ndjson", serving.item("c", "i1"))], method="replace")
    assert report.deleted == 2_504
    assert [key for key in await keys(catalog) if key[0] == "c"] == ["ci1"]


async def test_replace_deletes_nothing_where_the_source_is_empty_or_anything_is_bad(
    catalog: asyncpg.Connection, tmp_path: Path
) -> None:
    before = await keys(catalog)
    empty = write(tmp_path / "empty.ndjson")
    assert (await load_items(catalog, [empty], method="replace")).deleted == 0
    bad = write(tmp_path / "bad.ndjson", serving.item("c", "i1"), {"type": "Feature"})
    report = await load_items(catalog, [bad], method="replace", on_error="skip")
    assert (report.bad, report.deleted) == (1, 0)
    with pytest.raises(LoadError):
        await load_items(
            catalog, [write(tmp_path / "good.ndjson", serving.item("c", "i1")), "missing"], method="replace"
        )
    assert await keys(catalog) == before


async def test_replace_deletes_nothing_where_a_link_leads_nowhere(catalog: asyncpg.Connection, served: Site) -> None:
    before = await keys(catalog)
    links = [{"rel": "item", "href": href} for href in ("i1.json", "gone.json")]
    served.put({"/c.json": serving.collection("c", links=links), "/i1.json": serving.item("c", "i1")})
    report = await load_items(catalog, [served.url + "/c.json"], method="replace", on_error="skip")
    assert (report.unchanged, report.bad, report.deleted) == (1, 1, 0)
    assert await keys(catalog) == before


@pytest.mark.parametrize("reading", [Reading(chosen=Chosen(bbox="1,2,3,4")), Reading(must_be_api=True)])
async def test_a_part_of_a_source_replaces_nothing(catalog: asyncpg.Connection, reading: Reading) -> None:
    with pytest.raises(InvalidError, match="method: 'replace' is not allowed"):
        await load_items(catalog, ["http://127.0.0.1:1/"], method="replace", reading=reading)


def test_the_report_of_a_replace_counts_what_it_deleted(
    satapi: Callable[..., Ran], catalog: asyncpg.Connection, database: str, tmp_path: Path
) -> None:
    del catalog
    load = "load", "items", "--dsn", database, "--method", "replace"
    ran = satapi(*load, write(tmp_path / "x.ndjson", *(serving.item("c", f"i{at}") for at in range(3))))
    assert (ran.code, "3 unchanged, 2 deleted" in ran.out) == (0, True)
    bad = satapi(
        *load, "--on-error", "skip", write(tmp_path / "x.ndjson", serving.item("d", "i1"), {"type": "Feature"})
    )
    assert (bad.code, "Nothing is deleted: some documents are bad" in bad.err) == (3, True)


# Other options ----------------------------------------------------------------------------------------------------


def test_items_are_put_into_the_collection_that_is_named(
    satapi: Callable[..., Ran], database: str, tmp_path: Path
) -> None:
    serving.store(database, [serving.collection("c")])
    without = {name: value for name, value in serving.item("x", "i2").items() if name != "collection"}
    file = write(tmp_path / "x.ndjson", serving.item("other", "i1"), without)
    assert satapi("load", "items", file, "--dsn", database, "--collection", "c").code == 0
    found = contents(database)
    assert json.loads(found["c", "i1"]) == serving.item("c", "i1")
    assert list(json.loads(found["c", "i1"])) == list(serving.item("c", "i1"))
    assert json.loads(found["c", "i2"]) == serving.item("c", "i2")


def test_a_dry_run_checks_everything_and_needs_no_database(
    satapi: Callable[..., Ran], served: Site, tmp_path: Path
) -> None:
    nowhere = "--dsn", "postgresql://127.0.0.1:1/none", "--dry-run"
    tree(served, 3)
    good = satapi("load", "all", served.url + "/catalog.json", *nowhere, "--json")
    assert good.code == 0, good.err
    assert {noun: report["read"] for noun, report in json.loads(good.out).items()} == {"collections": 2, "items": 6}
    file = write(tmp_path / "x.ndjson", serving.item("c", "i1"), {"type": "Feature", "id": "i2"}, {"type": "Feature"})
    bad = satapi("load", "items", file, *nowhere)
    assert (bad.code, "3 items" in bad.out, "2 bad" in bad.out) == (3, True, True)
    assert "x.ndjson line 2, 'i2': " in bad.err
    assert "line 3, a document without an id" in bad.err
    missing = satapi("load", "items", file, "missing.ndjson", *nowhere)
    assert (missing.code, "Until then 3 documents were read, 2 of them bad" in missing.err) == (1, True)


def test_headers_are_sent_and_wrong_ones_are_refused(satapi: Callable[..., Ran], database: str, served: Site) -> None:
    tree(served, 1)
    load = "load", "all", served.url + "/catalog.json", "--dsn", database
    assert satapi(*load, "--header", "X-Key: a:b").code == 0
    assert {asked.headers["X-Key"] for asked in served.asked} == {"a:b"}
    refused = satapi(*load, "--header", "secret")
    assert (refused.code, "it must be a name, a colon and a value" in refused.err) == (1, True)


# Killed -----------------------------------------------------------------------------------------------------------


@contextmanager
def started(*arguments: str) -> Generator[subprocess.Popen[bytes]]:
    """The command as a process, which is killed in the end if it is still there."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SATAPI_")}
    command = [sys.executable, "-m", "satapi", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def finished(process: subprocess.Popen[bytes], given: bytes = b"") -> None:
    _, said = process.communicate(given, timeout=120)
    assert process.returncode == 0, said.decode()


def test_a_load_that_waits_for_servers_ends_when_it_is_interrupted(database: str, served: Site) -> None:
    tree(served, 40)
    for path in list(served.answers):
        if "/i" in path:
            served.answers[path] = Answer(pause_s=60)
    with started("load", "items", served.url + "/catalog.json", "--dsn", database) as process:
        while served.most_at_once < 16:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 130


@pytest.mark.parametrize("method", ["upsert", "replace"])
def test_a_load_that_is_killed_anywhere_and_run_again_brings_each_item_once(database: str, method: str) -> None:
    chance = random.Random(method)
    old = [serving.item("c", f"old{at}") for at in range(300)]
    changed = [serving.item("c", f"i{at}", properties={"version": 1}) for at in range(1_000)]
    serving.store(database, [serving.collection("c")], [*old, *changed])
    given = [serving.item("c", f"i{at}", text="x" * 500) for at in range(8_000)]
    lines = [json.dumps(item).encode() + b"\n" for item in given]
    load = "load", "items", "-", "--dsn", database, "--method", method, "--batch-size", "100"

    for part in (0, 0, 2_000, 4_000, 6_000):
        # What is not sent keeps it from coming to its end.
        sent = part + chance.randrange(1_000)
        with started(*load) as process:
            process.stdin.write(b"".join(lines[:sent]))
            process.stdin.flush()
            while asyncio.run(count(database)) < sent - chance.randrange(800):
                time.sleep(chance.uniform(0, 0.05))
    with started(*load) as process:
        finished(process, b"".join(lines))
    found = {key: json.loads(line) for key, line in contents(database).items() if key[0]}
    expected = {("c", item["id"]): item for item in given}
    if method == "upsert":
        expected |= {("c", item["id"]): item for item in old}
    assert found == expected
    assert asyncio.run(count(database)) == len(expected)


def test_a_load_from_an_api_that_is_killed_anywhere_and_gone_on_with_brings_each_item_once(
    database: str, served: Site, tmp_path: Path
) -> None:
    chance = random.Random(4)
    items = [serving.item("c", f"i{at}", text="x" * 500) for at in range(3_000)]
    serving.store(database, [serving.collection("c")])
    search_link = {"rel": "search", "href": "/search"}
    served.put({"/": {"type": "Catalog", "id": "x", "links": [search_link], "conformsTo": ["item-search"]}})
    for at in range(0, 3_000, 50):
        path = f"/search?at={at}" if at else "/search?limit=50"
        served.answers[path] = Answer(page_of(items, 50, "/search?at={}".format, at), pause_s=0.01)
    state = tmp_path / "state"
    load = "load", "items", served.url, "--dsn", database, "--resume", str(state), "--page-size", "50"
    for page in sorted(chance.sample(range(2, 59), 5)):
        with started(*load, "--batch-size", "70"):
            while not {f"/search?at={at}" for at in range(page * 50, 3_000, 50)} & set(served.paths()):
                time.sleep(chance.uniform(0, 0.03))
    with started(*load) as process:
        finished(process)
    # It did go on, and did not begin anew each time.
    assert served.paths().count("/search?at=50") < 5
    found = {key: json.loads(line) for key, line in contents(database).items() if key[0]}
    assert found == {("c", item["id"]): item for item in items}
    assert not state.exists()


async def test_collections_and_items_can_be_loaded_by_python(
    database: str, connection: asyncpg.Connection, served: Site
) -> None:
    tree(served, 3)
    url = served.url + "/catalog.json"
    assert (await load_collections(connection, [url])).inserted == 2
    assert (await load_items(connection, [url])).inserted == 6
    assert len(await read_all(database)) == 8

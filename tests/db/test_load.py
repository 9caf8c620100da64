"""Loading: what is in the catalog after it, whatever the files hold and whoever else writes."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from satapi.db.contents import Content, Dictionaries
from satapi.db.pool import connect, fetch
from satapi.errors import LoadError
from satapi.ingest.load import BadItem, Report, load_collections, load_items
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path

    import asyncpg

    from satapi.ingest.store import Method

Json = dict[str, object]


def item(number: int, **changes: object) -> Json:
    return {
        "type": "Feature",
        "id": f"i{number:05}",
        "collection": "c",
        "geometry": {"type": "Point", "coordinates": [number % 180, 0]},
        "properties": {"datetime": "2020-01-01T00:00:00Z", "number": number},
        "links": [],
        "assets": {},
    } | changes


def dated(number: int, **properties: object) -> Json:
    return item(number, properties={"datetime": None} | properties)


def collection(identity: str, **changes: object) -> Json:
    return {"type": "Collection", "id": identity, "links": []} | changes


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write documents, or lines that are none, into a file of lines and give its name."""

    def written(*documents: Json | str, name: str = "items.ndjson") -> str:
        lines = [document if isinstance(document, str) else json.dumps(document) for document in documents]
        path = tmp_path / name
        path.write_text("".join(line + "\n" for line in lines))
        return str(path)

    return written


@pytest.fixture
async def catalog(connection: asyncpg.Connection, write: Callable[..., str]) -> asyncpg.Connection:
    """A connection to a database with the collections c and d."""
    await load_collections(connection, [write(collection("c"), collection("d"), name="collections.ndjson")])
    return connection


@asynccontextmanager
async def another(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    connection = await connect(dsn, Settings())
    try:
        yield connection
    finally:
        await connection.close()


async def numbers(connection: asyncpg.Connection) -> list[tuple[str, int]]:
    return [
        (row["id"], row["number"])
        for row in await connection.fetch("select id, (properties ->> 'number')::int as number from items order by id")
    ]


async def contents(connection: asyncpg.Connection) -> dict[str, bytes]:
    """What is stored of each item, by its id."""
    records = await connection.fetch("select id, dictionary, content from items order by id")
    stored = [Content(record["dictionary"], record["content"]) for record in records]
    plain = await Dictionaries().plain(stored, partial(fetch, connection))
    return dict(zip([record["id"] for record in records], plain, strict=True))


async def count(connection: asyncpg.Connection) -> int:
    return await connection.fetchval("select count(*) from items")


# Methods ----------------------------------------------------------------------------------------------------------


async def test_items_are_inserted_with_their_columns(catalog: asyncpg.Connection, write: Callable[..., str]) -> None:
    given = dated(
        7, start_datetime="2020-01-01T00:00:00Z", end_datetime="2020-03-01T00:00:00Z", created="2021-01-01T00:00:00Z"
    )
    report = await load_items(catalog, [write(given)])
    assert (report.read, report.inserted, report.batches, report.bad) == (1, 1, 1, 0)
    row = await catalog.fetchrow("select *, st_asgeojson(geometry) as geojson from items")
    assert (row["collection"], row["id"]) == ("c", "i00007")
    assert row["datetime"] == row["start_datetime"]
    assert row["end_datetime"] - row["datetime"] == timedelta(days=60)
    assert (row["created"].year, row["updated"]) == (2021, None)
    assert json.loads(row["geojson"]) == given["geometry"]
    (content,) = (await contents(catalog)).values()
    assert json.loads(content) == given
    assert content.endswith(b'"links":[]}')


@pytest.mark.parametrize(
    ("method", "counts", "stored"),
    [
        ("upsert", {"inserted": 1, "updated": 1, "unchanged": 1}, [("i00001", 1), ("i00002", 20), ("i00003", 3)]),
        ("ignore", {"inserted": 1, "ignored": 2}, [("i00001", 1), ("i00002", 2), ("i00003", 3)]),
    ],
)
async def test_items_that_exist_are_replaced_or_left(
    catalog: asyncpg.Connection,
    write: Callable[..., str],
    method: Method,
    counts: dict[str, int],
    stored: list[tuple[str, int]],
) -> None:
    await load_items(catalog, [write(item(1), item(2))])
    changed = item(2, properties={"datetime": "2020-01-01T00:00:00Z", "number": 20})
    report = await load_items(catalog, [write(item(1), changed, item(3))], method=method)
    expected = {"inserted": 0, "updated": 0, "unchanged": 0, "ignored": 0, "bad": 0} | counts
    assert {name: getattr(report, name) for name in expected} == expected
    assert await numbers(catalog) == stored


async def test_an_unchanged_item_is_not_rewritten(catalog: asyncpg.Connection, write: Callable[..., str]) -> None:
    file = write(*map(item, range(20)))
    await load_items(catalog, [file])
    before = await catalog.fetch("select id, ctid, xmin from items order by id")
    assert (await load_items(catalog, [file])).unchanged == 20
    assert await catalog.fetch("select id, ctid, xmin from items order by id") == before


async def test_inserting_an_item_that_exists_is_an_error_that_names_it(
    catalog: asyncpg.Connection, write: Callable[..., str]
) -> None:
    await load_items(catalog, [write(item(2))])
    file = write(item(1), item(2), item(3))
    with pytest.raises(LoadError, match=r"line 2, 'i00002': it is in the catalog already"):
        await load_items(catalog, [file], method="insert")
    assert await count(catalog) == 1
    report = await load_items(catalog, [file], method="insert", on_error="skip")
    assert (report.inserted, report.bad) == (2, 1)


@pytest.mark.parametrize(("method", "number"), [("upsert", 30), ("ignore", 1), ("insert", 1)])
@pytest.mark.parametrize("batch_size", [2, 100])
async def test_of_an_item_that_is_in_a_file_twice_the_last_wins_or_the_first(
    catalog: asyncpg.Connection, write: Callable[..., str], method: Method, number: int, batch_size: int
) -> None:
    twice = [item(1, properties={"datetime": "2020-01-01T00:00:00Z", "number": number}) for number in (1, 2, 30)]
    file = write(twice[0], item(2), item(3), twice[1], item(4), item(5), twice[2], item(6))
    report = await load_items(catalog, [file], method=method, on_error="skip", batch_size=batch_size)
    assert (await numbers(catalog))[0] == ("i00001", number)
    assert await count(catalog) == 6
    assert report.read == report.inserted + report.updated + report.unchanged + report.ignored + report.bad == 8


async def test_the_same_id_may_be_in_two_collections(catalog: asyncpg.Connection, write: Callable[..., str]) -> None:
    await load_items(catalog, [write(item(1), item(1, collection="d"))])
    assert await count(catalog) == 2


async def test_every_kind_of_valid_item_is_taken(catalog: asyncpg.Connection, write: Callable[..., str]) -> None:
    kinds = [
        item(1, geometry=None),
        item(2, id="a/b%20?ü漢\U0001f6f0 '\"\\"),
        item(3, text="\0 and \\u0000", properties={"datetime": "2020-01-01T00:00:00Z", "text": "\0", "\0": 1}),
        item(4, large="x" * 2_000_000),
        item(5, geometry={"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 2, 3]}]}),
        item(6, properties={"datetime": "0001-01-01T00:00:00Z"}),
        item(7, properties={"datetime": "9999-12-31T23:59:59.999999Z", "number": 10**40}),
        item(8, deep=json.loads("[" * 400 + "]" * 400)),
    ]
    report = await load_items(catalog, [write(*kinds)])
    assert report.inserted == len(kinds)
    stored = {identity: json.loads(content) for identity, content in (await contents(catalog)).items()}
    assert stored == {kind["id"]: kind for kind in kinds}


# Bad items --------------------------------------------------------------------------------------------------------

BAD = {
    "no json": '{"id": ',
    "no datetime": dated(1),
    "no geometry": {name: value for name, value in item(1).items() if name != "geometry"},
    "unknown collection": item(1, collection="other"),
    "number too large for PostgreSQL": '{"type":"Feature","id":"i00001","collection":"c","geometry":null,"assets":{},'
    '"properties":{"datetime":"2020-01-01T00:00:00Z","number":1e999999}}',
    "id too long for an index": item(1, id="".join(map(chr, range(0x4E00, 0x4E00 + 5000)))),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_a_bad_item_is_skipped_alone_or_stops_the_load_before_its_batch(
    catalog: asyncpg.Connection, write: Callable[..., str], bad: Json | str
) -> None:
    file = write(*map(item, range(10, 15)), bad, *map(item, range(15, 20)))
    with pytest.raises(LoadError, match=r"items.ndjson line 6, ") as stopped:
        await load_items(catalog, [file], batch_size=4)
    assert str(stopped.value).endswith(
        f"In the database are 4 documents, up to {file} line 4 (whole batches: 1). Go on from {file} line 5."
    )
    assert await count(catalog) == 4
    told: list[BadItem] = []
    report = await load_items(catalog, [file], batch_size=4, on_error="skip", on_bad=told.append)
    assert (report.read, report.inserted, report.unchanged, report.bad) == (11, 6, 4, 1)
    (one,) = told
    assert (one.source, one.line) == (file, 6)
    assert one.reason
    if not isinstance(bad, str):
        assert one.id == bad["id"]


async def test_many_bad_items_in_a_batch_are_each_told(catalog: asyncpg.Connection, write: Callable[..., str]) -> None:
    huge = BAD["number too large for PostgreSQL"]
    lines = [huge.replace("i00001", f"h{n}") if n % 7 == 0 else item(n, collection="cx"[n % 5 == 0]) for n in range(50)]
    told: list[BadItem] = []
    report = await load_items(catalog, [write(*lines)], on_error="skip", on_bad=told.append)
    expected = [n + 1 for n in range(50) if n % 7 == 0 or n % 5 == 0]
    assert sorted(bad.line for bad in told) == expected
    assert (report.bad, report.inserted) == (len(expected), 50 - len(expected))
    assert await count(catalog) == report.inserted


async def test_an_item_stays_as_it_was_when_its_new_version_is_refused(
    catalog: asyncpg.Connection, write: Callable[..., str]
) -> None:
    await load_items(catalog, [write(item(1), item(2))])
    changed = item(2, properties={"datetime": "2020-01-01T00:00:00Z", "number": 20})
    report = await load_items(catalog, [write(BAD["number too large for PostgreSQL"], changed)], on_error="skip")
    assert (report.updated, report.bad) == (1, 1)
    assert await numbers(catalog) == [("i00001", 1), ("i00002", 20)]


async def test_a_new_item_that_is_refused_does_not_keep_out_the_new_version_of_another(
    catalog: asyncpg.Connection, write: Callable[..., str]
) -> None:
    await load_items(catalog, [write(item(2))])
    changed = item(2, properties={"datetime": "2020-01-01T00:00:00Z", "number": 20})
    told: list[BadItem] = []
    lines = write(BAD["number too large for PostgreSQL"], changed)
    report = await load_items(catalog, [lines], on_error="skip", on_bad=told.append)
    assert (report.inserted, report.updated, [bad.line for bad in told]) == (0, 1, [1])
    assert await numbers(catalog) == [("i00002", 20)]


async def test_a_file_that_breaks_off_stops_the_load_after_what_is_whole(
    catalog: asyncpg.Connection, write: Callable[..., str]
) -> None:
    file = write("[", json.dumps(item(1)) + ",", json.dumps(item(2)) + ",", '{"id":')
    with pytest.raises(LoadError, match=r"(?s)line 4: .*In the database are 2 documents, up to .* line 3 "):
        await load_items(catalog, [file], on_error="skip")
    assert await count(catalog) == 2


async def test_a_missing_file_stops_the_load_and_is_named(
    catalog: asyncpg.Connection, write: Callable[..., str]
) -> None:
    with pytest.raises(LoadError, match=r"(?s)missing.json.*In the database are 1 documents"):
        await load_items(catalog, [write(item(1)), "missing.json"])


async def test_a_connection_that_breaks_stops_the_load_with_whole_batches(
    database: str, catalog: asyncpg.Connection, write: Callable[..., str]
) -> None:
    file = write(*map(item, range(50)))

    async with another(database) as loading, another(database) as killer:
        pid = loading.get_server_pid()

        def kill(report: Report) -> None:
            if report.batches == 3:
                killing.append(asyncio.ensure_future(killer.execute("select pg_terminate_backend($1)", pid)))

        killing: list[asyncio.Future[str]] = []
        with pytest.raises(LoadError, match=r"In the database are .* documents") as stopped:
            await load_items(loading, [file], batch_size=5, on_progress=kill)
        await asyncio.gather(*killing)
    stored = await count(catalog)
    assert 15 <= stored < 50
    assert stored % 5 == 0
    assert f"up to {file} line {stored} (" in str(stopped.value)


# Collections ------------------------------------------------------------------------------------------------------


async def test_collections_are_inserted_replaced_or_left(
    connection: asyncpg.Connection, write: Callable[..., str]
) -> None:
    async def load(method: Method, *documents: Json) -> Report:
        return await load_collections(connection, [write(*documents)], method=method)

    assert (await load("insert", collection("a"), collection("b"))).inserted == 2
    with pytest.raises(LoadError, match="'b': it is in the catalog already"):
        await load("insert", collection("z"), collection("b"))
    report = await load("upsert", collection("a"), collection("b", title="B"), collection("c"))
    assert (report.inserted, report.updated, report.unchanged) == (1, 1, 1)
    assert (await load("ignore", collection("a", title="A"))).ignored == 1
    found = await connection.fetch("select id, content ->> 'title' as title from collections order by id")
    assert [tuple(row) for row in found] == [("a", None), ("b", "B"), ("c", None)]


async def test_a_collection_that_is_replaced_keeps_its_spans_and_items(
    catalog: asyncpg.Connection, write: Callable[..., str]
) -> None:
    await load_items(
        catalog, [write(dated(1, start_datetime="2020-01-01T00:00:00Z", end_datetime="2020-01-02T00:00:00Z"))]
    )
    await load_collections(catalog, [write(collection("c", title="C"))])
    assert await catalog.fetchval("select span_after from collections where id = 'c'") == timedelta(days=1)
    assert await count(catalog) == 1


async def test_spans_are_as_wide_as_the_widest_item(catalog: asyncpg.Connection, write: Callable[..., str]) -> None:
    async def spans() -> list[tuple[str, int, int]]:
        found = await catalog.fetch("select id, span_before, span_after from collections order by id")
        return [(row["id"], row["span_before"].days, row["span_after"].days) for row in found]

    def day(number: int) -> str:
        return f"2020-01-{number:02}T00:00:00Z"

    assert await spans() == [("c", 0, 0), ("d", 0, 0)]
    first = dated(1, datetime=day(10), start_datetime=day(8), end_datetime=day(11))
    await load_items(catalog, [write(first, item(2))])
    assert await spans() == [("c", 2, 1), ("d", 0, 0)]
    await load_items(catalog, [write(dated(3, datetime=day(10), start_datetime=day(9), end_datetime=day(15)))])
    assert await spans() == [("c", 2, 5), ("d", 0, 0)]
    # An item may lie outside of its own interval.
    await load_items(
        catalog, [write(dated(4, datetime=day(20), start_datetime=day(5), end_datetime=day(6)) | {"collection": "d"})]
    )
    assert await spans() == [("c", 2, 5), ("d", 15, 0)]


# Other writers, and what comes after -----------------------------------------------------------------------------


async def test_loads_of_the_same_items_at_the_same_time_all_succeed(
    database: str, catalog: asyncpg.Connection, write: Callable[..., str]
) -> None:
    def versions(number: int) -> list[Json]:
        return [item(at, properties={"datetime": "2020-01-01T00:00:00Z", "number": number}) for at in range(300)]

    files = [write(*versions(number), name=f"{number}.ndjson") for number in range(4)]

    async def load(file: str) -> Report:
        async with another(database) as connection:
            return await load_items(connection, [file], batch_size=40)

    reports = await asyncio.gather(*map(load, files))
    assert sum(report.inserted for report in reports) == 300
    assert sum(report.read for report in reports) == 1200
    found = await numbers(catalog)
    assert len(found) == 300
    assert {number for _, number in found} <= set(range(4))


async def test_a_load_tells_of_its_progress_after_each_batch(
    catalog: asyncpg.Connection, write: Callable[..., str]
) -> None:
    told: list[tuple[int, int, int]] = []
    file = write(*map(item, range(25)))
    report = await load_items(
        catalog,
        [file],
        batch_size=10,
        on_progress=lambda report: told.append((report.batches, report.read, report.inserted)),
    )
    assert told == [(1, 10, 10), (2, 20, 20), (3, 25, 25)]
    assert report.seconds > 0
    assert report.bytes == sum(len(json.dumps(item(number))) for number in range(25))


async def test_a_load_renews_the_statistics_when_enough_has_changed(
    catalog: asyncpg.Connection, write: Callable[..., str]
) -> None:
    async def rows_known() -> float:
        return await catalog.fetchval("select reltuples from pg_class where oid = 'items'::regclass")

    await load_items(catalog, [write(*map(item, range(100)))])
    assert await rows_known() == 100
    await load_items(catalog, [write(*map(item, range(100, 105)))])
    assert await rows_known() == 100
    await load_items(catalog, [write(*map(item, range(105, 200)))])
    assert await rows_known() == 200


async def test_a_load_of_nothing_does_nothing(catalog: asyncpg.Connection, write: Callable[..., str]) -> None:
    assert (await load_items(catalog, [write()])).batches == 0
    assert await count(catalog) == 0

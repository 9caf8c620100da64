"""Bulk writing: many items in one request, whole as an object of them, or line by line."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from writers import ITEMS, JSON, texts, writing

import serving
from satapi.db.pool import connect
from satapi.http import bulk
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import asyncpg

BULK = "/collections/c/bulk_items"
LINES = {"content-type": "application/x-ndjson"}
SEQUENCE = {"content-type": "application/geo+json-seq"}


@pytest.fixture
async def client(database: str) -> AsyncIterator[httpx.AsyncClient]:
    serving.store(database, [serving.collection("c"), serving.collection("d")])
    async with writing(database) as client:
        yield client


def items(first: int, last: int, **members: object) -> list[dict[str, object]]:
    return [serving.item("c", f"i{number}", **members) for number in range(first, last)]


def by_id(found: Sequence[dict[str, object]]) -> dict[str, object]:
    return {item["id"]: item for item in found}


def lines(found: Sequence[dict[str, object]]) -> bytes:
    return b"\n".join(map(texts, found))


async def ids(client: httpx.AsyncClient) -> set[str]:
    return {item["id"] for item in (await client.get("/search?limit=5000&fields=id")).json()["features"]}


# An object of items -------------------------------------------------------------------------------------------------


async def test_items_of_an_object_are_inserted_and_replaced(client: httpx.AsyncClient) -> None:
    made = await client.post(BULK, json={"items": by_id(items(0, 300))})
    assert made.status_code == 200
    assert made.json() == {
        "read": 300,
        "inserted": 300,
        "updated": 0,
        "unchanged": 0,
        "ignored": 0,
        "refused": 0,
        "errors": [],
    }
    changed = [*items(0, 10), *items(10, 20, title="t"), *items(300, 305)]
    again = (await client.post(BULK, json={"items": by_id(changed), "method": "upsert"})).json()
    assert [again[name] for name in ("read", "inserted", "updated", "unchanged")] == [25, 5, 10, 10]
    assert (await client.get(f"{ITEMS}/i15")).json()["title"] == "t"


async def test_one_bad_item_of_an_object_undoes_all_of_them(client: httpx.AsyncClient) -> None:
    await client.post(ITEMS, json=serving.item("c", "i3"))
    there = await client.post(BULK, json={"items": by_id(items(0, 9)), "method": "insert"})
    assert there.status_code == 409
    assert [(error["index"], error["id"]) for error in there.json()["errors"]] == [(3, "i3")]
    bad = {**by_id(items(0, 3)), "x": serving.item("d", "x"), "deep": serving.item("c", "deep", own=nested(80))}
    refused = await client.post(BULK, json={"items": bad, "method": "upsert"})
    assert refused.status_code == 422
    assert [(error["index"], error["id"]) for error in refused.json()["errors"]] == [(3, "x"), (4, "deep")]
    assert await ids(client) == {"i3"}


async def test_an_item_that_stands_under_another_key_than_its_id_is_refused(client: httpx.AsyncClient) -> None:
    given = {**by_id(items(0, 2)), "x": serving.item("c", "y"), **by_id(items(2, 3))}
    refused = await client.post(BULK, json={"items": given})
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["index"], error["id"], error["code"]) == (2, "y", "InvalidDocument")
    assert "it stands under 'x'" in error["reason"]
    assert await ids(client) == set()


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"items":[]}', 422),
        (b'{"items":{},"method":"delete"}', 422),
        (b'{"items":{}}', 200),
    ],
)
async def test_what_is_no_object_of_items_is_refused(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    assert (await client.post(BULK, content=body, headers=JSON)).status_code == status


async def test_bulk_items_are_for_writers_alone(client: httpx.AsyncClient, database: str) -> None:
    assert (await client.get(BULK)).status_code == 405
    assert (await client.get(BULK)).headers["allow"] == "POST, OPTIONS"
    unknown = await client.post("/collections/none/bulk_items", json={"items": by_id(items(0, 1))})
    assert unknown.status_code == 422
    named = {"items": {"i0": {name: value for name, value in items(0, 1)[0].items() if name != "collection"}}}
    assert (await client.post("/collections/none/bulk_items", json=named)).status_code == 404
    async with serving.in_process(serving.Settings(dsn=database)) as reader:
        assert (await reader.post(BULK, json={"items": {}})).status_code == 404


# Lines --------------------------------------------------------------------------------------------------------------


async def test_lines_are_stored_in_batches_and_each_bad_one_is_told(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_BATCH_ITEMS", 7)
    await client.post(ITEMS, json=serving.item("c", "i20"))
    documents = list(map(texts, items(0, 40)))
    documents[5] = b"{"
    documents[6] = b'"\xff"'
    documents[11] = texts(serving.item("d", "other"))
    documents[12] = texts(serving.item("c", "deep", own=nested(80)))
    documents[13] = texts(serving.item("c", "i0"))
    answer = await client.post(ITEMS, content=b"\n\n".join(documents) + b"\r\n", headers=LINES)
    assert answer.status_code == 200
    report = answer.json()
    assert [report[name] for name in ("read", "inserted", "refused")] == [40, 34, 6]
    told = [(error["index"], error.get("id"), error["code"]) for error in report["errors"]]
    assert told == [
        (5, None, "InvalidDocument"),
        (6, None, "InvalidDocument"),
        (11, "other", "InvalidDocument"),
        (12, "deep", "InvalidDocument"),
        (13, "i0", "Conflict"),
        (20, "i20", "Conflict"),
    ]
    assert len(await ids(client)) == 35


async def test_the_method_says_what_becomes_of_items_that_exist(client: httpx.AsyncClient) -> None:
    await client.post(ITEMS, content=lines(items(0, 5)), headers=LINES)
    changed = lines(items(3, 8, title="t"))
    ignored = (await client.post(f"{ITEMS}?method=ignore", content=changed, headers=LINES)).json()
    assert [ignored[name] for name in ("inserted", "ignored", "refused")] == [3, 2, 0]
    assert "title" not in (await client.get(f"{ITEMS}/i3")).json()
    upserted = (await client.post(f"{ITEMS}?method=upsert", content=changed, headers=LINES)).json()
    assert [upserted[name] for name in ("updated", "unchanged")] == [2, 3]
    for query in ("?method=replace", "?other=1"):
        assert (await client.post(ITEMS + query, content=changed, headers=LINES)).status_code == 400


async def test_a_geojson_text_sequence_is_read_too(client: httpx.AsyncClient) -> None:
    records = b"".join(b"\x1e%b\n" % texts(item) for item in items(0, 5))
    answer = await client.post(ITEMS, content=records, headers=SEQUENCE)
    assert answer.json()["inserted"] == 5
    nothing = await client.post(ITEMS, content=b"", headers=SEQUENCE)
    assert (nothing.status_code, nothing.json()["read"]) == (200, 0)


async def test_lines_may_come_in_pieces_of_any_size(client: httpx.AsyncClient) -> None:
    whole = lines(items(0, 20, title="é"))

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(whole), 11):
            yield whole[at : at + 11]

    answer = await client.post(ITEMS, content=pieces(), headers=LINES)
    assert answer.json()["inserted"] == 20


async def test_a_stream_of_an_unknown_collection_is_not_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/collections/none/items", content=lines(items(0, 1)), headers=LINES)
    assert answer.status_code == 404


async def test_a_stream_that_is_too_long_is_refused_before_anything_is_stored(database: str) -> None:
    serving.store(database, [serving.collection("c")])
    async with writing(database, stream_max_bytes=10_000) as client:
        answer = await client.post(ITEMS, content=lines(items(0, 100)), headers=LINES)
        assert answer.status_code == 413
        assert await ids(client) == set()
        long = lines(items(0, 10)) + b"\n" + texts(serving.item("c", "x", title="x" * 9_000))

        async def pieces() -> AsyncIterator[bytes]:
            yield long

        assert (await client.post(ITEMS, content=pieces(), headers=LINES)).status_code == 413


async def test_of_very_many_bad_lines_the_first_are_told_and_all_counted(client: httpx.AsyncClient) -> None:
    report = (await client.post(ITEMS, content=b"3\n" * 1_500, headers=LINES)).json()
    assert (report["refused"], len(report["errors"])) == (1_500, 1_000)


async def test_a_client_that_hangs_up_leaves_whole_batches(database: str, connection: asyncpg.Connection) -> None:
    serving.store(database, [serving.collection("c")])
    body = lines(items(0, 2_500))
    with serving.served(database, writes="open") as server:
        _, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)
        head = f"POST {ITEMS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        writer.write(f"{head}Content-Length: {len(body) + 1_000}\r\n\r\n".encode() + body)
        await writer.drain()
        for _ in range(200):
            if await connection.fetchval("select count(*) from items") == 2_000:
                break
            await asyncio.sleep(0.05)
        writer.transport.abort()
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            assert (await client.get("/health")).status_code == 200
    assert await connection.fetchval("select count(*) from items") == 2_000


async def test_a_connection_that_breaks_in_the_middle_is_a_503_and_costs_no_place(
    database: str, connection: asyncpg.Connection
) -> None:
    serving.store(database, [serving.collection("c")])
    found = {"type": "FeatureCollection", "features": items(0, 1_500, more="x" * 20_000)}
    locker = await connect(database, Settings())
    async with writing(database, pool_size=1, bulk_max_bytes=100_000_000) as client, locker.transaction():
        # Whoever writes the same key waits for the end of this transaction.
        await locker.execute(
            "insert into items (collection, id, datetime, properties, content) values ('c', 'i0', now(), '{}', '{}')"
        )
        storing = asyncio.ensure_future(client.post(ITEMS, content=texts(found), headers=JSON))
        await asyncio.sleep(2)
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and query ilike 'copy%'"
        )
        done, _ = await asyncio.wait([storing], timeout=10)
        assert done, "the request waits for ever"
        assert (storing.result().status_code, storing.result().json()["code"]) == (503, "Unavailable")
        assert (await client.get("/search")).status_code == 200
    await locker.close()

"""Transactions of collections: made, replaced, patched and deleted over HTTP, each whole or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from writers import JSON, MERGE, OTHER, PATCH, texts, writing

import serving
from satapi.db import partitions
from satapi.db.pool import connect
from satapi.ingest import edit
from satapi.settings import Settings
from satapi.stac import paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import httpx

C = "/collections/c"


@pytest.fixture
async def client(database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with writing(database) as client:
        yield client


async def test_a_new_collection_is_answered_as_it_can_be_read_from_then_on(client: httpx.AsyncClient) -> None:
    body = texts(serving.collection("a/b", summaries={"gsd": "GSD"})).replace(b'"GSD"', b"[10.0,1E2]")
    made = await client.post("/collections", content=body, headers=JSON)
    assert made.status_code == 201
    assert made.headers["location"] == f"{serving.BASE}/collections/a%2Fb"
    assert b'"gsd":[10.0,1E2]' in made.content
    read = await client.get(paths.collection("a/b"))
    assert (read.content, read.headers["etag"]) == (made.content, made.headers["etag"])
    assert (await client.post(paths.items("a/b"), json=serving.item("a/b", "i"))).status_code == 201


async def test_what_was_served_can_be_put_back_and_is_what_it_was(client: httpx.AsyncClient) -> None:
    given = serving.collection("c", links=[{"rel": "license", "href": "https://example.com/license"}])
    made = await client.post("/collections", json=given)
    for _ in range(2):
        back = await client.put(C, content=(await client.get(C)).content, headers=JSON)
        assert (back.status_code, back.content) == (200, made.content)


@pytest.mark.parametrize("wrapped", [False, True])
async def test_several_collections_are_stored_whole_or_not_at_all(client: httpx.AsyncClient, wrapped: bool) -> None:  # noqa: FBT001
    async def post(*documents: object) -> httpx.Response:
        body = {"collections": documents} if wrapped else documents
        return await client.post("/collections", content=texts(body), headers=JSON)

    made = await post(serving.collection("a"), serving.collection("b"))
    assert (made.status_code, made.json()["ids"]) == (201, ["a", "b"])
    assert "location" not in made.headers
    there = await post(serving.collection("new"), serving.collection("b"))
    assert there.status_code == 409
    assert [(error["index"], error["id"]) for error in there.json()["errors"]] == [(1, "b")]
    bad = await post(serving.collection("new"), {"type": "Catalog", "id": "x"}, 3)
    assert bad.status_code == 422
    assert [(error["index"], error.get("id")) for error in bad.json()["errors"]] == [(1, "x"), (2, None)]
    listed = (await client.get("/collections")).json()["collections"]
    assert [collection["id"] for collection in listed] == ["a", "b"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b"3", JSON, 422),
        (b"{}", JSON, 422),
        (b'{"collections":3}', JSON, 422),
        (texts(serving.item("c", "i")), JSON, 422),
        (texts(serving.collection("")), JSON, 422),
        (texts(serving.collection("c", links=[3])), JSON, 422),
        (texts(serving.collection("c", title="x" * 1_100_000)), JSON, 413),
        (texts(serving.collection("c")), OTHER, 415),
    ],
)
async def test_what_is_no_collection_is_refused(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/collections", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await client.get("/collections")).json()["collections"] == []


async def test_a_collection_that_is_there_is_a_conflict(client: httpx.AsyncClient) -> None:
    await client.post("/collections", json=serving.collection("c"))
    again = await client.post("/collections", json=serving.collection("c", title="other"))
    assert (again.status_code, again.json()["code"]) == (409, "Conflict")
    assert "title" not in (await client.get(C)).json()


async def test_a_collection_is_replaced_and_patched_and_its_items_stay(client: httpx.AsyncClient) -> None:
    await client.post("/collections", json=serving.collection("c"))
    await client.post(f"{C}/items", json=serving.item("c", "i"))
    other = serving.collection("c", title="T", keywords=["k"])
    put = await client.put(C, json=other)
    assert (put.status_code, put.json() | {"links": []}) == (200, other)
    merged = await client.patch(C, json={"title": None, "n": 1}, headers=MERGE)
    assert (merged.status_code, merged.json()["n"], "title" in merged.json()) == (200, 1, False)
    change = [{"op": "add", "path": "/keywords/-", "value": "l"}]
    patched = await client.patch(C, content=texts(change), headers=PATCH)
    assert patched.json()["keywords"] == ["k", "l"]
    assert (await client.get(C)).content == patched.content
    minimal = await client.patch(C, json={"n": 2}, headers={"Prefer": "return=minimal"})
    assert (minimal.status_code, minimal.headers["etag"]) == (204, (await client.get(C)).headers["etag"])
    assert (await client.get(f"{C}/items/i")).status_code == 200


async def test_a_collection_keeps_the_id_of_its_path(client: httpx.AsyncClient) -> None:
    await client.post("/collections", json=serving.collection("c"))
    for answer in (
        await client.put(C, json=serving.collection("d")),
        await client.patch(C, json={"id": "d"}),
    ):
        assert (answer.status_code, answer.json()["parameter"]) == (400, "id")
    short = {name: value for name, value in serving.collection("c").items() if name != "id"}
    assert (await client.put(C, json=short)).json()["id"] == "c"
    assert (await client.put(C, json=short | {"type": "Catalog"})).status_code == 422


async def test_unknown_collections_are_not_found(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.put(C, json=serving.collection("c")),
        await client.patch(C, json={}),
        await client.delete(C),
        await client.delete(f"{C}?cascade=true"),
    ):
        assert answer.status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_version_of_a_collection_that_was_not_seen_is_not_changed(
    client: httpx.AsyncClient, method: str
) -> None:
    made = await client.post("/collections", json=serving.collection("c"))
    await client.patch(C, json={"n": 1})
    body = None if method == "DELETE" else texts(serving.collection("c"))
    for headers in ({"If-Match": made.headers["etag"]}, {"If-None-Match": "*"}):
        assert (await client.request(method, C, content=body, headers=headers)).status_code == 412
    assert (await client.get(C)).json()["n"] == 1
    now = {"If-Match": (await client.get(C)).headers["etag"]}
    assert (await client.request(method, C, content=body, headers=now)).is_success


async def test_many_clients_who_change_one_collection_lose_no_change(client: httpx.AsyncClient) -> None:
    await client.post("/collections", json=serving.collection("c", n=0))

    async def increments() -> None:
        for _ in range(5):
            status = 412
            while status == 412:
                read = await client.get(C)
                change = {"n": read.json()["n"] + 1}
                headers = {"If-Match": read.headers["etag"]}
                status = (await client.patch(C, json=change, headers=headers)).status_code
            assert status == 200

    await asyncio.gather(*(increments() for _ in range(6)))
    assert (await client.get(C)).json()["n"] == 30


# Deleting -----------------------------------------------------------------------------------------------------------


async def test_a_collection_without_items_is_deleted(client: httpx.AsyncClient) -> None:
    await client.post("/collections", json=serving.collection("c"))
    answer = await client.delete(C)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(C)).status_code == 404


async def test_a_collection_with_items_is_deleted_only_when_asked_for(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit, "_DELETED_ITEMS", 7)
    for name in ("c", "d"):
        await client.post("/collections", json=serving.collection(name))
        features = [
            serving.item(name, f"i{number}", properties={"datetime": f"2020-01-{number // 10 + 1:02d}T00:00:00Z"})
            for number in range(40)
        ]
        await client.post("/items", json={"type": "FeatureCollection", "features": features})
    for query in ("", "?cascade=false"):
        refused = await client.delete(C + query)
        assert (refused.status_code, "cascade=true" in refused.json()["detail"]) == (409, True)
    for query in ("?cascade=yes", "?other=1", "?cascade=true&cascade=true"):
        assert (await client.delete(C + query)).status_code == 400
    assert len((await client.get(f"{C}/items?limit=100")).json()["features"]) == 40
    assert (await client.delete(f"{C}?cascade=true")).status_code == 204
    assert (await client.get(C)).status_code == 404
    left = (await client.get("/search?limit=100")).json()["features"]
    assert {item["collection"] for item in left} == {"d"}
    assert len(left) == 40


async def test_the_partition_of_a_deleted_collection_goes_with_it(
    client: httpx.AsyncClient, database: str, connection: asyncpg.Connection
) -> None:
    serving.store(database, [serving.collection("c")], [serving.item("c", f"i{number}") for number in range(10)])
    beside = await connect(database, Settings())
    await partitions.separate(connection, beside, "c")
    await beside.close()
    assert len(await partitions.partitions(connection)) == 2
    assert (await client.delete(f"{C}?cascade=true")).status_code == 204
    assert [partition.name for partition in await partitions.partitions(connection)] == ["items_default"]
    await client.post("/collections", json=serving.collection("c"))
    assert (await client.post(f"{C}/items", json=serving.item("c", "i"))).status_code == 201


async def test_the_kept_counts_follow_what_is_written_and_deleted(client: httpx.AsyncClient) -> None:
    async def counted() -> int:
        answer = await client.get("/aggregate?aggregations=total_count")
        return answer.json()["aggregations"][0]["value"]

    await client.post("/collections", json=[serving.collection("c"), serving.collection("d")])
    features = [serving.item(name, f"i{number}") for name in "cd" for number in range(5)]
    await client.post("/items", json={"type": "FeatureCollection", "features": features})
    assert await counted() == 10
    await client.patch(f"{C}/items/i0", json={"properties": {"datetime": "2001-01-01T00:00:00Z"}})
    await client.delete(f"{C}/items/i1")
    assert await counted() == 9
    assert (await client.delete(f"{C}?cascade=true")).status_code == 204
    assert await counted() == 5


async def test_no_item_is_left_of_a_collection_that_is_deleted_while_others_write(
    client: httpx.AsyncClient, connection: asyncpg.Connection
) -> None:
    for turn in range(5):
        await client.post("/collections", json=serving.collection("c"))
        statuses: list[int] = []

        async def write(name: str, statuses: list[int] = statuses) -> None:
            for number in range(8):
                answer = await client.post(f"{C}/items", json=serving.item("c", f"{name}{number}"))
                statuses.append(answer.status_code)

        async def delete(after_s: float) -> int:
            await asyncio.sleep(after_s)
            return (await client.delete(f"{C}?cascade=true")).status_code

        *_, deleted = await asyncio.gather(*(write(name) for name in "abcd"), delete(0.01 * turn))
        assert deleted == 204
        assert set(statuses) <= {201, 404}
        assert await connection.fetchval("select count(*) from items") == 0

"""Collections that have the extent and summaries of their items, as clients read, search and write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from writers import ITEMS, JSON, MERGE, PATCH, texts, writing

import serving
from satapi.db import maintained
from satapi.db.maintained import AS_GIVEN, Keeps

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import httpx

C = "/collections/c"
PLACE = {"type": "Point", "coordinates": [20, 60]}
GIVEN = texts(serving.collection("c")).replace(
    b'"links":[]', b'"summaries":{"platform":["given"],"n":[1.00]},"links":[]'
)


@pytest.fixture
async def client(database: str, connection: asyncpg.Connection) -> AsyncIterator[httpx.AsyncClient]:
    """A client on a collection that is maintained and has one item."""
    serving.store(database, [GIVEN], [serving.item("c", "1", properties={"platform": "p"})])
    await maintained.choose(connection, ["c"], Keeps(extent=True, summaries=True))
    await maintained.refresh(connection)
    async with writing(database) as client:
        yield client


async def extent(client: httpx.AsyncClient) -> tuple[object, object]:
    """As all answers that have it tell it."""
    alone = (await client.get(C)).json()["extent"]
    for path, member in (("/collections", "collections"), ("/children", "children")):
        assert [one["extent"] for one in (await client.get(path)).json()[member]] == [alone]
    return alone["spatial"]["bbox"], alone["temporal"]["interval"]


def without_links(document: bytes) -> bytes:
    """As it is stored: links are last, and all of them are the server's."""
    return document[: document.index(b'"links":[')] + b'"links":[]}'


async def given(connection: asyncpg.Connection) -> bytes:
    await maintained.choose(connection, ["c"], AS_GIVEN)
    return await connection.fetchval("select content from collections where id = 'c'")


async def test_a_write_of_an_item_is_in_its_collection_when_it_is_answered(client: httpx.AsyncClient) -> None:
    day = ["2024-06-01T00:00:00Z"] * 2
    assert await extent(client) == ([[10, 50, 10, 50]], [day])
    tag = (await client.get(C)).headers["etag"]
    made = await client.post(ITEMS, json=serving.item("c", "2", geometry=PLACE, properties={"platform": "q"}))
    assert made.status_code == 201
    assert await extent(client) == ([[10, 50, 20, 60]], [day])
    now = await client.get(C, headers={"if-none-match": tag})
    assert now.status_code == 200
    assert now.json()["summaries"]["platform"] == ["p", "q"]
    moved = await client.patch(
        f"{ITEMS}/2", json={"geometry": {"type": "Point", "coordinates": [15, 55]}}, headers=MERGE
    )
    assert moved.status_code == 200
    assert await extent(client) == ([[10, 50, 15, 55]], [day])
    bulk = {"items": {"3": serving.item("c", "3", geometry=PLACE)}}
    assert (await client.post(f"{C}/bulk_items", json=bulk)).status_code == 200
    assert (await extent(client))[0] == [[10, 50, 20, 60]]
    for identifier in "231":
        assert (await client.delete(f"{ITEMS}/{identifier}")).status_code == 204
    assert await extent(client) == ([[-180, -90, 180, 90]], [[None, None]])


async def test_searches_of_collections_find_what_is_served(client: httpx.AsyncClient) -> None:
    async def found(**asked: str) -> int:
        return (await client.get("/collections", params=asked)).json()["numberMatched"]

    assert (await found(bbox="9,49,11,51"), await found(bbox="19,59,21,61")) == (1, 0)
    assert (await found(datetime="2024-06-01T00:00:00Z"), await found(datetime="2025-06-01T00:00:00Z")) == (1, 0)
    assert await found(filter="summaries.platform.0 = 'p'") == 1
    item = serving.item("c", "2", geometry=PLACE, properties={"datetime": "2025-06-01T00:00:00Z"})
    await client.post(ITEMS, json=item)
    assert await found(bbox="19,59,21,61", datetime="2025-06-01T00:00:00Z") == 1


async def test_a_document_that_is_read_and_put_back_changes_nothing_that_was_given(
    client: httpx.AsyncClient, connection: asyncpg.Connection
) -> None:
    read = await client.get(C)
    document = without_links(read.content)
    put = await client.put(C, content=document, headers={**JSON, "if-match": read.headers["etag"]})
    assert (put.status_code, put.content, put.headers["etag"]) == (200, read.content, read.headers["etag"])
    changed = document.replace(b"Made for a test", b"New")
    put = await client.put(C, content=changed, headers={**JSON, "if-match": read.headers["etag"]})
    assert (put.status_code, without_links(put.content)) == (200, changed)
    assert put.headers["etag"] == (await client.get(C)).headers["etag"] != read.headers["etag"]
    stored = GIVEN.replace(b"Made for a test", b"New")
    assert await given(connection) == stored


async def test_a_document_whose_extent_changed_meanwhile_is_another_version(client: httpx.AsyncClient) -> None:
    read = await client.get(C)
    await client.post(ITEMS, json=serving.item("c", "2", geometry=PLACE))
    put = await client.put(C, content=read.content, headers={**JSON, "if-match": read.headers["etag"]})
    assert put.status_code == 412


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"title":"T"}', MERGE),
        (
            b'[{"op":"test","path":"/extent/spatial/bbox/0/0","value":10},{"op":"add","path":"/title","value":"T"}]',
            PATCH,
        ),
    ],
)
async def test_patches_are_of_what_is_served_and_leave_what_was_given(
    client: httpx.AsyncClient, connection: asyncpg.Connection, body: bytes, headers: dict[str, str]
) -> None:
    patched = await client.patch(C, content=body, headers=headers)
    assert patched.status_code == 200
    assert (patched.json()["title"], patched.json()["extent"]["spatial"]["bbox"]) == ("T", [[10, 50, 10, 50]])
    assert (await client.get(C)).content == patched.content
    assert await given(connection) == GIVEN.replace(b'"links":[]', b'"title":"T","links":[]')


async def test_an_extent_that_a_client_gives_is_what_comes_back_when_it_is_no_longer_maintained(
    client: httpx.AsyncClient, connection: asyncpg.Connection
) -> None:
    change = {"extent": {"spatial": {"bbox": [[1, 2, 3, 4]]}}}
    patched = await client.patch(C, json=change, headers=MERGE)
    assert patched.json()["extent"]["spatial"]["bbox"] == [[10, 50, 10, 50]]
    assert b'"bbox":[[1,2,3,4]]' in await given(connection)
    assert (await client.get(C)).json()["extent"]["spatial"]["bbox"] == [[1, 2, 3, 4]]


async def test_a_maintained_collection_is_deleted_and_made_anew_as_given(client: httpx.AsyncClient) -> None:
    assert (await client.delete(C, params={"cascade": "true"})).status_code == 204
    assert (await client.post("/collections", content=GIVEN, headers=JSON)).status_code == 201
    await client.post(ITEMS, json=serving.item("c", "2", geometry=PLACE))
    assert await extent(client) == ([[-180, -90, 180, 90]], [[None, None]])


async def test_the_time_of_a_change_is_told_only_of_what_was_given(
    database: str, connection: asyncpg.Connection
) -> None:
    serving.store(database, [serving.collection("c", updated="2020-01-01T00:00:00Z")], [serving.item("c", "1")])
    async with writing(database, timestamps="maintain") as client:
        read = await client.get(C)
        assert read.headers["last-modified"] == "Wed, 01 Jan 2020 00:00:00 GMT"
        await maintained.choose(connection, ["c"], Keeps(extent=True, summaries=False))
        await maintained.refresh(connection)
        later = {"if-modified-since": read.headers["last-modified"]}
        now = await client.get(C, headers=later)
        assert (now.status_code, "last-modified" in now.headers) == (200, False)
        assert now.json()["extent"]["spatial"]["bbox"] == [[10, 50, 10, 50]]
        put = await client.put(C, content=without_links(now.content), headers=JSON)
        assert put.content == now.content
        changed = await client.patch(C, json={"title": "T"}, headers=MERGE)
        assert changed.json()["updated"] > "2026"
        assert changed.json()["extent"]["spatial"]["bbox"] == [[10, 50, 10, 50]]

"""Optimistic locking: nobody overwrites what they have not seen, however many write at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from writers import ITEMS, JSON, MERGE, PATCH, texts, writing

import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

ITEM = f"{ITEMS}/i"
ROUNDS = 12
CLIENTS = 8


@pytest.fixture
async def client(database: str) -> AsyncIterator[httpx.AsyncClient]:
    serving.store(database, [serving.collection("c")], [serving.item("c", "i", properties={"n": 0})])
    async with writing(database) as client:
        yield client


def numbered(n: int) -> dict[str, object]:
    return serving.item("c", "i", properties={"n": n})


async def send(client: httpx.AsyncClient, method: str, headers: dict[str, str], n: int = 1) -> httpx.Response:
    match method:
        case "PUT":
            return await client.put(ITEM, json=numbered(n), headers=headers)
        case "PATCH":
            return await client.patch(ITEM, json={"properties": {"n": n}}, headers=headers)
        case _:
            return await client.delete(ITEM, headers=headers)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_version_that_was_not_seen_is_not_changed(client: httpx.AsyncClient, method: str) -> None:
    seen = (await client.get(ITEM)).headers["etag"]
    await send(client, "PATCH", {}, 5)
    for stale in (seen, '"other"', f'"a", {seen}', f"W/{(await client.get(ITEM)).headers['etag']}"):
        answer = await send(client, method, {"If-Match": stale})
        assert (answer.status_code, answer.json()["code"]) == (412, "PreconditionFailed")
    assert (await client.get(ITEM)).json()["properties"]["n"] == 5
    now = (await client.get(ITEM)).headers["etag"]
    done = await send(client, method, {"If-Match": f'"other", {now}'})
    assert done.status_code == (204 if method == "DELETE" else 200)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_versions_that_are_excluded_are_not_changed(client: httpx.AsyncClient, method: str) -> None:
    now = (await client.get(ITEM)).headers["etag"]
    for excluded in ("*", now, f"W/{now}", f'"other",{now}'):
        assert (await send(client, method, {"If-None-Match": excluded})).status_code == 412
    done = await send(client, method, {"If-None-Match": '"other"'})
    assert done.status_code == (204 if method == "DELETE" else 200)
    if method == "DELETE":
        assert (await send(client, method, {"If-Match": "*"})).status_code == 404


async def test_the_tag_of_each_answer_lets_the_next_change_through(client: httpx.AsyncClient) -> None:
    made = await client.post(ITEMS, json=serving.item("c", "j"))
    tag = made.headers["etag"]
    for n in range(3):
        answer = await client.patch(f"{ITEMS}/j", json={"properties": {"n": n}}, headers={"If-Match": tag})
        assert answer.status_code == 200
        assert answer.headers["etag"] not in {tag, None}
        tag = answer.headers["etag"]
    minimal = {"If-Match": tag, "Prefer": "return=minimal"}
    answer = await client.patch(f"{ITEMS}/j", json={"properties": {"n": 9}}, headers=minimal)
    assert answer.headers["etag"] == (await client.get(f"{ITEMS}/j")).headers["etag"]


async def test_a_tag_holds_wherever_and_however_the_item_was_read(client: httpx.AsyncClient) -> None:
    await send(client, "PUT", {}, 1)
    await client.patch(ITEM, json={"long": "x" * 5_000})
    elsewhere = {"X-Forwarded-Host": "example.com", "Accept-Encoding": "gzip"}
    read = await client.get(ITEM, headers=elsewhere)
    assert read.headers["content-encoding"] == "gzip"
    assert read.headers["etag"] != (await client.get(ITEM)).headers["etag"]
    assert (await send(client, "PATCH", {"If-Match": read.headers["etag"]})).status_code == 200


async def test_equal_content_has_equal_tags_and_other_bytes_have_others(client: httpx.AsyncClient) -> None:
    first = (await client.get(ITEM)).headers["etag"]
    await client.put(ITEM, content=texts(numbered(0)).replace(b'"n":0', b'"n":0.0'), headers=JSON)
    second = (await client.get(ITEM)).headers["etag"]
    await client.put(ITEM, json=numbered(0))
    assert first != second
    assert (await client.get(ITEM)).headers["etag"] == first


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("text", ["abc", '"a" "b"', '"a', '* , "a"', ""])
async def test_a_condition_that_cannot_be_read_changes_nothing(
    client: httpx.AsyncClient, header: str, text: str
) -> None:
    answer = await send(client, "PUT", {header: text})
    assert answer.status_code in ({400, 412} if text == "" and header == "If-Match" else {400, 200})
    if text:
        assert (answer.status_code, answer.json()["parameter"]) == (400, header.lower())


async def test_an_operator_may_have_every_change_name_its_version(database: str) -> None:
    serving.store(database, [serving.collection("c")])
    async with writing(database, if_match_required=True) as client:
        made = await client.post(ITEMS, json=numbered(0))
        assert made.status_code == 201
        for method in ("PUT", "PATCH", "DELETE"):
            answer = await send(client, method, {})
            assert (answer.status_code, answer.json()["code"]) == (428, "PreconditionRequired")
        assert (await send(client, "PUT", {"If-Match": made.headers["etag"]})).status_code == 200
        assert (await send(client, "DELETE", {"If-Match": "*"})).status_code == 204


# Races --------------------------------------------------------------------------------------------------------------


async def test_many_clients_who_read_change_and_write_lose_no_change(client: httpx.AsyncClient) -> None:
    async def increments() -> int:
        refused = 0
        for _ in range(ROUNDS):
            while True:
                read = await client.get(ITEM)
                n = read.json()["properties"]["n"]
                answer = await client.patch(
                    ITEM, json={"properties": {"n": n + 1}}, headers={"If-Match": read.headers["etag"]}
                )
                if answer.status_code == 200:
                    break
                assert answer.status_code == 412, answer.text
                refused += 1
        return refused

    refused = await asyncio.gather(*(increments() for _ in range(CLIENTS)))
    assert (await client.get(ITEM)).json()["properties"]["n"] == ROUNDS * CLIENTS
    assert sum(refused) > 0


async def test_many_patches_of_one_item_at_once_all_count(client: httpx.AsyncClient) -> None:
    async def patches(name: str) -> None:
        for n in range(ROUNDS):
            entry = {"op": "add", "path": f"/properties/{name}{n}", "value": n}
            answers = [
                await client.patch(ITEM, content=texts([entry]), headers=PATCH),
                await client.patch(ITEM, json={"properties": {f"m{name}{n}": n}}, headers=MERGE),
            ]
            assert [answer.status_code for answer in answers] == [200, 200]

    await asyncio.gather(*(patches(f"c{client_number}_") for client_number in range(CLIENTS)))
    assert len((await client.get(ITEM)).json()["properties"]) == 2 + 2 * ROUNDS * CLIENTS


async def test_of_many_replacements_of_one_version_one_wins(client: httpx.AsyncClient) -> None:
    for turn in range(ROUNDS):
        tag = (await client.get(ITEM)).headers["etag"]
        sent = range(turn * 100 + 1, turn * 100 + 1 + CLIENTS)
        answers = await asyncio.gather(*(send(client, "PUT", {"If-Match": tag}, n) for n in sent))
        won = [n for n, answer in zip(sent, answers, strict=True) if answer.status_code == 200]
        assert sorted(answer.status_code for answer in answers) == [200] + [412] * (CLIENTS - 1)
        assert (await client.get(ITEM)).json()["properties"]["n"] == won[0]


async def test_of_many_who_make_one_item_one_wins(client: httpx.AsyncClient) -> None:
    for turn in range(ROUNDS):
        item = serving.item("c", f"new{turn}")
        answers = await asyncio.gather(*(client.post(ITEMS, json=item) for _ in range(CLIENTS)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * (CLIENTS - 1)


async def test_an_item_that_others_replace_all_the_time_is_always_found(client: httpx.AsyncClient) -> None:
    statuses: set[int] = set()

    async def replaces(first: int) -> None:
        for n in range(ROUNDS):
            statuses.add((await send(client, "PUT", {}, first + n)).status_code)

    async def patches() -> None:
        for n in range(ROUNDS):
            statuses.add((await send(client, "PATCH", {}, n)).status_code)

    await asyncio.gather(*(replaces(100 * number) for number in range(CLIENTS)), patches(), patches())
    assert statuses == {200}


async def test_feature_collections_with_the_same_items_never_block_each_other(client: httpx.AsyncClient) -> None:
    names = [f"n{number:02d}" for number in range(30)]

    async def posts(chosen: list[str]) -> int:
        features = [serving.item("c", name) for name in chosen]
        return (await client.post(ITEMS, json={"type": "FeatureCollection", "features": features})).status_code

    statuses = await asyncio.gather(*(posts(names if turn % 2 else names[::-1]) for turn in range(CLIENTS)))
    assert sorted(statuses) == [201] + [409] * (CLIENTS - 1)


async def test_readers_do_not_wait_for_writers_who_wait_for_each_other(
    database: str, connection: asyncpg.Connection
) -> None:
    names = [f"i{number}" for number in range(10)]
    serving.store(database, [serving.collection("c")], [serving.item("c", name) for name in names])
    waiting = "select count(*) from pg_locks where not granted"
    async with writing(database, pool_size=4) as client:
        async with connection.transaction():
            await connection.execute("select from collections where id = 'c' for update")
            deletes = [asyncio.ensure_future(client.delete(f"{ITEMS}/{name}")) for name in names]
            while await connection.fetchval(waiting) < 2:  # noqa: ASYNC110 - a session that waits gives no sign
                await asyncio.sleep(0.01)
            assert (await client.get("/search")).status_code == 200
            assert not any(delete.done() for delete in deletes)
        assert [answer.status_code for answer in await asyncio.gather(*deletes)] == [204] * 10


# Clients that hang up -----------------------------------------------------------------------------------------------


async def test_a_client_that_hangs_up_leaves_an_item_old_or_new(database: str) -> None:
    padding = "x" * 200_000
    serving.store(database, [serving.collection("c")], [numbered(0) | {"padding": padding}])
    with serving.served(database, writes="open") as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            for n in range(1, 25):
                document = texts(numbered(n) | {"padding": padding, "again": n})
                head = f"PUT {ITEM} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)
                writer.write(f"{head}Content-Length: {len(document)}\r\n\r\n".encode())
                writer.write(document if n % 3 else document[: len(document) // 2])
                await writer.drain()
                await asyncio.sleep(0.002 * (n % 8))
                writer.transport.abort()
                found = (await client.get(ITEM)).json()
                assert found["properties"]["n"] == found.get("again", 0)
                assert len((await client.get("/search", params={"ids": "i"})).json()["features"]) == 1
                del reader
            assert (await client.put(ITEM, json=numbered(99))).status_code == 200

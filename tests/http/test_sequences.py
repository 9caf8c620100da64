"""Whole results: the items of all pages in order, in each format, while clients are slow and items come and go."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import socket
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import httpx
import pytest

import serving
from satapi.http import sequences, streaming
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Open = Callable[..., Coroutine[None, None, httpx.AsyncClient]]

QUERIES = [
    "limit=100",
    "collections=landsat-8-l1&sortby=eo:cloud_cover,-id&limit=100",
    "bbox=0,40,60,70&limit=1000",
    "datetime=2020-01-01T00:00:00Z/..&fields=id,properties.platform,-links&limit=60",
    "filter=eo:cloud_cover < 5&limit=1000",
    "ids=nobody",
]


@pytest.fixture
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "_PAGE_ITEMS", 7)
    monkeypatch.setattr(streaming, "_PIECE_ITEMS", 3)


def records(response: httpx.Response) -> list[dict[str, object]]:
    """The items of a sequence in JSON."""
    assert response.status_code == 200, response.text
    kind = response.headers["content-type"]
    lines = response.content.split(b"\n")
    assert lines.pop() == b""
    if kind == "application/geo+json-seq":
        assert all(line[:1] == b"\x1e" for line in lines)
        return [json.loads(line[1:]) for line in lines]
    assert kind == "application/x-ndjson"
    return [json.loads(line) for line in lines]


def keys(response: httpx.Response) -> list[tuple[object, object]]:
    return [(item["collection"], item["id"]) for item in records(response)]


@pytest.mark.usefixtures("_small_pages")
@pytest.mark.parametrize("query", QUERIES)
async def test_a_sequence_has_the_items_of_the_page_that_would_hold_them_all(
    client: httpx.AsyncClient, query: str
) -> None:
    page = (await client.get(f"/search?{query}")).json()["features"]
    for kind in ("geojsonseq", "ndjson"):
        assert records(await client.get(f"/search?{query}&f={kind}")) == page
    table = await client.get(f"/search?{query}&f=csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert [line["id"] for line in lines] == [item["id"] for item in page]


async def test_every_item_comes_without_a_limit_or_as_many_as_the_server_allows(
    client: httpx.AsyncClient, open_client: Open
) -> None:
    everything = keys(await client.get("/search?f=ndjson"))
    assert len(everything) == len(set(everything)) == 2000
    assert len(keys(await client.get("/collections/landsat-8-l1/items?f=ndjson"))) == 1000
    few = await open_client(export_max_items=5)
    assert keys(await few.get("/search?f=ndjson")) == keys(await few.get("/search?f=ndjson&limit=9")) == everything[:5]


async def test_a_body_and_accept_ask_for_sequences_too(client: httpx.AsyncClient) -> None:
    body = {"collections": ["landsat-8-l1"], "limit": 20}
    page = (await client.post("/search", json=body)).json()["features"]
    assert records(await client.post("/search", json=body | {"f": "ndjson"})) == page
    accepted = {"Accept": "application/geo+json-seq"}
    assert records(await client.post("/search", json=body, headers=accepted)) == page
    got = await client.get("/collections/landsat-8-l1/items?limit=20", headers=accepted)
    assert records(got) == page
    assert "Accept" in re.split(", *", got.headers["vary"])
    for accept in ("*/*", "application/json, */*", "application/geo+json", "image/png", "text/html,*/*;q=0.8"):
        answer = await client.get("/search?limit=1", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/geo+json"
        assert "Accept" in re.split(", *", answer.headers["vary"])
    named = await client.get("/search?f=geojson&limit=1", headers=accepted)
    assert "f=geojson" in next(link["href"] for link in named.json()["links"] if link["rel"] == "next")


async def test_a_head_of_a_sequence_has_its_media_type(client: httpx.AsyncClient) -> None:
    answer = await client.head("/search?f=ndjson")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")


@pytest.mark.usefixtures("_small_pages")
@pytest.mark.parametrize("order", ["", "sortby=eo:cloud_cover", "sortby=-platform,gsd", "sortby=id&bbox=0,0,180,90"])
async def test_a_sequence_goes_on_behind_the_last_item_that_arrived(client: httpx.AsyncClient, order: str) -> None:
    query = f"/search?f=ndjson&{order}"
    everything = keys(await client.get(f"{query}&limit=50"))
    found = keys(await client.get(f"{query}&limit=10"))
    while len(found) < 50:
        found += keys(await client.get(f"{query}&limit=10&after={quote('/'.join(map(str, found[-1])))}"))
    assert found == everything


async def test_a_sequence_goes_on_from_the_token_of_a_page(client: httpx.AsyncClient) -> None:
    page = (await client.get("/search?limit=10")).json()
    token = re.search("token=([^&]+)", next(link["href"] for link in page["links"] if link["rel"] == "next"))
    assert token is not None
    rest = keys(await client.get(f"/search?f=ndjson&token={token[1]}&limit=10"))
    assert rest == keys(await client.get("/search?f=ndjson&limit=20"))[10:]


async def test_an_id_with_slashes_is_gone_on_behind(database: str) -> None:
    names = ["a/b", "a%2Fb", "c"]
    serving.store(database, [serving.collection("x/y")], [serving.item("x/y", name) for name in names])
    async with serving.in_process(Settings(dsn=database)) as client:
        found = keys(await client.get("/search", params={"f": "ndjson"}))
        after = "/".join(quote(str(part), safe="") for part in found[0])
        assert keys(await client.get("/search", params={"f": "ndjson", "after": after})) == found[1:]


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("/search?f=xml", 400, "geojson, json, geojsonseq, ndjson, csv"),
        ("/search?after=a/b", 400, "pages have token"),
        ("/search?f=csv&after=a", 400, "allowed is a collection/id"),
        ("/search?f=csv&after=a/b/c", 400, "allowed is a collection/id"),
        ("/search?f=csv&after=a/%2500", 400, "allowed is a collection/id"),
        ("/search?f=csv&after=a/b", 400, "there is no such item"),
        ("/search?f=csv&after=a/b&token=x", 400, "token"),
        ("/search?f=csv&limit=0", 400, "limit"),
        ("/search?f=csv&bbox=1", 400, "bbox"),
        ("/collections/nothing/items?f=csv", 404, "There is no collection 'nothing'"),
    ],
)
async def test_what_is_wrong_is_a_problem_document(
    client: httpx.AsyncClient, query: str, status: int, said: str
) -> None:
    answer = await client.get(query)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["description"]


async def test_links_of_items_are_those_of_pages_behind_proxies(client: httpx.AsyncClient) -> None:
    forwarded = {"X-Forwarded-Host": "stac.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/v1"}
    (item,) = records(await client.get("/search?f=geojsonseq&limit=1", headers=forwarded))
    page = (await client.get("/search?limit=1", headers=forwarded)).json()
    assert [item] == page["features"]
    assert all(link["href"].startswith("https://stac.example/v1") for link in item["links"])


@pytest.mark.usefixtures("_small_pages")
async def test_items_that_are_written_and_deleted_meanwhile_disturb_no_other(database: str) -> None:
    names = [f"i{number:02}" for number in range(30)]
    serving.store(database, [serving.collection("c")], [serving.item("c", name) for name in names])
    async with serving.in_process(Settings(dsn=database)) as client:
        request = client.build_request("GET", "/search?f=ndjson&sortby=id")
        pages = 0
        original = sequences.page

        def page(*given: object) -> object:
            nonlocal pages
            pages += 1
            if pages == 2:
                serving.execute(database, "delete from items where id in ('i02', 'i20')")
                serving.store(database, [], [serving.item("c", "i00b"), serving.item("c", "i20b")])
            return original(*given)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sequences, "page", page)
            found = [name for _, name in keys(await client.send(request))]
    assert found == sorted({*names, "i20b"} - {"i20"})


async def test_slow_clients_hold_no_connection_to_the_database(sample: str) -> None:
    with serving.served(sample, pool_size="1", pool_timeout_s="2") as server:
        place = urlsplit(server.url)
        asked = f"GET /search?f=ndjson HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n".encode()
        clients = [socket.socket() for _ in range(4)]
        try:
            for slow in clients:
                # So that little of the answer fits between the two.
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                slow.connect((place.hostname, place.port))
                slow.sendall(asked)
                assert slow.recv(12) == b"HTTP/1.1 200"
            async with httpx.AsyncClient(base_url=server.url) as client:
                for _ in range(3):
                    assert (await client.get("/search?limit=5&sortby=id")).status_code == 200
                    await asyncio.sleep(0.1)
            received = b""
            while more := clients[0].recv(1 << 20):
                received += more
            assert received.count(b'"type":"Feature"') == 2000
            assert received.endswith(b"0\r\n\r\n")
        finally:
            for slow in clients:
                slow.close()


def test_a_whole_result_arrives_compressed_over_tcp(sample_server: serving.Served) -> None:
    answer = httpx.get(f"{sample_server.url}/search?f=geojsonseq", timeout=60)
    assert answer.headers["content-encoding"] in {"gzip", "zstd"}
    assert len(records(answer)) == 2000

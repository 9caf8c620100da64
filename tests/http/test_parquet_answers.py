"""Whole results as stac-geoparquet."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from test_sequences import _small_pages as _small_pages  # noqa: PLC0414 - a fixture

import serving
from satapi.ingest import extra, parquet
from satapi.ingest.parquet_items import read

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    import httpx

    Open = Callable[..., Coroutine[None, None, httpx.AsyncClient]]

MEDIA_TYPE = "application/vnd.apache.parquet"


def items(response: httpx.Response) -> list[dict[str, object]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == MEDIA_TYPE
    return [json.loads(raw) for raw in read("answer", io.BytesIO(response.content))]


@pytest.mark.usefixtures("_small_pages")
@pytest.mark.parametrize(
    "query",
    ["limit=50", "sortby=eo:cloud_cover&limit=30", "bbox=0,0,90,90", "limit=0", "ids=none", "collections=landsat-8-l1"],
)
async def test_a_file_has_the_items_of_the_page_that_would_hold_them_all(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(parquet, "_CHUNK_DOCUMENTS", 20)
    monkeypatch.setattr(parquet, "_GROUP_ROWS", 100)
    many = "" if "limit" in query else "&limit=2000"
    page = await client.get(f"/search?{query}{many}")
    found = await client.get(f"/search?{query}&f=parquet")
    if page.status_code == 400:
        assert found.status_code == 400
    else:
        assert items(found) == page.json()["features"]


async def test_bodies_paths_and_accept_ask_for_it_too(client: httpx.AsyncClient) -> None:
    path = "/collections/landsat-8-l1/items?limit=20"
    page = (await client.get(path)).json()["features"]
    assert items(await client.get(path, headers={"accept": MEDIA_TYPE})) == page
    body = {"collections": ["landsat-8-l1"], "limit": 20}
    assert items(await client.post("/search", json=body | {"f": "parquet"})) == page
    after = f"landsat-8-l1/{page[4]['id']}"
    rest = await client.get("/collections/landsat-8-l1/items", params={"limit": 15, "f": "parquet", "after": after})
    assert items(rest) == page[5:]
    head = await client.head(path + "&f=parquet")
    assert (head.status_code, head.headers["content-type"]) == (200, MEDIA_TYPE)


async def test_chosen_fields_are_the_columns(client: httpx.AsyncClient) -> None:
    (found,) = items(await client.get("/search?limit=1&f=parquet&fields=id,collection,properties.datetime"))
    assert set(found["properties"]) == {"datetime"}


async def test_an_item_that_no_columns_hold_is_named_before_anything_is_sent(database: str, open_client: Open) -> None:
    serving.store(database, [serving.collection("c")], [serving.item("c", "1"), serving.item("c", "2", bbox=[1])])
    client = await open_client(dsn=database)
    answer = await client.get("/search?f=parquet")
    assert answer.status_code == 400
    assert "The item c/2 cannot be written as Parquet: bbox" in answer.json()["description"]
    assert len(items(await client.get("/search?f=parquet&ids=1"))) == 1


@pytest.mark.parametrize("asked", [{"params": {"f": "parquet"}}, {"headers": {"accept": MEDIA_TYPE}}])
async def test_without_the_extra_it_is_said_so(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, asked: dict[str, dict[str, str]]
) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda _: None)
    answer = await client.get("/search", **asked)
    assert answer.status_code == 400
    assert "pip install 'sat-api-pg[parquet]'" in answer.json()["description"]

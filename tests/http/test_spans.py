"""Items that reach far from their datetime: found by every search in time, however lately they were loaded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

import serving
from satapi.db import items
from satapi.db.pool import opened
from satapi.settings import Settings
from satapi.stac.search import Search
from satapi.stac.times import parse_interval

if TYPE_CHECKING:
    import httpx

# Items without a period in c0 and c1, one every month.
_SHORT = [
    serving.item(f"c{number % 2}", f"short-{number:02}", properties={"datetime": f"2024-{number:02}-15T00:00:00Z"})
    for number in range(1, 13)
]


def _long(identifier: str, datetime: str, start: str, end: str, collection: str = "c0") -> dict[str, object]:
    return serving.item(
        collection, identifier, properties={"datetime": datetime, "start_datetime": start, "end_datetime": end}
    )


@pytest.fixture
def dsn(database: str) -> str:
    serving.store(database, [serving.collection("c0"), serving.collection("c1")], _SHORT)
    return database


async def _ids(client: httpx.AsyncClient, query: str) -> list[str]:
    answer = (await client.get(query)).json()
    return [feature["id"] for feature in answer["features"]]


@pytest.mark.parametrize("scope", ["", "&collections=c0", "&collections=c0,c1", "&collections=c0,c1&ids=long"])
@pytest.mark.parametrize("area", ["", "&bbox=0,40,20,60"])
@pytest.mark.parametrize("order", ["", "&sortby=datetime", "&sortby=id", "&sortby=platform"])
@pytest.mark.parametrize(
    "window", ["2030-01-01T00:00:00Z/2030-02-01T00:00:00Z", "2030-01-01T00:00:00Z/..", "../1990-01-01T00:00:00Z"]
)
async def test_an_item_that_another_connection_loads_between_two_searches_is_found(
    dsn: str, scope: str, area: str, order: str, window: str
) -> None:
    async with serving.in_process(Settings(dsn=dsn)) as client:
        query = f"/search?datetime={window}{scope}{area}{order}"
        assert await _ids(client, query) == []
        serving.store(
            dsn, items=[_long("long", "2024-06-01T00:00:00Z", "1980-01-01T00:00:00Z", "2040-01-01T00:00:00Z")]
        )
        assert await _ids(client, query) == ["long"]
        again = [_long("long", "2024-06-01T00:00:00Z", "1980-01-01T00:00:00Z", "2090-01-01T00:00:00Z")]
        serving.store(dsn, items=again)
        later = query.replace(window, "2080-01-01T00:00:00Z/..")
        assert await _ids(client, later) == ["long"]
        assert await _ids(client, query) == ["long"]


@pytest.mark.parametrize("area", ["", "&bbox=0,40,20,60"])
async def test_spans_that_grow_between_two_pages_lose_no_item(dsn: str, area: str) -> None:
    async with serving.in_process(Settings(dsn=dsn)) as client:
        first = (await client.get(f"/search?datetime=2024-07-01T00:00:00Z/..&limit=2{area}")).json()
        assert [feature["id"] for feature in first["features"]] == ["short-12", "short-11"]
        long = _long("long", "2024-06-01T00:00:00Z", "2024-06-01T00:00:00Z", "2024-07-02T00:00:00Z")
        serving.store(dsn, items=[long])
        found: list[str] = []
        page = first
        while following := [link["href"] for link in page["links"] if link["rel"] == "next"]:
            page = (await client.get(following[0])).json()
            found += [feature["id"] for feature in page["features"]]
        assert found == ["short-10", "short-09", "short-08", "short-07", "long"]


@pytest.mark.parametrize("collections", [None, ("c0",), ("c0", "c1")])
async def test_spans_that_grow_between_a_page_and_its_count_are_counted(
    dsn: str, collections: tuple[str, ...] | None
) -> None:
    search = Search(limit=1, window=parse_interval("2024-11-01T00:00:00Z/.."), collections=collections)
    async with opened(dsn, Settings(dsn=dsn)) as database:
        before = await items.count(database, search)
        long = _long("long", "2024-06-01T00:00:00Z", "2024-06-01T00:00:00Z", "2024-12-02T00:00:00Z")
        serving.store(dsn, items=[long])
        assert await items.count(database, search) == before + 1


async def test_each_of_several_searches_at_once_looks_again(dsn: str) -> None:
    """What one search has learnt meanwhile is no reason for another to believe its empty answer."""
    serving.store(dsn, items=[_long("long", "2024-06-01T00:00:00Z", "1980-01-01T00:00:00Z", "2040-01-01T00:00:00Z")])
    async with serving.in_process(Settings(dsn=dsn)) as client, asyncio.TaskGroup() as group:
        query = "/search?datetime=2030-01-01T00:00:00Z/.."
        found = [group.create_task(_ids(client, query)) for _ in range(10)]
    assert [task.result() for task in found] == [["long"]] * 10

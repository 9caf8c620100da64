"""Prefer: count, and the numbers that answers then have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

import serving
from satapi.db.items import Page
from satapi.db.pool import opened
from satapi.errors import TimedOutError
from satapi.http.counting import counted
from satapi.http.following import Following
from satapi.http.server import Server
from satapi.settings import Settings
from satapi.stac.search import Position, Search

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

TOTAL = 25


@pytest.fixture
async def client(database: str) -> AsyncGenerator[httpx.AsyncClient]:
    items = [serving.item("c", f"i{number:02d}") for number in range(TOTAL)]
    serving.store(database, [serving.collection("c")], items)
    serving.execute(database, "analyze items")
    async with serving.in_process(Settings(dsn=database)) as found:
        yield found


async def test_an_exact_count_is_answered_with_the_places_of_the_items(client: httpx.AsyncClient) -> None:
    answer = await client.get("/search?limit=10", headers={"Prefer": "count=exact"})
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "count=exact"
    assert answer.headers["content-range"] == f"items 0-9/{TOTAL}"
    assert answer.json()["numberMatched"] == TOTAL


async def test_of_nothing_and_nobody_knows_how_many_there_is_no_range(client: httpx.AsyncClient) -> None:
    token = (await client.get("/search?limit=24")).json()["links"]
    href = next(link["href"] for link in token if link["rel"] == "next")
    assert (await client.get(href)).json()["numberReturned"] == 1
    answer = await client.get("/search?ids=none", headers={"Prefer": "count=none"})
    assert answer.headers["preference-applied"] == "count=none"
    assert answer.headers.get("content-range") in {None, "items */0"}


async def test_collections_are_counted_as_preferred(client: httpx.AsyncClient) -> None:
    answer = await client.get("/collections", headers={"Prefer": "count=exact"})
    assert answer.headers["preference-applied"] == "count=exact"
    assert answer.headers["content-range"] == "items 0-0/1"
    for other in ("count=planned", "count=none"):
        assert "preference-applied" not in (await client.get("/collections", headers={"Prefer": other})).headers


async def test_caches_are_told_that_answers_differ_by_preference(client: httpx.AsyncClient) -> None:
    for path in ("/search", "/collections", "/collections/c/items"):
        assert "prefer" in (await client.get(path)).headers["vary"].lower()


async def test_pages_count_the_places_on_and_back(client: httpx.AsyncClient) -> None:
    places, rel, href = [], "next", "/collections/c/items?limit=10"
    while href:
        answer = await client.get(href, headers={"Prefer": "count=exact"})
        places.append(answer.headers["content-range"])
        links = {link["rel"]: link["href"] for link in answer.json()["links"]}
        if rel == "next" and "next" not in links:
            rel = "prev"
        href = links.get(rel)
    there = [f"items {first}/{TOTAL}" for first in ("0-9", "10-19", "20-24")]
    assert places == [*there, *there[1::-1]]


async def test_a_planned_count_is_the_estimate(client: httpx.AsyncClient) -> None:
    answer = await client.post("/search", json={"limit": 10}, headers={"Prefer": "count=planned"})
    assert answer.headers["preference-applied"] == "count=planned"
    assert answer.headers["content-range"] == f"items 0-9/{TOTAL}"


async def test_a_planned_count_is_no_less_than_what_was_seen(database: str) -> None:
    # Without statistics of the properties the planner takes what has all three for rare.
    items = [serving.item("c", f"i{number:02d}", properties=dict.fromkeys("abc", "x")) for number in range(TOTAL)]
    serving.store(database, [serving.collection("c")], items)
    serving.execute(database, "analyze items")
    async with serving.in_process(Settings(dsn=database)) as client:
        href, places = "/search?a=x&b=x&c=x&limit=10", []
        while href:
            answer = await client.get(href, headers={"Prefer": "count=planned"})
            places.append((answer.headers["content-range"], answer.json()["numberMatched"]))
            href = {link["rel"]: link["href"] for link in answer.json()["links"]}.get("next")
    assert places == [("items 0-9/11", 11), ("items 10-19/21", 21), (f"items 20-24/{TOTAL}", TOTAL)]


async def test_no_count_leaves_the_number_out(client: httpx.AsyncClient) -> None:
    answer = await client.get("/search?limit=100", headers={"Prefer": "count=none"})
    assert answer.headers["content-range"] == f"items 0-{TOTAL - 1}/*"
    assert "numberMatched" not in answer.json()


async def test_a_page_without_items_has_no_places(client: httpx.AsyncClient) -> None:
    answer = await client.get("/search?ids=none", headers={"Prefer": "count=exact"})
    assert answer.headers["content-range"] == "items */0"


async def test_a_large_page_says_it_too(client: httpx.AsyncClient) -> None:
    answer = await client.get("/search?limit=300", headers={"Prefer": "count=exact"})
    assert answer.headers["content-range"] == f"items 0-{TOTAL - 1}/{TOTAL}"


@pytest.mark.parametrize(
    ("given", "applied"),
    [
        ("return=minimal, count=exact; a=b", "count=exact"),
        ('Count="none"', "count=none"),
        ("count=planned, count=exact", "count=planned"),
        ("count=many", None),
        ("account=exact", None),
        ("count", None),
    ],
)
async def test_a_preference_is_read_as_the_standard_says(
    client: httpx.AsyncClient, given: str, applied: str | None
) -> None:
    answer = await client.get("/search?limit=5", headers={"Prefer": given})
    assert answer.headers.get("preference-applied") == applied
    assert ("content-range" in answer.headers) == (applied is not None)


async def test_browsers_may_read_the_headers(client: httpx.AsyncClient) -> None:
    exposed = (await client.get("/search")).headers["access-control-expose-headers"]
    assert {"Content-Range", "Preference-Applied"} <= set(exposed.split(", "))


async def test_a_count_that_takes_too_long_says_what_helps(database: str) -> None:
    settings = Settings(dsn=database, statement_timeout_s=0.2)
    place = Position(("2020-01-01T00:00:00Z",), "c", "i")
    locker = await asyncpg.connect(database, server_settings={"search_path": "satapi, public"})
    try:
        async with opened(database, settings) as found, locker.transaction():
            await locker.execute("lock table items in access exclusive mode")
            here = Server(settings, found, Following(database, settings))
            with pytest.raises(TimedOutError, match=r"longer than 0.2 seconds; an estimate .*Prefer: count=planned"):
                await counted(here, Search(limit=1), Page([], 0, place, None), "exact")
    finally:
        await locker.close()

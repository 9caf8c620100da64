"""Random searches, page by page, while half of the catalog comes and goes between the pages."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING

import catalogs
import oracle
import pytest

import serving
from satapi.db.pool import connect
from satapi.http import search as http_search
from satapi.ingest.prepare import prepare_items
from satapi.ingest.store import store_items
from satapi.query import plan
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg
    import httpx

SEARCHES = 40
ITEMS = 200

Key = tuple[str, str]


class Writer:
    """Deletes, inserts and moves the half of the items that may change."""

    def __init__(self, connection: asyncpg.Connection, random: Random, keys: list[Key]) -> None:
        self.connection = connection
        self.random = random
        self.keys = keys

    async def write(self) -> None:
        """Leaves about half of them, some of which are other items than before."""
        gone = self.random.sample(self.keys, len(self.keys) // 2)
        await self.connection.execute(
            "delete from items using unnest($1::text[], $2::text[]) as gone (c, i) where collection = c and id = i",
            [collection for collection, _ in gone],
            [identifier for _, identifier in gone],
        )
        come = self.random.sample(self.keys, len(self.keys) // 4)
        raws = [catalogs.item(self.random, collection, identifier) for collection, identifier in come]
        stored = await store_items(self.connection, prepare_items(raws), "upsert")
        assert not stored.refused


@pytest.mark.parametrize("ways", ["as planned", "by distance"])
async def test_items_that_stay_are_on_one_page_each_and_in_order(
    make_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, ways: str
) -> None:
    random = Random(ways)
    dsn = make_database()
    made = catalogs.catalog(random, ITEMS)
    items = {(item["collection"], item["id"]): item for item in map(oracle.parse, made.items)}
    changing = random.sample(sorted(items), len(items) // 2)
    kept = [item for key, item in items.items() if key not in changing]
    serving.store(dsn, made.collections, made.items)
    if ways != "as planned":
        monkeypatch.setattr(plan, "BROAD_RATIO", 1e30)
        monkeypatch.setattr(http_search, "WHOLE_ITEMS_MAX", 4)
    connection = await connect(dsn, Settings())
    try:
        async with serving.in_process(Settings(dsn=dsn)) as client:
            for _ in range(SEARCHES):
                asked = catalogs.search(random, kept)
                asked["limit"] = random.choice([3, 7, 20])
                expected = oracle.found(kept, asked)
                seen = await _read(client, asked, Writer(connection, random, changing), random)
                assert [key for key in seen if key not in changing] == expected, json.dumps(asked, default=str)
    finally:
        await connection.close()


async def _read(client: httpx.AsyncClient, asked: oracle.Document, writer: Writer, random: Random) -> list[Key]:
    """All pages of a search; now and then a page is read again from the one behind it."""
    seen: list[Key] = []
    body: object = asked
    while body is not None:
        page = (await client.post("/search", json=body)).json()
        keys = [(item["collection"], item["id"]) for item in page["features"]]
        links = {link["rel"]: link["body"] for link in page["links"] if "body" in link}
        assert keys or not seen or "next" not in links
        if "prev" in links and random.random() < 0.3:
            await writer.write()
            before = (await client.post("/search", json=links["prev"])).json()
            again = [(item["collection"], item["id"]) for item in before["features"]]
            held = [key for key in again if key not in writer.keys]
            stayed = [key for key in seen if key not in writer.keys]
            assert stayed[len(stayed) - len(held) :] == held
        seen += keys
        await writer.write()
        body = links.get("next")
    return seen

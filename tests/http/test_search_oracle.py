"""Random searches of random catalogs: the API finds what the oracle finds, in its order, on all its pages.

`ORACLE_SEARCHES=1000 pytest tests/http/test_search_oracle.py` tries more searches in each catalog than usual.
"""

from __future__ import annotations

import json
import os
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode

import catalogs
import msgspec
import oracle
import pytest

import serving
from satapi.http import search as http_search
from satapi.http import streaming
from satapi.query import plan
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

SEARCHES = int(os.environ.get("ORACLE_SEARCHES", "50"))
ITEMS = 300

# Ratios at which every area is broad, and none.
ALWAYS, NEVER = -1, 1e30


class Variant(NamedTuple):
    """How a catalog is stored and how searches of it are planned."""

    name: str
    analyzed: bool = False
    # Statements for the database, before its items are stored.
    before: tuple[str, ...] = ()
    broad_ratio: float = plan.BROAD_RATIO
    probed_rows_max: int = plan.PROBED_ROWS_MAX
    whole_items_max: int = http_search.WHOLE_ITEMS_MAX
    number_matched: str = "auto"


_PARTITIONS = (
    "create table items_long partition of items for values in ('long')",
    "create table items_two partition of items for values in ('a', 'B')",
)

VARIANTS = (
    Variant("as it comes"),
    Variant("analyzed", analyzed=True),
    Variant("always walking", analyzed=True, broad_ratio=ALWAYS, number_matched="exact"),
    Variant("always by distance", before=("indexes",), broad_ratio=NEVER, whole_items_max=5),
    Variant("always by distance, many collections", analyzed=True, broad_ratio=NEVER, probed_rows_max=0),
    Variant("always walking, many collections", analyzed=True, broad_ratio=ALWAYS, probed_rows_max=0),
    Variant("partitions", analyzed=True, before=("partitions", "indexes"), broad_ratio=NEVER),
)


class Stored(NamedTuple):
    """A catalog in a database."""

    variant: Variant
    dsn: str
    raws: dict[tuple[str, str], str]
    items: list[oracle.Document]


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda variant: variant.name.replace(" ", "-"))
def stored(request: pytest.FixtureRequest, make_database: Callable[[], str]) -> Stored:
    variant: Variant = request.param
    dsn = make_database()
    made = catalogs.catalog(Random(variant.name), ITEMS)
    name = dsn.rpartition("/")[2].partition("?")[0]
    if "indexes" in variant.before:
        for setting in ("enable_seqscan", "enable_sort"):
            serving.execute(dsn, f"alter database {name} set {setting} = off")
    if "partitions" in variant.before:
        serving.execute(dsn, *_PARTITIONS)
    serving.store(dsn, made.collections, made.items)
    if variant.analyzed:
        serving.execute(dsn, "analyze items")
    items = [oracle.parse(raw) for raw in made.items]
    raws = {(item["collection"], item["id"]): oracle.verbatim(raw) for item, raw in zip(items, made.items, strict=True)}
    return Stored(variant, dsn, raws, items)


@pytest.fixture(autouse=True)
def _planned(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    variant = stored.variant
    monkeypatch.setattr(plan, "BROAD_RATIO", variant.broad_ratio)
    monkeypatch.setattr(plan, "PROBED_ROWS_MAX", variant.probed_rows_max)
    monkeypatch.setattr(http_search, "WHOLE_ITEMS_MAX", variant.whole_items_max)
    monkeypatch.setattr(streaming, "_PIECE_ITEMS", 7)


async def test_every_search_finds_what_the_oracle_finds_on_all_of_its_pages(stored: Stored) -> None:
    settings = Settings(dsn=stored.dsn, number_matched=stored.variant.number_matched)
    async with serving.in_process(settings) as client:
        for number in range(SEARCHES):
            random = Random(f"{stored.variant.name} {number}")
            asked = catalogs.search(random, stored.items)
            expected = oracle.found(stored.items, asked)
            asked["limit"] = _limit(random, len(expected))
            try:
                await _check(client, stored, asked, expected, by_get=random.random() < 0.5)
            except AssertionError as error:
                error.add_note(f"search {number}: {json.dumps(asked, ensure_ascii=False, default=str)}")
                raise


def _limit(random: Random, total: int) -> int:
    """A page size of which there are few pages."""
    pages = random.choice([1, 1, 2, 3, 5, 9])
    return max(1, total // pages + random.choice([-1, 0, 1]))


async def _check(
    client: httpx.AsyncClient, stored: Stored, asked: oracle.Document, expected: list[tuple[str, str]], *, by_get: bool
) -> None:
    method = "GET" if by_get else "POST"
    first = {"method": method, "href": get_url(asked) if by_get else "/search", "body": asked}
    pages = await _pages(client, stored, first, "next")
    assert [key for page in pages for key in page.keys] == expected
    assert len(pages) == 1 or all(page.keys for page in pages)
    assert [len(page.keys) for page in pages[:-1]] == [asked["limit"]] * (len(pages) - 1)
    for page in pages:
        assert page.number_matched in {None, len(expected)}
        if stored.variant.number_matched == "exact" or len(pages) == 1:
            assert page.number_matched == len(expected)
    assert "prev" not in pages[0].links
    if len(pages) > 1:
        back = await _pages(client, stored, pages[-1].links["prev"], "prev")
        assert [key for page in reversed(back) for key in page.keys] == expected[: -len(pages[-1].keys)]
        again = await _page(client, stored, back[-1].links["next"])
        assert again.keys == expected[len(back[-1].keys) :][: asked["limit"]]


class Page(NamedTuple):
    """What a page showed."""

    keys: list[tuple[str, str]]
    links: dict[str, oracle.Document]
    number_matched: int | None


async def _pages(client: httpx.AsyncClient, stored: Stored, link: oracle.Document, rel: str) -> list[Page]:
    pages = [await _page(client, stored, link)]
    while rel in pages[-1].links:
        assert len(pages) <= ITEMS
        pages.append(await _page(client, stored, pages[-1].links[rel]))
    return pages


async def _page(client: httpx.AsyncClient, stored: Stored, link: oracle.Document) -> Page:
    if link["method"] == "GET":
        response = await client.get(link["href"])
    else:
        response = await client.post(link["href"], json=link["body"])
    assert response.status_code == 200, response.text
    raw = msgspec.json.decode(response.content, type=dict[str, msgspec.Raw])
    answer = response.json()
    keys = [(feature["collection"], feature["id"]) for feature in answer["features"]]
    assert answer["numberReturned"] == len(keys)
    for key, feature in zip(keys, msgspec.json.decode(raw["features"], type=list[msgspec.Raw]), strict=True):
        assert oracle.verbatim(bytes(feature)) == stored.raws[key]
    return Page(keys, {link["rel"]: link for link in answer["links"]}, answer.get("numberMatched"))


def get_url(asked: oracle.Document) -> str:
    """The same search as a URL."""
    return f"/search?{urlencode({name: _text(name, value) for name, value in asked.items()}, quote_via=quote)}"


def _text(name: str, value: object) -> str:
    match name:
        case "query" | "intersects":
            return json.dumps(value)
        case "q":
            return ", ".join(f'"{term}"' for term in value) if isinstance(value, list) else value
        case "sortby":
            return ",".join(f"{'-' if entry['direction'] == 'desc' else '+'}{entry['field']}" for entry in value)
        case _:
            return ",".join(map(str, value)) if isinstance(value, list) else str(value)

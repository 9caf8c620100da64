"""Browsing: child and item links alone lead from the landing page to every item, once."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

import serving
from satapi.http import browse as http_browse
from satapi.query import browse as query_browse
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

LINKS, PARTS = 7, 3

# Of some are many items, which are divided, and of some few.
TIMES = [
    *(["2024-05-17T10:00:00.000001Z"] * 60),
    *(f"2024-05-17T{hour:02d}:00:00Z" for hour in range(24)),
    *(f"2024-05-{day:02d}T23:59:59.999999Z" for day in range(1, 32)),
    *(f"2023-{month:02d}-01T00:00:00Z" for month in range(1, 13)),
    *(f"{year:04d}-12-31T23:59:59Z" for year in (1, 2, 999, 1969, 1970, 2022, 9998)),
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
]
NAMES = ["many", "few / \u00f6 %41", "empty", *(f"more-{number:02d}" for number in range(20))]


def _items() -> list[dict[str, object]]:
    random = Random(7)
    made = [
        serving.item("many", f"{random.choice('abz/')}{number}", properties={"datetime": time})
        for number, time in enumerate(TIMES)
    ]
    spanned = {"datetime": None, "start_datetime": "2021-06-01T00:00:00Z", "end_datetime": "2022-06-01T00:00:00Z"}
    few = [serving.item(NAMES[1], identifier) for identifier in ("a", "s/1", "..", "\U0001f6f0")]
    return [*made, *few, serving.item("more-13", "alone", properties=spanned)]


@pytest.fixture(scope="module")
def stored(make_database: Callable[[], str]) -> str:
    dsn = make_database()
    serving.store(dsn, [serving.collection(name, title=f"The {name}") for name in NAMES], _items())
    return dsn


@pytest.fixture
async def client(stored: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(http_browse, "LINKS_MAX", LINKS)
    monkeypatch.setattr(query_browse, "PARTS_MAX", PARTS)
    async with serving.in_process(Settings(dsn=stored)) as client:
        yield client


async def _walk(client: httpx.AsyncClient, href: str, parents: list[str], items: list[tuple[str, str]]) -> int:
    """Follows all links; gives the number of levels."""
    document = (await client.get(href)).raise_for_status().json()
    links = {rel: [link["href"] for link in document["links"] if link["rel"] == rel] for rel in ("self", "root")}
    assert links == {"self": [href], "root": [f"{serving.BASE}/"]}
    assert document["type"] == ("Collection" if "extent" in document else "Catalog")
    assert document["stac_version"] == "1.1.0"
    above = [link["href"] for link in document["links"] if link["rel"] == "parent"]
    # The catalogs between a collection and the landing page, and those of parts, are on no path that a document knows.
    assert not parents or above[0] in parents
    for link in document["links"]:
        if link["rel"] == "item":
            found = (await client.get(link["href"])).raise_for_status().json()
            items.append((found["collection"], found["id"]))
    children = [link["href"] for link in document["links"] if link["rel"] == "child"]
    assert len([link for link in document["links"] if link["rel"] == "item"]) <= LINKS
    assert len(set(children)) == len(children)
    return 1 + max([await _walk(client, child, [*parents, href], items) for child in children], default=0)


async def test_following_child_and_item_links_finds_each_item_once(client: httpx.AsyncClient) -> None:
    found: list[tuple[str, str]] = []
    levels = await _walk(client, f"{serving.BASE}/", [], found)
    assert sorted(found) == sorted((item["collection"], item["id"]) for item in _items())
    # The landing page, a group, the collection, its catalog, a year, a month, a day, and parts of parts.
    assert levels >= 9


async def test_periods_without_items_are_left_out_and_the_latest_is_first(client: httpx.AsyncClient) -> None:
    async def titles(path: str) -> list[str]:
        page = (await client.get(f"/collections/many/browse{path}")).raise_for_status().json()
        return [link["title"] for link in page["links"] if link["rel"] == "child"]

    years = [9999, 9998, 2024, 2023, 2022, 1970, 1969, 999, 2, 1]
    assert await titles("") == [f"{year:04d}" for year in years]
    assert await titles("/2024") == ["2024-05"]
    assert await titles("/2023") == [f"2023-{month:02d}" for month in range(12, 0, -1)]
    assert await titles("/2024-05") == [f"2024-05-{day:02d}" for day in range(31, 0, -1)]
    assert len(await titles("/2024-05-17")) == PARTS + 1
    for path in ("/2024-05-16", "/0001", "/9999-12-31", "/2000", "/2024-06"):
        assert await titles(path) == []


async def test_few_items_are_linked_at_once(client: httpx.AsyncClient) -> None:
    page = (await client.get("/collections/few%20%2F%20%C3%B6%20%2541/browse")).json()
    items = [link for link in page["links"] if link["rel"] == "item"]
    assert len(items) == 4
    assert {link["type"] for link in items} == {"application/geo+json"}
    assert "child" not in [link["rel"] for link in page["links"]]
    empty = (await client.get("/collections/empty/browse")).raise_for_status().json()
    assert {link["rel"] for link in empty["links"]} == {"self", "root", "parent"}


async def test_the_landing_page_has_groups_of_many_collections(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).json()
    (everything,) = [link for link in page["links"] if link["rel"] == "child"]
    catalog = (await client.get(everything["href"])).raise_for_status().json()
    assert catalog["type"] == "Catalog"
    groups = [link for link in catalog["links"] if link["rel"] == "child"]
    firsts = sorted(NAMES)[::LINKS]
    assert [link["title"] for link in groups] == [f"Collections from {first}" for first in firsts]
    group = (await client.get(groups[1]["href"])).raise_for_status().json()
    assert group["type"] == "Catalog"
    titles = [link["title"] for link in group["links"] if link["rel"] == "child"]
    assert titles == [f"The {name}" for name in sorted(NAMES)[LINKS : 2 * LINKS]]


async def test_the_children_are_those_of_the_landing_page_also_where_collections_are_many(
    client: httpx.AsyncClient,
) -> None:
    landing = (await client.get("/")).json()["links"]
    for kind, expected in (("", 1), ("?type=Catalog", 1), ("?type=Collection", 0)):
        page = (await client.get(f"/children{kind}")).raise_for_status().json()
        assert page["numberMatched"] == page["numberReturned"] == len(page["children"]) == expected
        for child in page["children"]:
            (href,) = [link["href"] for link in child["links"] if link["rel"] == "self"]
            assert href in [link["href"] for link in landing if link["rel"] == "child"]


@pytest.mark.parametrize(
    "path",
    [
        "/collections/nowhere/browse",
        "/collections/nowhere/browse/2024",
        "/collections/nowhere/browse/2024-05-17/kpLXAOA",
        "/collections/many/browse/0000",
        "/collections/many/browse/2024-13",
        "/collections/many/browse/2024-02-30",
        "/collections/many/browse/24",
        "/collections/many/browse/2024-5",
        "/collections/many/browse/\uff12\uff10\uff12\uff14",
        "/collections/many/browse/2024-05-17/x",
        "/collections/many/browse/2024-05-17/\u00f6",
        "/browse/x",
        "/browse/kwE",
    ],
)
async def test_what_is_no_period_part_or_group_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404, response.text
    assert response.json()["code"] == "NotFound"

"""Free text over HTTP: both syntaxes, both methods, what is wrong, and what is searched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import serving
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

TEXTS = {
    "fire": {"title": "Wild fire", "platform": "Sentinel-2A"},
    "flood": {"description": "A flash flood\nafter FIRE", "keywords": ["été"]},
    "apart": {"keywords": ["flash", "flood"], "title": 7},
    "none": {"mission": "fire", "instruments": ["oli", "tirs"]},
}


@pytest.fixture
def stored(database: str) -> str:
    items = [serving.item("c", name, properties=texts) for name, texts in TEXTS.items()]
    serving.store(database, [serving.collection("c")], items)
    return database


async def found(client: httpx.AsyncClient, q: object, **others: object) -> set[str]:
    response = await client.post("/search", json={"q": q, **others})
    assert response.status_code == 200, response.text
    features = response.json()["features"]
    if isinstance(q, str):
        again = await client.get("/search", params={"q": q, **others})
        assert again.json()["features"] == features
    return {feature["id"] for feature in features}


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("fire", {"fire", "flood"}),
        ("Fïre TIRS", {"fire", "flood", "none"}),
        ("fire AND flood", {"flood"}),
        ('"flash flood"', {"flood"}),
        ("flash AND flood", {"flood", "apart"}),
        ("flash flood, ete", {"flood"}),
        ("+flood -fire", {"apart"}),
        ("-fire", {"apart", "none"}),
        ("(fire OR flood) AND sentinel-2a", {"fire"}),
        ('"sentinel 2a"', {"fire"}),
        ("7", set()),
        (["flash flood", "2A"], {"flood", "fire"}),
        (["fire AND flood"], set()),
        ("", set(TEXTS)),
        ([], set(TEXTS)),
    ],
)
async def test_q_finds_items_by_the_words_of_their_texts(stored: str, q: object, expected: set[str]) -> None:
    async with serving.in_process(Settings(dsn=stored)) as client:
        assert await found(client, q) == expected


async def test_q_goes_with_ids_counts_and_pages(stored: str) -> None:
    async with serving.in_process(Settings(dsn=stored, number_matched="exact")) as client:
        asked = {"q": "fire", "ids": ["fire", "none"]}
        assert [item["id"] for item in (await client.post("/search", json=asked)).json()["features"]] == ["fire"]
        page = (await client.get("/collections/c/items", params={"q": "fire", "limit": 1})).json()
        assert (page["numberMatched"], page["features"][0]["id"]) == (2, "fire")
        following = next(link["href"] for link in page["links"] if link["rel"] == "next")
        assert [item["id"] for item in (await client.get(following)).json()["features"]] == ["flood"]


@pytest.mark.parametrize(
    ("q", "said"),
    [
        ("fire AND", "at character 9, expected was a word"),
        ('a "b', "a quote"),
        (["-"], "a letter or a digit"),
        ({"q": 1}, "Expected"),
    ],
)
async def test_a_wrong_q_is_a_400_that_says_where(client: httpx.AsyncClient, q: object, said: str) -> None:
    response = await client.post("/search", json={"q": q})
    assert response.status_code == 400
    assert response.json()["parameter"] == "q"
    assert said in response.json()["detail"]


async def test_a_q_over_a_limit_is_a_413(open_client: Callable[..., object]) -> None:
    client = await open_client(q_max_characters=5)
    assert (await client.get("/search", params={"q": "123456"})).status_code == 413


async def test_q_is_in_the_conformance_and_the_description(client: httpx.AsyncClient) -> None:
    classes = (await client.get("/conformance")).json()["conformsTo"]
    for place in ("item-search", "ogcapi-features"):
        for kind in ("free-text", "advanced-free-text"):
            assert f"https://api.stacspec.org/v1.0.0-rc.1/{place}#{kind}" in classes

"""Collections: the list and each of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from oracle import verbatim

import serving
from satapi.ingest.sample import sample_collections
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

NAMES = ["a", "a b", "a/b", "a%2Fb", "ä", ".."]


@pytest.fixture
async def odd(database: str) -> AsyncIterator[httpx.AsyncClient]:
    links = [{"rel": "license", "href": "https://example.com/license"}, {"rel": "self", "href": "https://elsewhere"}]
    serving.store(database, [serving.collection(name, title=name.upper(), links=links) for name in NAMES])
    async with serving.in_process(Settings(dsn=database)) as client:
        yield client


async def test_all_collections_are_listed_by_id_and_counted(odd: httpx.AsyncClient) -> None:
    answer = (await odd.get("/collections")).json()
    assert [entry["id"] for entry in answer["collections"]] == sorted(NAMES)
    assert answer["numberMatched"] == answer["numberReturned"] == len(NAMES)
    assert {link["rel"] for link in answer["links"]} >= {"self", "root"}


@pytest.mark.parametrize(
    "path", ["/", "/conformance", "/collections", "/children", "/queryables", "/aggregate", "/search"]
)
async def test_json_is_given_to_who_asks_for_it_by_name(odd: httpx.AsyncClient, path: str) -> None:
    given = {"aggregations": "total_count"} if path == "/aggregate" else {}
    plain = await odd.get(path, params=given)
    named = await odd.get(path, params=given | {"f": "json"})
    assert (plain.status_code, named.status_code) == (200, 200)
    assert plain.json().keys() == named.json().keys()
    if path not in {"/", "/conformance", "/queryables", "/search"}:
        assert (await odd.get(path, params=given | {"f": "html"})).status_code == 400


async def test_a_catalog_without_collections_has_an_empty_list(database: str) -> None:
    async with serving.in_process(Settings(dsn=database)) as client:
        assert (await client.get("/collections")).json()["collections"] == []
        assert (await client.get("/search")).json()["features"] == []


@pytest.mark.parametrize("name", NAMES)
async def test_a_collection_of_any_id_is_reached_by_its_links(odd: httpx.AsyncClient, name: str) -> None:
    listed = (await odd.get("/collections")).json()["collections"]
    links = {link["rel"]: link["href"] for entry in listed if entry["id"] == name for link in entry["links"]}
    askable = {f"http://www.opengis.net/def/rel/ogc/1.0/{name}" for name in ("queryables", "sortables")}
    assert set(links) >= {"license", "self", "root", "parent", "items", "child", "aggregate"} | askable
    collection = (await odd.get(links["self"])).json()
    assert collection in listed
    assert collection["id"] == name
    page = (await odd.get(links["items"])).json()
    assert page["features"] == []
    assert {link["rel"]: link["href"] for link in page["links"]}["collection"] == links["self"]
    landing = (await odd.get("/")).json()
    assert links["self"] in [link["href"] for link in landing["links"] if link["rel"] == "child"]


async def test_a_collection_comes_back_as_it_was_given_apart_from_links(client: httpx.AsyncClient) -> None:
    for raw in sample_collections():
        name = json.loads(raw)["id"]
        assert verbatim((await client.get(f"/collections/{name}")).content) == verbatim(raw)


async def test_a_collection_that_does_not_exist_is_404(client: httpx.AsyncClient) -> None:
    for path in ("/collections/nowhere", "/collections/nowhere/items", "/collections/nowhere/items/x"):
        response = await client.get(path)
        assert response.status_code == 404
        assert response.json()["code"] == "NotFound"
        assert "nowhere" in response.json()["description"]


async def test_the_title_of_a_collection_may_be_missing(database: str) -> None:
    serving.store(database, [serving.collection("a"), serving.collection("b", title=None)])
    async with serving.in_process(Settings(dsn=database)) as client:
        children = [link for link in (await client.get("/")).json()["links"] if link["rel"] == "child"]
        assert ["title" in link for link in children] == [False, False]

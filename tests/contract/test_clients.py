"""What clients make of the API: pystac-client over HTTP, and stac-pydantic's models of the standards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pystac_client
import pytest
from stac_pydantic.api import Collection, Collections, Conformance, Item, ItemCollection, LandingPage

import serving
from satapi.ingest.sample import sample_collections, sample_items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def url(make_database: Callable[[], str]) -> Iterator[str]:
    dsn = make_database()
    serving.store(dsn, sample_collections(), sample_items())
    with serving.served(dsn) as process:
        yield process.url


@pytest.fixture(scope="module")
def client(url: str) -> pystac_client.Client:
    return pystac_client.Client.open(url)


@pytest.fixture(scope="module")
def stored() -> list[dict[str, object]]:
    return [json.loads(raw) for raw in sample_items()]


def test_the_client_finds_what_the_api_conforms_to(client: pystac_client.Client) -> None:
    for name in ("CORE", "COLLECTIONS", "FEATURES", "ITEM_SEARCH", "FIELDS", "SORT", "QUERY"):
        assert client.conforms_to(name), name
    assert [found.id for found in client.get_collections()] == ["landsat-8-l1", "sentinel-2-l2a"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_client_pages_through_a_search(
    client: pystac_client.Client, stored: list[dict[str, object]], method: str
) -> None:
    search = client.search(
        method=method,
        collections=["landsat-8-l1"],
        bbox=[-20, -40, 60, 70],
        datetime="2000-01-01T00:00:00Z/2100-01-01T00:00:00Z",
        query={"eo:cloud_cover": {"lt": 60}},
        sortby=["-properties.eo:cloud_cover", "id"],
        limit=17,
    )
    pages = [list(page.items) for page in search.pages()]
    found = [item for page in pages for item in page]
    clouds = [item.properties["eo:cloud_cover"] for item in found]
    assert len(pages) > 2
    assert len({item.id for item in found}) == len(found)
    assert clouds == sorted(clouds, reverse=True)
    assert max(clouds) < 60
    assert search.matched() == len(found)
    assert {item.collection_id for item in found} == {"landsat-8-l1"}
    assert len(found) < len(stored)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_client_gets_every_item_once(
    client: pystac_client.Client, stored: list[dict[str, object]], method: str
) -> None:
    found = list(client.search(method=method, limit=300).items_as_dicts())
    assert [(one["collection"], one["id"]) for one in found] == [
        (one["collection"], one["id"])
        for one in sorted(
            sorted(stored, key=lambda one: (one["collection"], one["id"])),
            key=lambda one: one["properties"]["datetime"],
            reverse=True,
        )
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_client_may_write_a_comparison_as_text(client: pystac_client.Client, method: str) -> None:
    as_text = client.search(method=method, query=["eo:cloud_cover<10", "platform=landsat-8"], limit=500)
    as_json = client.search(query={"eo:cloud_cover": {"lt": 10}, "platform": {"eq": "landsat-8"}}, limit=500)
    found = [item.id for item in as_text.items()]
    assert found
    assert found == [item.id for item in as_json.items()]


def test_the_client_asks_for_ids_and_fields(client: pystac_client.Client, stored: list[dict[str, object]]) -> None:
    wanted = [str(one["id"]) for one in stored[::400]]
    found = list(client.search(ids=wanted, fields=["id", "properties.eo:cloud_cover", "-assets"]).items_as_dicts())
    assert sorted(one["id"] for one in found) == sorted(wanted)
    assert all(set(one["properties"]) == {"datetime", "eo:cloud_cover"} and "assets" not in one for one in found)


def test_the_client_walks_from_the_landing_page_to_an_item(client: pystac_client.Client) -> None:
    collection = client.get_collection("sentinel-2-l2a")
    item = next(collection.get_items())
    again = collection.get_item(item.id)
    assert (again.properties, again.geometry, list(again.assets)) == (
        item.properties,
        item.geometry,
        list(item.assets),
    )
    assert item.get_root_link().href == client.get_self_href()


def test_documents_are_valid_for_the_models_of_the_standards(url: str) -> None:
    def read(path: str) -> bytes:
        return httpx.get(url + path).raise_for_status().content

    LandingPage.model_validate_json(read("/"))
    Conformance.model_validate_json(read("/conformance"))
    Collections.model_validate_json(read("/collections"))
    Collection.model_validate_json(read("/collections/landsat-8-l1"))
    for path in ("/search?limit=200", "/collections/sentinel-2-l2a/items?limit=200"):
        page = ItemCollection.model_validate_json(read(path))
        item = page.features[0]
        Item.model_validate_json(read(f"/collections/{item.collection}/items/{item.id}"))

"""What clients make of the API: pystac-client over HTTP, and stac-pydantic's models of the standards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pystac
import pystac_client
import pytest
from stac_pydantic import Catalog
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


def test_the_client_gets_all_collections_of_all_pages(make_database: Callable[[], str]) -> None:
    dsn = make_database()
    names = [f"c-{number:03d}" for number in range(25)]
    serving.store(dsn, [serving.collection(name, title=f"{name} of 25") for name in names])
    with serving.served(dsn, collections_limit_default="10") as process:
        client = pystac_client.Client.open(process.url)
        assert [found.id for found in client.get_collections()] == names
        assert [child.id for child in client.get_children()] == names
        assert client.get_collection("c-024").title == "c-024 of 25"


@pytest.mark.filterwarnings("ignore:Server does not conform to COLLECTION_SEARCH#FREE_TEXT")
def test_the_client_searches_collections(client: pystac_client.Client) -> None:
    assert client.conforms_to("COLLECTION_SEARCH")

    def found(**asked: object) -> list[str]:
        search = client.collection_search(**asked)
        ids = [collection.id for collection in search.collections()]
        assert search.matched() == len(ids)
        return ids

    assert found(limit=1) == ["landsat-8-l1", "sentinel-2-l2a"]
    assert found(sortby="-id", limit=1) == ["sentinel-2-l2a", "landsat-8-l1"]
    assert found(filter="id LIKE 'landsat%'", filter_lang="cql2-text") == ["landsat-8-l1"]
    as_json = {"op": "=", "args": [{"property": "id"}, "sentinel-2-l2a"]}
    assert found(filter=as_json, filter_lang="cql2-json") == ["sentinel-2-l2a"]
    assert found(query={"id": {"startsWith": "landsat"}}) == ["landsat-8-l1"]
    assert found(bbox=[-10, -10, 10, 10], datetime="1900-01-01T00:00:00Z/1950-01-01T00:00:00Z") == []
    assert found(bbox=[-10, -10, 10, 10], datetime="2100-01-01T00:00:00Z/..") == []


def test_a_crawler_that_knows_catalogs_alone_finds_every_item_once(make_database: Callable[[], str]) -> None:
    dsn = make_database()
    # More than one catalog links to: found by year, month, day and part.
    items = [
        serving.item("large", f"{number}", properties={"datetime": f"2024-0{1 + number % 2}-01T00:00:00Z"})
        for number in range(2_100)
    ]
    items.append(serving.item("small", "s/1"))
    serving.store(dsn, [serving.collection("large"), serving.collection("small"), serving.collection("empty")], items)
    with serving.served(dsn) as process:
        root = pystac.Catalog.from_file(f"{process.url}/")
        links = [link for catalog in _catalogs(root) for link in catalog.get_item_links()]
        assert len(links) == len({link.href for link in links}) == len(items)
        assert [item.id for item in root.get_child("small").get_items(recursive=True)] == ["s/1"]


def _catalogs(catalog: pystac.Catalog) -> Iterator[pystac.Catalog]:
    yield catalog
    for child in catalog.get_children():
        yield from _catalogs(child)


def test_documents_are_valid_for_the_models_of_the_standards(url: str) -> None:
    def read(path: str) -> bytes:
        return httpx.get(url + path).raise_for_status().content

    LandingPage.model_validate_json(read("/"))
    Conformance.model_validate_json(read("/conformance"))
    Collections.model_validate_json(read("/collections"))
    Collection.model_validate_json(read("/collections/landsat-8-l1"))
    Collections.model_validate_json(read("/collections?limit=1&fields=title"))
    for path in ("/", "/collections/landsat-8-l1/browse"):
        Catalog.model_validate_json(read(path))
    for child in json.loads(read("/children"))["children"]:
        Collection.model_validate(child)
    for path in ("/search?limit=200", "/collections/sentinel-2-l2a/items?limit=200"):
        page = ItemCollection.model_validate_json(read(path))
        item = page.features[0]
        Item.model_validate_json(read(f"/collections/{item.collection}/items/{item.id}"))

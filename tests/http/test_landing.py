"""The landing page, conformance and health."""

from __future__ import annotations

from typing import TYPE_CHECKING

import serving
from satapi import __version__
from satapi.stac.conformance import CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx


async def test_the_landing_page_is_a_catalog_that_says_what_the_api_conforms_to(client: httpx.AsyncClient) -> None:
    response = await client.get("/")
    assert response.headers["content-type"] == "application/json"
    page = response.json()
    assert (page["type"], page["stac_version"], page["id"]) == ("Catalog", "1.1.0", "satapi")
    assert page["conformsTo"] == list(CLASSES) == (await client.get("/conformance")).json()["conformsTo"]
    assert {
        "https://api.stacspec.org/v1.0.0/core",
        "https://api.stacspec.org/v1.0.0/collections",
        "https://api.stacspec.org/v1.0.0/ogcapi-features",
        "https://api.stacspec.org/v1.0.0/item-search",
        "https://api.stacspec.org/v1.0.0/item-search#fields",
        "https://api.stacspec.org/v1.0.0/item-search#sort",
        "https://api.stacspec.org/v1.0.0/item-search#query",
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    } <= set(page["conformsTo"])


async def test_the_landing_page_links_to_everything_and_each_link_leads_there(client: httpx.AsyncClient) -> None:
    links = (await client.get("/")).json()["links"]
    rels = [link["rel"] for link in links]
    assert {"self", "root", "conformance", "data", "search", "service-desc", "service-doc", "child"} <= set(rels)
    assert [link["href"] for link in links if link["rel"] == "self"] == [f"{serving.BASE}/"]
    assert sorted(link["method"] for link in links if link["rel"] == "search") == ["GET", "POST"]
    assert [link["title"] for link in links if link["rel"] == "child"] == [
        (await client.get(f"/collections/{name}")).json()["title"] for name in ("landsat-8-l1", "sentinel-2-l2a")
    ]
    for link in links:
        response = await client.request(link.get("method", "GET"), link["href"], headers={"Accept": link["type"]})
        assert response.status_code == 200, link
        assert response.headers["content-type"].partition(";")[0] == link["type"].partition(";")[0]


async def test_the_catalog_is_named_by_the_settings(open_client: Callable[..., httpx.AsyncClient]) -> None:
    client = await open_client(catalog_id="eo", title="Earth", description="Seen from above")
    page = (await client.get("/")).json()
    assert (page["id"], page["title"], page["description"]) == ("eo", "Earth", "Seen from above")


async def test_health_tells_the_version(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json() == {"status": "ok", "version": __version__}


async def test_a_database_without_the_schema_is_not_healthy(
    open_client: Callable[..., httpx.AsyncClient], empty_database: str
) -> None:
    client = await open_client(dsn=empty_database)
    response = await client.get("/health")
    assert response.status_code == 503
    assert "satapi db migrate" in response.json()["description"]

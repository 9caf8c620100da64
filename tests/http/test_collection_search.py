"""Searches of collections: parameters, pages, fields, what is refused, and the children of the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

import serving
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

_ASKABLE = {f"http://www.opengis.net/def/rel/ogc/1.0/{name}" for name in ("queryables", "sortables")}


def _extent(bbox: list[float], start: str | None, end: str | None) -> dict[str, object]:
    return {"spatial": {"bbox": [bbox]}, "temporal": {"interval": [[start, end]]}}


COLLECTIONS = [
    serving.collection(
        "fiji",
        title="Reefs of Fiji",
        license="CC-BY-4.0",
        keywords=["reef", "sea"],
        extent=_extent([177, -20, -178, -15], "2015-01-01T00:00:00Z", "2016-01-01T00:00:00Z"),
    ),
    serving.collection(
        "alps",
        title="Alps",
        extent=_extent([5, 44, 0, 16, 48, 4800], "2010-01-01T00:00:00Z", None),
        summaries={"gsd": [10, 20], "platform": ["one"]},
        item_assets={"data": {"type": "image/tiff"}},
    ),
    serving.collection("globe", extent=_extent([0, -90, 360, 90], None, "2005-01-01T00:00:00Z"), title="Globe"),
    serving.collection("odd", extent={"spatial": None, "temporal": {"interval": []}}, description="a\u0000b"),
]


@pytest.fixture(scope="module")
def stored(make_database: Callable[[], str]) -> str:
    dsn = make_database()
    serving.store(dsn, COLLECTIONS)
    return dsn


@pytest.fixture
async def client(stored: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving.in_process(Settings(dsn=stored)) as client:
        yield client


async def _ids(client: httpx.AsyncClient, query: str) -> list[str]:
    response = await client.get(f"/collections?{query}")
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["numberMatched"] == answer["numberReturned"] == len(answer["collections"])
    return [collection["id"] for collection in answer["collections"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["alps", "fiji", "globe", "odd"]),
        ("bbox=179,-18,179.5,-17", ["fiji", "globe"]),
        ("bbox=-179,-18,-178.5,-17", ["fiji", "globe"]),
        ("bbox=170,-18,-170,-17", ["fiji", "globe"]),
        ("bbox=6,45,7,46", ["alps", "globe"]),
        ("bbox=6,45,9000,7,46,9999", ["alps", "globe"]),
        ("bbox=-180,-90,180,90", ["alps", "fiji", "globe"]),
        ("datetime=2020-01-01T00:00:00Z", ["alps"]),
        ("datetime=2020-01-01T00:00:00Z/..", ["alps"]),
        ("datetime=../2005-01-01T00:00:00Z", ["globe"]),
        ("datetime=2016-01-01T00:00:00Z/2017-01-01T00:00:00Z", ["alps", "fiji"]),
        ("filter=title='Alps'", ["alps"]),
        ("filter=keywords IS NULL", ["alps", "globe", "odd"]),
        ("filter=A_CONTAINS(keywords,('sea'))", ["fiji"]),
        ("filter=summaries.gsd.0 = 10", ["alps"]),
        ("filter=properties.title LIKE '%of%'", ["fiji"]),
        ("filter=S_INTERSECTS(geometry,POINT(7 45))", ["alps", "globe"]),
        ("filter=S_WITHIN(geometry,BBOX(170,-30,-170,0))", ["fiji"]),
        ("filter=geometry IS NULL", ["odd"]),
        ("filter=T_INTERSECTS(datetime,INTERVAL('2015-06-01','..'))", ["alps", "fiji"]),
        ("filter=T_DURING(datetime,INTERVAL('2014-01-01','2017-01-01'))", ["fiji"]),
        ("filter=T_AFTER(datetime,DATE('2014-01-01'))", ["fiji"]),
        ("filter=datetime > DATE('2012-01-01')", ["fiji"]),
        ("filter=end_datetime > DATE('2020-01-01')", ["alps"]),
        ("filter=T_INTERSECTS(INTERVAL(start_datetime,end_datetime),DATE('2000-01-01'))", ["globe"]),
        ('filter={"op":"=","args":[{"property":"license"},"CC-BY-4.0"]}&filter-lang=cql2-json', ["fiji"]),
        ('query={"license":{"neq":"CC0-1.0"}}', ["fiji"]),
        ('query={"id":{"in":["alps","odd"]}}&filter=geometry IS NULL', ["odd"]),
        ("sortby=-title", ["fiji", "globe", "alps", "odd"]),
        ("sortby=-license,-id", ["odd", "globe", "alps", "fiji"]),
        ("sortby=datetime", ["globe", "alps", "fiji", "odd"]),
        ("sortby=-end_datetime", ["alps", "fiji", "globe", "odd"]),
    ],
)
async def test_collections_are_found_by(client: httpx.AsyncClient, query: str, found: list[str]) -> None:
    assert await _ids(client, quote(query, safe="=&,:/")) == found


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("bbox=1,2,3", "bbox"),
        ("datetime=2020", "datetime"),
        ("filter=title", "filter"),
        ("filter=links = 1", "filter"),
        ("filter=id > 5", "filter.id"),
        ("filter=title = 'a'&filter-lang=sql", "filter-lang"),
        ("filter=title = 'a'&filter-crs=EPSG:3857", "filter-crs"),
        ("query=x", "query"),
        ("sortby=geometry", "sortby"),
        ("sortby=assets", "sortby"),
        ("token=x", "token"),
        ("collections=alps", "collections"),
        ("ids=alps", "ids"),
        ("foo=1", "foo"),
        ("limit=1&limit=2", "limit"),
    ],
)
async def test_what_no_search_of_collections_has_is_refused(
    client: httpx.AsyncClient, query: str, parameter: str
) -> None:
    response = await client.get(f"/collections?{quote(query, safe='=&,:/')}")
    assert response.status_code == 400, response.text
    assert response.json()["parameter"] == parameter


async def test_a_token_of_items_or_of_another_order_is_refused(client: httpx.AsyncClient) -> None:
    first = (await client.get("/collections?limit=1")).json()
    following = next(link["href"] for link in first["links"] if link["rel"] == "next")
    assert (await client.get(f"{following}&sortby=title")).status_code == 400
    assert (await client.get(following.replace("/collections", "/search"))).status_code == 400


async def test_pages_are_as_large_as_asked_and_lead_to_each_other(stored: str) -> None:
    settings = Settings(dsn=stored, collections_limit_default=3, collections_limit_max=3)
    async with serving.in_process(settings) as client:
        first = (await client.get("/collections")).json()
        assert ([one["id"] for one in first["collections"]], first["numberMatched"]) == (["alps", "fiji", "globe"], 4)
        links = {link["rel"]: link for link in first["links"]}
        assert set(links) == {"self", "root", "parent", "next"} | _ASKABLE
        assert (links["self"]["href"], links["next"]["method"]) == (f"{serving.BASE}/collections", "GET")
        second = (await client.get(links["next"]["href"])).json()
        assert ([one["id"] for one in second["collections"]], second["numberMatched"]) == (["odd"], 4)
        rels = {link["rel"]: link["href"] for link in second["links"]}
        assert set(rels) == {"self", "root", "parent", "prev"} | _ASKABLE
        assert rels["self"] == links["next"]["href"]
        assert (await client.get(rels["prev"])).json()["collections"] == first["collections"]
        assert (await client.get("/collections?limit=4")).json()["numberReturned"] == 3
        kept = (await client.get("/collections?limit=1&sortby=-id&bbox=-180,-90,180,90")).json()
        again = next(link["href"] for link in kept["links"] if link["rel"] == "next")
        assert "limit=1&sortby=-id&bbox=-180,-90,180,90&token=" in again


async def test_fields_choose_members_of_collections(client: httpx.AsyncClient) -> None:
    always = {"type", "stac_version", "id", "description", "license", "extent", "links"}

    async def members(fields: str) -> dict[str, object]:
        return (await client.get(f"/collections?filter=id='alps'&fields={fields}")).json()["collections"][0]

    assert set(await members("")) == always
    some = await members("title,summaries.gsd,-extent,-description")
    assert set(some) == {"type", "stac_version", "id", "license", "links", "title", "summaries"}
    assert some["summaries"] == {"gsd": [10, 20]}
    assert {link["rel"] for link in some["links"]} >= {"self", "items"}
    assert set(await members("-links")) == always - {"links"}
    whole = (await client.get("/collections/alps")).json()
    assert await members("title,summaries,item_assets") == whole


async def test_the_children_of_the_catalog_are_its_collections(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/collections")).json()
    landing = (await client.get("/")).json()
    href = next(link["href"] for link in landing["links"] if link["rel"] == "children")
    children = (await client.get(href)).json()
    assert children["children"] == listed["collections"]
    assert {"self", "root", "parent"} <= {link["rel"] for link in children["links"]}
    assert (await client.get("/children?type=Collection")).json()["children"] == listed["collections"]
    assert (await client.get("/children?type=Catalog")).json()["children"] == []
    page = (await client.get("/children?type=Collection&limit=3")).json()
    assert len(page["children"]) == 3
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    assert following.startswith(f"{serving.BASE}/children?type=Collection&limit=3&token=")
    assert [child["id"] for child in (await client.get(following)).json()["children"]] == ["odd"]
    for query in ("type=Item", "type=", "limit=0", "bbox=1,2,3,4"):
        assert (await client.get(f"/children?{query}")).status_code == 400


async def test_an_empty_page_after_the_last_collection_was_deleted_still_counts(database: str) -> None:
    serving.store(database, COLLECTIONS)
    async with serving.in_process(Settings(dsn=database)) as client:
        first = (await client.get("/collections?limit=3")).json()
        following = next(link["href"] for link in first["links"] if link["rel"] == "next")
        serving.execute(database, "delete from collections where id = 'odd'")
        last = (await client.get(following)).json()
        assert (last["collections"], last["numberReturned"], last["numberMatched"]) == ([], 0, 3)

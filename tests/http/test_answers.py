"""What every answer of the API has, and what requests it refuses."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import asyncpg
import pytest
import zstandard

import serving
from satapi.http.routes import RESOURCES
from satapi.settings import Settings
from satapi.stac import periods, tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

IDS = ["plain", "a/b", "100%", "%2F", "..", ".", "ünï côde", "日本", "a?b#c&d=e", "trailing/", "a+b", "quote\"'"]

PART = periods.token(periods.Place(datetime(2024, 6, 1, tzinfo=UTC), ""), None)
GROUP = tokens.encode(["a", None])


@pytest.fixture(scope="module")
def dsn(make_database: Callable[[], str]) -> str:
    found = make_database()
    items = [serving.item("one", name, properties={"n": number}) for number, name in enumerate(IDS)]
    items += [serving.item("two", "plain"), serving.item("two", "nowhere", geometry=None, bbox=None)]
    items.append(serving.item("two", "big", properties={"text": "x" * 1_500_000}))
    serving.store(found, [serving.collection("one"), serving.collection("two"), serving.collection("empty")], items)
    return found


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving.in_process(Settings(dsn=dsn)) as client:
        yield client


async def test_head_answers_like_get_and_options_says_what_is_allowed(client: httpx.AsyncClient) -> None:
    for resource in RESOURCES:
        path = resource.path.replace("{collection_id}", "one").replace("{item_id:path}", "a%2Fb")
        path = path.replace("{name}", "api.js").replace("{period}", "2024").replace("{part}", PART)
        path = path.replace("{group}", GROUP)
        got, head, options = [await client.request(method, path) for method in ("GET", "HEAD", "OPTIONS")]
        assert got.status_code == head.status_code == 200, path
        assert head.headers["content-type"] == got.headers["content-type"]
        assert options.status_code == 204
        assert options.headers["allow"].split(", ")[:2] == ["GET", "HEAD"]
        refused = await client.delete(path)
        assert refused.status_code == 405
        assert refused.headers["allow"] == options.headers["allow"]


@pytest.mark.parametrize("path", ["/", "/search", "/search?limit=x", "/nowhere", "/collections/none", "/items/none"])
async def test_every_answer_has_cors_and_a_request_id(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path, headers={"Origin": "https://map.example", "X-Request-ID": "mine-1"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request-id"] == "mine-1"
    assert (await client.get(path)).headers["x-request-id"] != "mine-1"


async def test_a_preflight_is_allowed(client: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = await client.options("/search", headers={"Origin": "https://map.example", **asked})
    assert answer.status_code == 204
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "content-type"


async def test_a_search_says_where_its_time_went(client: httpx.AsyncClient) -> None:
    stages = (await client.get("/search")).headers["server-timing"]
    assert [stage.split(";")[0].strip() for stage in stages.split(",")] == ["parse", "plan", "db", "render"]


@pytest.mark.parametrize("path", ["/collections/one", "/collections/one/items/plain"])
async def test_a_document_is_sent_once_to_a_client_that_keeps_its_tag(client: httpx.AsyncClient, path: str) -> None:
    for accepted in ("identity", "gzip", "zstd"):
        first = await client.get(path, headers={"Accept-Encoding": accepted})
        again = await client.get(path, headers={"If-None-Match": first.headers["etag"], "Accept-Encoding": accepted})
        assert (again.status_code, again.content) == (304, b"")
        assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_bodies_are_compressed_as_the_client_accepts(client: httpx.AsyncClient) -> None:
    async def raw(path: str, accepted: str) -> tuple[str | None, bytes]:
        async with client.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
            body = b"".join([chunk async for chunk in answer.aiter_raw()])
            return answer.headers.get("content-encoding"), body

    for path in ("/search?limit=10", "/search?limit=1000"):
        plain = await raw(path, "identity")
        assert plain[0] is None
        name, body = await raw(path, "gzip;q=0.5, br")
        assert (name, gzip.decompress(body)) == ("gzip", plain[1])
        name, body = await raw(path, "gzip, zstd")
        assert (name, zstandard.ZstdDecompressor().decompressobj().decompress(body)) == ("zstd", plain[1])
        assert (await raw(path, "gzip;q=0, zstd;q=0"))[0] is None
    assert (await raw("/health", "gzip"))[0] is None


@pytest.mark.parametrize("name", IDS)
async def test_ids_of_any_text_are_found_by_their_own_links(client: httpx.AsyncClient, name: str) -> None:
    direct = await client.get(f"/collections/one/items/{quote(name, safe='').replace('.', '%2E')}")
    assert direct.json()["id"] == name
    link = next(link["href"] for link in direct.json()["links"] if link["rel"] == "self")
    assert (await client.get(link)).json() == direct.json()
    found = (await client.post("/search", json={"ids": [name], "collections": ["one"]})).json()
    assert [item["id"] for item in found["features"]] == [name]


async def test_an_item_without_its_collection_is_found_or_offered(client: httpx.AsyncClient) -> None:
    assert (await client.get("/items/100%25")).json()["collection"] == "one"
    several = await client.get("/items/plain")
    assert several.status_code == 300
    links = several.json()["links"]
    assert [(await client.get(link["href"])).json()["collection"] for link in links] == ["one", "two"]
    assert (await client.get("/items/none")).status_code == 404


async def test_large_items_and_items_without_geometry_are_served(client: httpx.AsyncClient) -> None:
    assert len((await client.get("/collections/two/items/big")).json()["properties"]["text"]) == 1_500_000
    assert (await client.get("/collections/two/items/nowhere")).json()["geometry"] is None
    everywhere = (await client.get("/search?bbox=-180,-90,180,90&collections=two")).json()
    assert sorted(item["id"] for item in everywhere["features"]) == ["big", "plain"]


async def test_collections_have_their_links_and_empty_ones_no_items(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/collections")).json()
    assert [one["id"] for one in listed["collections"]] == ["empty", "one", "two"]
    for one in listed["collections"]:
        links = {link["rel"]: link["href"] for link in one["links"]}
        askable = {f"http://www.opengis.net/def/rel/ogc/1.0/{name}" for name in ("queryables", "sortables")}
        assert set(links) == {"self", "root", "parent", "items", "child", "aggregate", "aggregations"} | askable
        assert (await client.get(links["self"])).json() == one
    answer = await client.get("/collections/empty/items")
    assert (answer.status_code, answer.json()["features"], answer.json()["numberMatched"]) == (200, [], 0)
    assert (await client.get("/collections/none/items")).status_code == 404
    assert (await client.get("/search?collections=none")).json()["features"] == []
    again = "/collections/two/items?collections=two"
    assert (await client.get(again)).json()["numberReturned"] == 3
    assert (await client.get("/collections/two/items?collections=one")).status_code == 400


BAD = {
    "limit=0": "limit",
    "limit=-1": "limit",
    "limit=ten": "limit",
    "limit=1.5": "limit",
    "bbox=1,2,3": "bbox",
    "bbox=1,2,3,x": "bbox",
    "bbox=1,2,3,nan": "bbox",
    "bbox=0,10,10,0": "bbox",
    "bbox=0,0,9,1,1,0": "bbox",
    "bbox=0,91,1,92": "bbox",
    "datetime=2020-01-01": "datetime",
    "datetime=2020-13-01T00:00:00Z": "datetime",
    "datetime=../..": "datetime",
    "datetime=2021-01-01T00:00:00Z/2020-01-01T00:00:00Z": "datetime",
    "intersects=x": "intersects",
    'intersects={"type":"Circle"}': "intersects",
    'intersects={"type":"Feature","geometry":null}': "intersects",
    'intersects={"type":"Polygon","coordinates":[[[0,0],[1,1]]]}': "intersects",
    'intersects={"type":"Point","coordinates":[]}': "intersects",
    'bbox=0,0,1,1&intersects={"type":"Point","coordinates":[0,0]}': "bbox",
    "sortby=geometry": "sortby",
    "sortby=a,b,c,d,e,f,g,h,i,j,k,l": "sortby",
    "query=[]": "query",
    'query={"n":{"near":1}}': "query.n",
    'query={"n":{"in":1}}': "query.n.in",
    'query={"n":{"lt":{}}}': "query.n.lt",
    'query={"datetime":{"lt":5}}': "query.datetime",
    'query={"datetime":{"startsWith":"2"}}': "query.datetime",
    'query={"n":{"lt":1e999999}}': "request",
    "token=x": "token",
    "token=lc76H7rtwpG7": "token",
    "page=2": "page",
    "limit=1&limit=2": "limit",
    "ids=%00": "ids",
}


@pytest.mark.parametrize("query", BAD)
async def test_a_bad_request_is_told_which_parameter_is_wrong(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get("/search?" + quote(query, safe="=&,%"))
    assert answer.status_code in {400, 413}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["parameter"] == BAD[query]
    assert problem["code"]
    assert problem["description"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"limit":"1"}', 400),
        (b'{"limit":true}', 400),
        (b'{"bbox":[1,2,3,"4"]}', 400),
        (b'{"nothing":1}', 400),
        (b'{"ids":["\\u0000"]}', 400),
        (b'{"ids":["\\ud800"]}', 400),
        (b'{"query":{"n":{"eq":"\\u0000"}}}', 400),
        (b'{"sortby":[{"field":"n","direction":"up"}]}', 400),
        (b'{"sortby":[{"field":"n\\u0000"}]}', 400),
        (b'{"query":' + b"[" * 100_000, 413),
        (b'{"intersects":' + b'{"type":"GeometryCollection","geometries":[' * 100 + b"]}" * 100 + b"}", 413),
        (b'{"ids":[' + b",".join(b'"%d"' % number for number in range(1001)) + b"]}", 413),
        (b'{"query":{"n":{"in":[' + b",".join(b"%d" % number for number in range(501)) + b"]}}}", 413),
        (b" " * 1_048_577, 413),
        (b"", 200),
        (b'{"bbox":null,"ids":[],"limit":1}', 200),
    ],
    ids=range(18),
)
async def test_a_bad_body_is_refused_and_nothing_breaks(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    answer = await client.post("/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text


async def test_ids_that_are_numbers_are_texts(client: httpx.AsyncClient) -> None:
    answer = await client.post("/search", json={"query": {"id": {"eq": "5"}, "collection": {"lt": "7"}}})
    assert (answer.status_code, answer.json()["features"]) == (200, [])
    few = await client.post("/search", json={"query": {"n": {"lt": "2"}}})
    assert sorted(item["properties"]["n"] for item in few.json()["features"]) == [0, 1]


async def test_too_many_points_are_refused(client: httpx.AsyncClient) -> None:
    line = {"type": "LineString", "coordinates": [[0, number / 1000] for number in range(10_001)]}
    assert (await client.post("/search", json={"intersects": line})).status_code == 413


async def test_limits_are_lowered_to_the_maximum_and_unknown_parameters_can_be_ignored(dsn: str) -> None:
    async with serving.in_process(Settings(dsn=dsn, limit_max=3, unknown_parameters="ignore")) as client:
        assert (await client.get("/search?limit=100000&nothing=1")).json()["numberReturned"] == 3
        assert (await client.post("/search", json={"limit": 5, "nothing": 1})).json()["numberReturned"] == 3


@pytest.mark.parametrize(
    ("settings", "headers", "base"),
    [
        ({}, {}, "http://stac.test"),
        ({}, {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example", "X-Forwarded-Prefix": "/stac/"}, None),
        (
            {},
            {"Forwarded": 'for=1.2.3.4;proto=https;host="a.example", for=5.6.7.8', "X-Forwarded-Prefix": "/stac"},
            None,
        ),
        ({}, {"X-Forwarded-Proto": "https", "X-Forwarded-Port": "8443"}, "https://stac.test:8443"),
        ({"root_path": "/stac"}, {"X-Forwarded-Proto": "https", "Host": "a.example:443"}, None),
        ({"url": "https://a.example/stac/"}, {"X-Forwarded-Host": "evil.example"}, None),
        ({"trust_forwarded": False}, {"X-Forwarded-Host": "evil.example"}, "http://stac.test"),
        ({}, {"X-Forwarded-Host": 'a"><script>', "X-Forwarded-Proto": "ftp"}, "http://stac.test"),
    ],
)
async def test_links_lead_back_through_proxies(
    dsn: str, settings: dict[str, object], headers: dict[str, str], base: str | None
) -> None:
    base = base or "https://a.example/stac"
    async with serving.in_process(Settings(dsn=dsn, **settings)) as client:
        for path in ("/", "/collections", "/search?limit=1", "/collections/one/items?limit=1", "/items/100%25"):
            document = (await client.get(path, headers=headers)).json()
            links = document["links"] + [link for one in document.get("features", []) for link in one["links"]]
            assert links
            assert all(link["href"].startswith(base + "/") for link in links), path


async def test_a_proxy_may_leave_the_root_path_in_requests(dsn: str) -> None:
    async with serving.in_process(Settings(dsn=dsn, root_path="/stac")) as client:
        for path in ("/stac", "/stac/", "/stac/search", "/stac/collections/one/items/a%2Fb", "/search"):
            assert (await client.get(path)).status_code == 200, path
        page = (await client.get("/stac/search?limit=1")).json()
        following = next(link["href"] for link in page["links"] if link["rel"] == "next")
        assert following.startswith("http://stac.test/stac/search?limit=1&token=")


async def test_a_slow_statement_is_a_504_and_the_next_one_is_answered(dsn: str) -> None:
    locker = await asyncpg.connect(dsn, server_settings={"search_path": "satapi, public"})
    try:
        async with serving.in_process(Settings(dsn=dsn, statement_timeout_s=0.2)) as client:
            async with locker.transaction():
                await locker.execute("lock table items in access exclusive mode")
                answer = await client.get("/search", params={"filter": "gsd < 10"})
                assert answer.status_code == 504
                assert answer.json()["code"] == "TimedOut"
                said = "took longer than 0.2 seconds; the costly part is the comparison of gsd without an index"
                assert said in answer.json()["description"]
                assert answer.headers["access-control-allow-origin"] == "*"
            assert (await client.get("/search")).status_code == 200
    finally:
        await locker.close()


async def test_a_database_that_goes_away_is_a_503_until_it_is_back(dsn: str, cluster_dsn: str) -> None:
    name = dsn.rpartition("/")[2].partition("?")[0]
    async with serving.in_process(Settings(dsn=dsn)) as client:
        assert (await client.get("/health")).status_code == 200
        serving.execute(
            cluster_dsn,
            f"alter database {name} allow_connections false",
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'satapi'",
        )
        for path in ("/health", "/search", "/collections", "/items/plain"):
            away = await client.get(path)
            assert (away.status_code, away.headers["retry-after"]) == (503, "5"), away.text
        serving.execute(cluster_dsn, f"alter database {name} allow_connections true")
        assert (await client.get("/search")).status_code == 200


async def test_a_database_that_was_never_migrated_is_a_503_that_says_what_to_run(empty_database: str) -> None:
    async with serving.in_process(Settings(dsn=empty_database)) as client:
        answer = await client.get("/search")
        assert answer.status_code == 503
        assert "satapi db migrate" in answer.json()["description"]


async def test_fields_choose_members(client: httpx.AsyncClient) -> None:
    async def members(fields: str) -> tuple[set[str], set[str]]:
        found = (await client.get("/search", params={"fields": fields, "ids": "100%"})).json()["features"][0]
        by_body = {"include": [], "exclude": []}
        for name in filter(None, fields.split(",")):
            by_body["exclude" if name.startswith("-") else "include"].append(name.lstrip("-"))
        posted = (await client.post("/search", json={"fields": by_body, "ids": ["100%"]})).json()["features"][0]
        assert posted == found
        assert list(found)[-1] == "links" or "links" not in found
        return set(found), set(found.get("properties", {}))

    default = {"id", "type", "stac_version", "collection", "geometry", "bbox", "links", "assets", "properties"}
    assert await members("") == (default, {"datetime"})
    assert await members("id,properties.n") == (default, {"datetime", "n"})
    assert await members("n") == (default, {"datetime", "n"})
    assert await members("-geometry,-links") == (default - {"geometry", "links"}, {"datetime"})
    assert await members("properties,-properties.datetime") == (default, {"n"})
    assert await members("-properties") == (default - {"properties"}, set())
    assert await members("properties.n,-properties") == (default, {"n"})
    assert await members("geometry,-geometry") == (default, {"datetime"})


@pytest.mark.parametrize("mode", ["auto", "exact", "estimated", "none"])
async def test_matches_are_counted_as_the_settings_say(dsn: str, mode: str) -> None:
    async with serving.in_process(Settings(dsn=dsn, number_matched=mode)) as client:
        page = (await client.get("/search?limit=2")).json()
        whole = (await client.get("/search?limit=100")).json()
        one = (await client.get("/search?limit=1")).json()
    total = len(IDS) + 3
    assert page["numberReturned"] == 2
    if mode == "none":
        assert "numberMatched" not in page | whole | one
    else:
        assert whole["numberMatched"] == total
    if mode == "exact":
        assert page["numberMatched"] == one["numberMatched"] == total
    if mode == "auto":
        assert "numberMatched" not in page
        assert one["numberMatched"] == total
    if mode == "estimated":
        assert page["numberMatched"] >= 0


async def test_posted_pages_link_on_with_their_whole_body(client: httpx.AsyncClient) -> None:
    asked = {"limit": 4, "collections": ["one"], "sortby": [{"field": "n", "direction": "desc"}]}
    first = (await client.post("/search", json=asked)).json()
    following = next(link for link in first["links"] if link["rel"] == "next")
    assert (following["method"], following["merge"]) == ("POST", False)
    assert following["body"].items() >= json.loads(json.dumps(asked)).items()
    second = (await client.post(following["href"], json=following["body"])).json()
    assert [item["properties"]["n"] for item in second["features"]] == [7, 6, 5, 4]
    preceding = next(link for link in second["links"] if link["rel"] == "prev")
    back = (await client.post(preceding["href"], json=preceding["body"])).json()
    assert back["features"] == first["features"]
    wrong = asked | {"sortby": [{"field": "id"}], "token": following["body"]["token"]}
    assert (await client.post("/search", json=wrong)).status_code == 400

"""The filter parameters: both encodings by GET and POST, on every path, with their links and errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import pytest

import serving
from satapi.cql2.functions import FUNCTIONS
from satapi.settings import Settings
from satapi.stac import conformance, paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    import httpx

CLOUDS = [0, 5, 10, 20, 50, None, "5", True, [5], 9007199254740993]


@pytest.fixture(scope="module")
def cloudy(make_database: Callable[[], str]) -> str:
    dsn = make_database()
    items = [
        serving.item("a" if number % 2 else "b", f"i{number}", properties={"eo:cloud_cover": cloud, "Größe": number})
        for number, cloud in enumerate(CLOUDS)
    ]
    serving.store(dsn, [serving.collection("a"), serving.collection("b")], items)
    return dsn


@pytest.fixture
async def client(cloudy: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving.in_process(Settings(dsn=cloudy)) as client:
        yield client


def ids(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {feature["id"] for feature in answer.json()["features"]}


TEXT = "eo:cloud_cover <= 10 AND Größe > 0"
JSON = {
    "op": "and",
    "args": [
        {"op": "<=", "args": [{"property": "eo:cloud_cover"}, 10]},
        {"op": ">", "args": [{"property": "properties.Größe"}, 0]},
    ],
}


async def test_a_filter_is_text_in_parameters_and_json_in_bodies_unless_filter_lang_says_so(
    client: httpx.AsyncClient,
) -> None:
    found = {"i1", "i2"}
    assert ids(await client.get("/search", params={"filter": TEXT})) == found
    assert ids(await client.get("/items", params={"filter": TEXT, "filter-lang": "cql2-text"})) == found
    assert ids(await client.get("/search", params={"filter": json.dumps(JSON), "filter-lang": "cql2-json"})) == found
    assert ids(await client.post("/search", json={"filter": JSON})) == found
    assert ids(await client.post("/search", json={"filter": JSON, "filter-lang": "cql2-json"})) == found
    assert ids(await client.post("/search", json={"filter": TEXT, "filter-lang": "cql2-text"})) == found
    assert ids(await client.post("/search", json={"filter": None, "limit": 100})) == {f"i{n}" for n in range(10)}


async def test_a_filter_restricts_a_collection_and_stands_beside_every_other_parameter(
    client: httpx.AsyncClient,
) -> None:
    assert ids(await client.get("/collections/a/items", params={"filter": TEXT})) == {"i1"}
    query = json.dumps({"Größe": {"lt": 2}})
    assert ids(await client.get("/search", params={"filter": TEXT, "query": query})) == {"i1"}
    assert ids(await client.get("/search", params={"filter": TEXT, "ids": "i2"})) == {"i2"}
    assert ids(await client.get("/search", params={"filter": TEXT, "bbox": "0,0,1,1"})) == set()
    assert ids(await client.get("/search", params={"filter": TEXT, "sortby": "-Größe", "limit": 1})) == {"i2"}


async def test_the_links_of_pages_keep_the_filter(client: httpx.AsyncClient) -> None:
    first = (await client.get("/search", params={"filter": TEXT, "filter-lang": "cql2-text", "limit": 1})).json()
    (following,) = (link for link in first["links"] if link["rel"] == "next")
    kept = parse_qs(urlsplit(following["href"]).query)
    assert (kept["filter"], kept["filter-lang"]) == ([TEXT], ["cql2-text"])
    second = (await client.get(following["href"])).json()
    assert {first["features"][0]["id"], second["features"][0]["id"]} == {"i1", "i2"}
    assert "next" not in {link["rel"] for link in second["links"]}

    first = (await client.post("/search", json={"filter": JSON, "limit": 1})).json()
    (following,) = (link for link in first["links"] if link["rel"] == "next")
    assert following["body"]["filter"] == JSON
    second = (await client.post("/search", json=following["body"])).json()
    assert {first["features"][0]["id"], second["features"][0]["id"]} == {"i1", "i2"}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        # A value of another kind is not equal, has no order, and breaks nothing.
        ("eo:cloud_cover = 5", {1}),
        ("eo:cloud_cover = '5'", {6}),
        ("eo:cloud_cover <> 5", {0, 2, 3, 4, 6, 7, 8, 9}),
        ("NOT eo:cloud_cover = 5", {0, 2, 3, 4, 6, 7, 8, 9}),
        ("NOT eo:cloud_cover < 10", {2, 3, 4, 6, 7, 8, 9}),
        ("eo:cloud_cover IS NULL", {5}),
        ("eo:cloud_cover IS NOT NULL AND NOT (eo:cloud_cover > 0 OR Größe >= 0)", set()),
        ("no:such IS NULL AND Größe < 2", {0, 1}),
        ("NOT no:such = 1", set()),
        ("eo:cloud_cover = 9007199254740993", {9}),
        ("eo:cloud_cover = 9007199254740992", set()),
        ("eo:cloud_cover + 1 = 9007199254740994", {9}),
        ("eo:cloud_cover = true", {7}),
        # What cannot be calculated is unknown.
        ("1 / eo:cloud_cover >= 0.1", {1, 2}),
        ("NOT 1 / eo:cloud_cover < 5", set()),
        ("10 ^ 1000 > 0", set()),
        ("(0 - eo:cloud_cover) ^ 0.5 = 1 OR Größe div 4 = 2", {8, 9}),
        ("Größe % 4 = 3", {3, 7}),
        ("A_CONTAINS(eo:cloud_cover, (5.0))", {8}),
        ("S_INTERSECTS(geometry, POINT(10 50)) AND Größe = 1", {1}),
        ("S_INTERSECTS(geometry, BBOX(-180,-90,180,90)) AND Größe = 1", {1}),
        ("S_WITHIN(geometry, BBOX(9,49,11,51)) AND Größe = 1", {1}),
        ("S_CONTAINS(BBOX(9,49,11,51), geometry) AND S_DISJOINT(geometry, POINT(0 0)) AND Größe = 1", {1}),
        ("S_DISJOINT(geometry, POINT(10 50))", set()),
        ("T_INTERSECTS(datetime, INTERVAL('2024-06-01', '..')) AND Größe = 1", {1}),
        ("datetime < DATE('2024-06-01')", set()),
        ("month(datetime) = 6 AND Größe = 1", {1}),
        ("id IN ('i1', 'i2') AND collection = 'a'", {1}),
        ("CASEI(ID) = 'x'", set()),
        ("Größe = size(eo:cloud_cover) + 7", {8}),
        ("TRUE AND Größe = 1", {1}),
    ],
)
async def test_a_filter_finds_what_it_says(client: httpx.AsyncClient, written: str, found: set[int]) -> None:
    assert ids(await client.get("/search", params={"filter": written, "limit": 100})) == {f"i{n}" for n in found}


@pytest.mark.parametrize(
    ("members", "parameter", "part"),
    [
        ({"filter": "a = "}, "filter", "line 1, column 5"),
        ({"filter": ""}, "filter", "line 1, column 1"),
        ({"filter": "foo(a) = 1"}, "filter", "known are casei"),
        ({"filter": "upper(a, b) = 'x'"}, "filter", "it takes (text)"),
        ({"filter": "upper(1) = 'x'"}, "filter", "of the kind number where text is asked for"),
        ({"filter": "upper(a)"}, "filter", "where boolean is asked for"),
        ({"filter": "id = 5"}, "filter.id", "number where text"),
        ({"filter": "datetime = 'soon'"}, "filter.datetime", "RFC 3339"),
        ({"filter": "datetime > 5"}, "filter.datetime", "where instant"),
        ({"filter": "geometry = 5"}, "filter.geometry", "geometry"),
        ({"filter": "'5' > 4"}, "filter", "number where text"),
        ({"filter": "links = 1"}, "filter", "members of properties"),
        ({"filter": "S_INTERSECTS(id, POINT(0 0))"}, "filter.id", "where geometry"),
        ({"filter": r"a LIKE 'x\'"}, "filter", "quote"),
        ({"filter": "S_WITHIN(geometry, BBOX(1000, 0, 0, 1))"}, "filter", "longitudes from -540 to 540"),
        ({"filter": "S_WITHIN(a, BBOX(1000, 0, 0, 1))"}, "filter", "west"),
        ({"filter": "a = 1", "filter-lang": "cql-text"}, "filter-lang", "cql2-text and cql2-json"),
        ({"filter": "a = 1", "filter-lang": "cql2-json"}, "filter", "CQL2 JSON"),
        ({"filter": '{"op":"=","args":[1]}', "filter-lang": "cql2-json"}, "filter.args", "2 arguments"),
        ({"filter": "a = 1", "filter-crs": "EPSG:3857"}, "filter-crs", "CRS84"),
        ({"filter": "(" * 99 + "a = 1" + ")" * 99}, "filter", "64 levels"),
        ({"filter": "a IN (" + ",".join("1" * 600) + ")"}, "filter", "500 properties and values"),
    ],
)
async def test_an_error_names_the_parameter_and_what_is_allowed(
    client: httpx.AsyncClient, members: dict[str, str], parameter: str, part: str
) -> None:
    answer = await client.get("/search", params=members)
    assert answer.status_code in {400, 413}
    problem = answer.json()
    assert problem["parameter"] == parameter
    assert part in problem["allowed"]


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"filter": "a = 1"}, "filter"),
        ({"filter": JSON, "filter-lang": "cql2-text"}, "filter"),
        ({"filter": 5}, "filter"),
        ({"filter": JSON, "filter-lang": 5}, "filter-lang"),
        ({"filter": {"op": "like", "args": [{"property": "a"}, "x\\"]}}, "filter"),
        ({"filter": {"op": "and", "args": [True, {"op": "=", "args": [1]}]}}, "filter.args[1].args"),
    ],
)
async def test_a_bad_filter_in_a_body_is_told(client: httpx.AsyncClient, body: object, parameter: str) -> None:
    answer = await client.post("/search", json=body)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


async def test_the_limits_are_settings(
    cloudy: str, open_client: Callable[..., Coroutine[None, None, httpx.AsyncClient]]
) -> None:
    client = await open_client(dsn=cloudy, filter_max_characters=40, terms_max=3, nesting_max=4, geometry_max_points=1)
    for written in (
        "a = '" + "x" * 40 + "'",
        "a = 1 OR b = 2",
        "((((a = 1))))",
        "S_EQUALS(a, MULTIPOINT(0 0, 1 1))",
    ):
        answer = await client.get("/search", params={"filter": written})
        assert answer.status_code == 413, written
    assert (await client.get("/search", params={"filter": "(a = 1)"})).status_code == 200


async def test_every_example_of_the_standard_runs(client: httpx.AsyncClient, shared_data: Path) -> None:
    unknown = {"avg(", "Buffer(", "Foo(", "Bar("}
    for file in sorted((shared_data / "cql2" / "text").glob("*.txt")):
        written = file.read_text()
        answer = await client.get("/search", params={"filter": written})
        if any(name in written for name in unknown):
            assert (answer.status_code, "known are" in answer.json()["allowed"]) == (400, True), file
        else:
            assert answer.status_code == 200, (file, answer.text)
    for file in sorted((shared_data / "cql2" / "json").glob("*.json")):
        answer = await client.post("/search", json={"filter": json.loads(file.read_text())})
        assert answer.status_code in {200, 400}, (file, answer.text)
        assert answer.status_code == 200 or "known are" in answer.json()["allowed"]


async def test_the_functions_are_listed_and_the_landing_page_leads_there(client: httpx.AsyncClient) -> None:
    landing = (await client.get("/")).json()
    (link,) = (link for link in landing["links"] if link["rel"].endswith("/functions"))
    assert urlsplit(link["href"]).path == paths.FUNCTIONS
    answer = await client.get(link["href"])
    assert answer.status_code == 200
    listed = {function["name"]: function for function in answer.json()["functions"]}
    assert list(listed) == list(FUNCTIONS)
    assert listed["casei"]["arguments"] == [{"type": ["string"]}]
    assert listed["year"] == {
        "name": "year",
        "description": "The year of a time in UTC",
        "arguments": [{"type": ["datetime"]}],
        "returns": ["number"],
    }


async def test_every_listed_function_can_be_called(client: httpx.AsyncClient) -> None:
    values = {"text": "'x'", "number": "-2.5", "instant": "datetime", "geometry": "geometry", "array": "(1)"}
    for function in FUNCTIONS.values():
        call = f"{function.name}({', '.join(values[kind] for kind in function.arguments)})"
        answer = await client.get("/search", params={"filter": f"{call} IS NOT NULL", "limit": 100})
        assert len(ids(answer)) == len(CLOUDS), call


def test_the_classes_of_cql2_are_claimed() -> None:
    claimed = [uri for uri in conformance.CLASSES if uri.startswith("http://www.opengis.net/spec/cql2/1.0/conf/")]
    assert len(claimed) == 14
    assert "https://api.stacspec.org/v1.0.0-rc.2/item-search#filter" in conformance.CLASSES


async def test_a_plus_in_a_filter_is_escaped_as_in_any_url(client: httpx.AsyncClient) -> None:
    answer = await client.get("/search?filter=" + quote("Größe + 1 = 2", safe=""))
    assert ids(answer) == {"i1"}

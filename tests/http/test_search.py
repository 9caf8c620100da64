"""Searches of which the right answer is known item by item: edges of time, space and text that random ones may miss."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import serving
from satapi.query import keyset
from satapi.query.inventory import ITEMS
from satapi.settings import Settings
from satapi.stac.search import Position, SortKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx


def _point(x: float, y: float) -> dict[str, object]:
    return {"type": "Point", "coordinates": [x, y]}


def _period(start: str, end: str) -> dict[str, object]:
    return {"datetime": None, "start_datetime": start, "end_datetime": end}


_EDGES = {
    "east": _point(180, 0),
    "west": _point(-180, 0),
    "north": _point(0, 90),
    "south": _point(0, -90),
    "zero": _point(0, 0),
    "pacific": {
        "type": "MultiPolygon",
        "coordinates": [
            [[[170, 10], [180, 10], [180, 20], [170, 20], [170, 10]]],
            [[[-180, 10], [-170, 10], [-170, 20], [-180, 20], [-180, 10]]],
        ],
    },
}

_ITEMS = [
    *(serving.item("places", name, geometry=geometry) for name, geometry in _EDGES.items()),
    serving.item("ages", "holocene", properties=_period("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")),
    serving.item("ages", "first", properties={"datetime": "0001-01-01T00:00:00Z"}),
    serving.item("ages", "last", properties={"datetime": "9999-12-31T23:59:59.999999Z"}),
    serving.item("ages", "middle", properties={"datetime": "2000-01-01T00:00:00Z"}),
    *(
        serving.item("values", f"{name}", properties={"v": value})
        for name, value in {
            "ten": 10,
            "nine": 9,
            "text ten": "10",
            "text nine": "9",
            "true": True,
            "none": None,
            "list": [],
            "object": {"inner": {"most": 1}},
            "sharp s": "Straße",
            "percent": "100% _of\\it",
        }.items()
    ),
]


@pytest.fixture(scope="module")
def stored(make_database: Callable[[], str]) -> str:
    dsn = make_database()
    serving.store(dsn, [serving.collection(name) for name in ("places", "ages", "values")], _ITEMS)
    return dsn


@pytest.fixture
async def client(stored: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving.in_process(Settings(dsn=stored)) as client:
        yield client


async def ids(client: httpx.AsyncClient, **asked: object) -> list[str]:
    response = await client.post("/search", json={"limit": 100, **asked})
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()["features"]]


# Time


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("2020-01-01T00:00:00Z/..", ["last", "holocene"]),
        ("2000-01-01T00:00:00Z", ["middle", "holocene"]),
        ("../2000-01-01T00:00:00Z", ["middle", "first", "holocene"]),
        ("0001-01-01T00:00:00Z/9999-12-31T23:59:59.999999Z", ["last", "middle", "first", "holocene"]),
        ("2000-01-01T02:00:00+02:00/2000-01-01T00:00:00.000000999Z", ["middle", "holocene"]),
    ],
)
async def test_periods_of_any_length_are_searched_by_time(
    client: httpx.AsyncClient, window: str, expected: list[str]
) -> None:
    assert await ids(client, collections=["ages"], datetime=window) == expected
    assert await ids(client, collections=["ages"], datetime=window, bbox=[0, 40, 20, 60]) == expected


async def test_a_leap_second_is_a_time(client: httpx.AsyncClient) -> None:
    assert await ids(client, collections=["ages"], datetime="1999-12-31T23:59:60Z") == ["middle", "holocene"]
    asked = {"query": {"datetime": {"gt": "9999-12-31T23:59:60Z"}}}
    for body in (asked, {"datetime": "9999-12-31T23:59:60Z"}):
        assert (await client.post("/search", json=body)).status_code == 400


async def test_a_plus_that_was_not_escaped_is_understood_in_times_and_sortby(client: httpx.AsyncClient) -> None:
    found = await client.get("/search?datetime=2000-01-01T02:00:00+02:00&collections=ages&sortby=+id")
    assert [item["id"] for item in found.json()["features"]] == ["holocene", "middle"]


# Space


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ([170, -10, -170, 30], {"east", "west", "pacific"}),
        ([170, -10, 190, 30], {"east", "west", "pacific"}),
        ([-190, -10, -170, 30], {"east", "west", "pacific"}),
        ([180, 0, -180, 0], {"east", "west"}),
        ([180, -1, 180, 1], {"east"}),
        ([0, 0, 0, 0], {"zero"}),
        ([-10, 80, 10, 90], {"north"}),
        ([-10, 80, 10, 95], {"north"}),
        ([-180, -90, 180, 90], set(_EDGES)),
        ([-540, -90, 540, 90], set(_EDGES)),
        ([0, -180, 0, 180], {"north", "south", "zero"}),
        ([0, 0, -500, 0, 0, 500], {"zero"}),
        ([171, 11, 172, 12], {"pacific"}),
        ([-160, 10, 160, 20], set()),
    ],
)
async def test_boxes_at_the_edges_of_the_world(
    client: httpx.AsyncClient, bbox: list[float], expected: set[str]
) -> None:
    assert set(await ids(client, collections=["places"], bbox=bbox)) == expected
    by_get = await client.get("/search", params={"collections": "places", "bbox": ",".join(map(str, bbox))})
    assert {item["id"] for item in by_get.json()["features"]} == expected


_LINE, _FAR_LINE = [[-175, 15], [-181, 15]], [[355, 15], [365, 15]]
_TRIANGLE, _AROUND = [[[160, 5], [185, 15], [160, 25], [160, 5]]], [[[0, -1], [360, -1], [360, 1], [0, 1], [0, -1]]]


@pytest.mark.parametrize(
    ("kind", "coordinates", "expected"),
    [
        ("Point", [185, 15], {"pacific"}),
        ("Point", [-185, 15], {"pacific"}),
        ("Point", [540, 0], {"east"}),
        ("Point", [360, 0], {"zero"}),
        ("Point", [200, 15], set()),
        ("MultiPoint", [[200, 15], [360, 90]], {"north"}),
        ("LineString", _LINE, {"pacific"}),
        ("LineString", _FAR_LINE, set()),
        ("MultiLineString", [_FAR_LINE, _LINE], {"pacific"}),
        ("Polygon", _TRIANGLE, {"pacific"}),
        ("Polygon", [[[181, -1], [189, -1], [189, 30], [181, 30], [181, -1]]], {"pacific"}),
        ("Polygon", _AROUND, {"east", "west", "zero"}),
        ("MultiPolygon", [_TRIANGLE, _AROUND], {"east", "west", "zero", "pacific"}),
    ],
)
async def test_a_geometry_that_runs_over_the_antimeridian_finds_what_lies_beyond(
    client: httpx.AsyncClient, kind: str, coordinates: list[object], expected: set[str]
) -> None:
    geometry = {"type": kind, "coordinates": coordinates}
    for area in (geometry, {"type": "GeometryCollection", "geometries": [geometry, _point(-100, 60)]}):
        assert set(await ids(client, collections=["places"], intersects=area)) == expected


async def test_a_polygon_that_crosses_itself_is_the_area_that_it_encloses(client: httpx.AsyncClient) -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[-10, -10], [10, 10], [10, -10], [-10, 10], [-10, -10]]]}
    assert await ids(client, collections=["places"], intersects=bow_tie) == ["zero"]


# Values


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"lt": 10}, {"nine"}),
        ({"lte": 10}, {"nine", "ten"}),
        ({"gt": 9}, {"ten"}),
        ({"lt": "9"}, {"text ten", "percent"}),
        # Clients send numbers as text: a text that is a number is compared with both.
        ({"gt": "9"}, {"sharp s", "ten"}),
        ({"eq": 10}, {"ten"}),
        ({"eq": 10.0}, {"ten"}),
        ({"eq": "10"}, {"text ten", "ten"}),
        ({"eq": True}, {"true"}),
        ({"eq": None}, {"none"}),
        ({"neq": 10}, {"nine", "text ten", "text nine", "true", "list", "object", "sharp s", "percent"}),
        ({"eq": "STRASSE"}, {"sharp s"}),
        ({"eq": "STRAßE"}, {"sharp s"}),
        ({"startsWith": "100% _"}, {"percent"}),
        ({"contains": "\\"}, {"percent"}),
        ({"contains": "%%"}, set()),
        ({"endsWith": "\\IT"}, {"percent"}),
        ({"startsWith": ""}, {"text ten", "text nine", "sharp s", "percent"}),
        ({"in": [9, "10", True]}, {"nine", "text ten", "true"}),
        ({"in": []}, set()),
        ({"gte": 9, "lte": 9.5}, {"nine"}),
        (10, {"ten"}),
    ],
    ids=lambda value: "" if isinstance(value, set) else json.dumps(value),
)
async def test_a_property_is_compared_by_its_type(client: httpx.AsyncClient, test: object, expected: set[str]) -> None:
    assert set(await ids(client, collections=["values"], query={"v": test})) == expected
    assert set(await ids(client, collections=["values"], query={"properties.v": test})) == expected


async def test_members_of_objects_are_reached_with_dots(client: httpx.AsyncClient) -> None:
    assert await ids(client, query={"v.inner.most": {"eq": 1}}) == ["object"]
    assert (await ids(client, collections=["values"], sortby=[{"field": "v.inner.most", "direction": "desc"}]))[
        0
    ] == "object"


async def test_numbers_come_before_booleans_and_after_text_and_nothing_comes_last(client: httpx.AsyncClient) -> None:
    text = ["text ten", "percent", "text nine", "sharp s"]
    plain = ["list", *text, "nine", "ten", "true", "object"]
    assert await ids(client, collections=["values"], sortby=[{"field": "v"}]) == [*plain, "none"]
    down = [{"field": "v", "direction": "desc"}]
    assert await ids(client, collections=["values"], sortby=down) == [*reversed(plain), "none"]


async def test_as_many_comparisons_as_are_allowed_go_with_an_area(client: httpx.AsyncClient) -> None:
    query = {f"missing-{number}": {"eq": None} for number in range(499)}
    assert await ids(client, collections=["places"], bbox=[-1, -1, 1, 1], query=query) == ["zero"]


# Requests


@pytest.mark.parametrize("limit", ["1.0", "1e1", "1_0", "\u0665", ""])
async def test_a_limit_is_a_whole_number_from_one(client: httpx.AsyncClient, limit: str) -> None:
    response = await client.get("/search", params={"limit": limit})
    assert response.status_code == 400
    assert response.json()["parameter"] == "limit"


@pytest.mark.parametrize("bbox", ["1_0,0,20,20", "0,0,1,1,", "\u0661,0,2,2", "0;0;1;1"])
async def test_a_box_is_of_plain_numbers(client: httpx.AsyncClient, bbox: str) -> None:
    assert (await client.get("/search", params={"bbox": bbox})).status_code == 400


async def test_a_limit_of_any_size_is_lowered(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/search?limit={'9' * 30}")).json()["numberReturned"] == len(_ITEMS)
    assert len(await ids(client, limit=10**30)) == len(_ITEMS)


async def test_a_next_link_of_a_get_is_complete_and_asks_the_same_but_for_the_token(client: httpx.AsyncClient) -> None:
    asked = {
        "limit": "2",
        "bbox": "-180,-90,180,90",
        "datetime": "2024-06-01T02:00:00+02:00/..",
        "query": json.dumps({"none": {"eq": None}, "id": {"neq": "é&=#+ /"}}),
        "sortby": "-id,+datetime",
        "fields": "id,-assets",
    }
    for path in ("/search", "/items", "/collections/places/items"):
        first = (await client.get(path, params=asked)).json()
        links = {link["rel"]: link for link in first["links"]}
        assert links["next"]["method"] == "GET"
        address = urlsplit(links["next"]["href"])
        assert f"{address.scheme}://{address.netloc}" == serving.BASE
        assert address.path == path
        following = dict(parse_qsl(address.query, strict_parsing=True))
        assert following.pop("token")
        assert following == asked
        assert dict(parse_qsl(urlsplit(links["self"]["href"]).query, strict_parsing=True)) == asked
        second = (await client.get(links["next"]["href"])).json()
        assert second["features"]
        assert [link["rel"] for link in second["links"]].count("prev") == 1
        third = next(link["href"] for link in second["links"] if link["rel"] == "next")
        assert third.count("token=") == 1


async def test_pages_of_a_collection_link_to_it_and_stay_in_it(client: httpx.AsyncClient) -> None:
    url, found = "/collections/values/items?limit=4", []
    while url:
        page = (await client.get(url)).json()
        found += [item["id"] for item in page["features"]]
        links = {link["rel"]: link["href"] for link in page["links"]}
        assert links["collection"] == f"{serving.BASE}/collections/values"
        assert links["root"] == f"{serving.BASE}/"
        url = links.get("next")
    assert found == sorted(item["id"] for item in _ITEMS if item["collection"] == "values")


async def test_items_are_searched_by_the_path_without_a_collection_as_by_search(client: httpx.AsyncClient) -> None:
    asked = "?collections=places,ages&bbox=-180,-90,180,90&sortby=-id&limit=5"
    one, other = [(await client.get(path + asked)).json() for path in ("/search", "/items")]
    assert one["features"] == other["features"] != []


async def test_a_token_of_another_order_is_refused_and_one_of_another_filter_is_not(client: httpx.AsyncClient) -> None:
    page = (await client.get("/search?limit=1&sortby=id")).json()
    token = dict(parse_qsl(next(link["href"] for link in page["links"] if link["rel"] == "next")))["token"]
    for sortby in ("", "-id", "datetime", "id,datetime"):
        assert (await client.get("/search", params={"token": token, "sortby": sortby})).status_code == 400
    assert (await client.get("/search", params={"token": token, "sortby": "id", "bbox": "0,0,1,1"})).status_code == 200


_VALUES = ["", "1", "null", '"a"', '"\\u0000"', '"\\ud800"', '"\0"', "1e999999999", "{}", "nan"]
_JSON_TEXTS = st.sampled_from([*_VALUES, "[" * 20_000, "[" * 500 + "]" * 500]) | st.text(max_size=5)
_TIME_TEXTS = st.sampled_from(["9999-12-31T23:59:60Z", "0001-01-01T00:00:00+14:00", "2020-01-01", "infinity", ""])


@given(
    values=st.lists(st.none() | _JSON_TEXTS | _TIME_TEXTS, max_size=3),
    collection=st.text(max_size=3),
    identifier=st.text(max_size=3),
    backward=st.booleans(),
    names=st.sampled_from([(), ("v",), ("created",), ("id",), ("v", "v2")]),
)
async def test_a_token_of_our_form_with_anything_in_it_is_no_fault_of_the_server(
    stored: str,
    values: list[str | None],
    collection: str,
    identifier: str,
    names: tuple[str, ...],
    *,
    backward: bool,
) -> None:
    sortby = tuple(map(SortKey, names))
    try:
        token = keyset.encode(sortby, ITEMS, Position(tuple(values), collection, identifier, backward))
    except UnicodeEncodeError:
        return
    entries = [{"field": name} for name in names]
    async with serving.in_process(Settings(dsn=stored)) as client:
        response = await client.post("/search", json={"token": token, "sortby": entries, "limit": 1})
        assert response.status_code in {200, 400}, response.text


@given(
    st.binary(max_size=60),
    st.sampled_from(["query", "intersects", "bbox", "datetime", "fields", "sortby", "ids", "token", "limit"]),
)
async def test_bytes_of_any_kind_as_a_parameter_are_no_fault_of_the_server(
    stored: str, value: bytes, name: str
) -> None:
    async with serving.in_process(Settings(dsn=stored)) as client:
        response = await client.get(f"/search?{name}={quote(value)}")
        assert response.status_code in {200, 400, 413}, response.text

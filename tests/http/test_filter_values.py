"""What filters say of values that are easy to get wrong: control characters, the antimeridian, null times, depth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import serving
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

_SPAN = {"datetime": None, "start_datetime": "2020-01-01T00:00:00Z", "end_datetime": "2020-02-01T00:00:00Z"}


def _square(west: float, east: float) -> list[object]:
    return [[[west, 0], [east, 0], [east, 10], [west, 10], [west, 0]]]


_PLACES = {
    "split": {"type": "MultiPolygon", "coordinates": [_square(172, 180), _square(-180, -172)]},
    "east": {"type": "Polygon", "coordinates": _square(172, 178)},
    "west": {"type": "Polygon", "coordinates": _square(-178, -172)},
    "zero": {"type": "Polygon", "coordinates": _square(-5, 5)},
    "edge": {"type": "Polygon", "coordinates": _square(160, 180)},
    "none": None,
}
_OWN = {
    "split": {"esc": "a\tb", "list": [1, {"a": 1}], "other": [1, {"a": 1.0}]},
    "east": {"esc": r"a\tb", "list": {"a": []}, "other": {"a": [1]}},
    "west": {"esc": "\a\b\t\n\v\f\r'\\", **_SPAN},
    "zero": {"n": 500, "proj:geometry": {"type": "Point", "coordinates": [500000, 5700000]}},
    "edge": {"n": 120},
}


@pytest.fixture(scope="module")
def dsn(make_database: Callable[[], str]) -> str:
    found = make_database()
    items = [serving.item("c", name, geometry=place, properties=_OWN.get(name, {})) for name, place in _PLACES.items()]
    serving.store(found, [serving.collection("c")], items)
    return found


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving.in_process(Settings(dsn=dsn)) as client:
        yield client


async def _found(client: httpx.AsyncClient, **asked: object) -> set[str]:
    answer = await client.get("/search", params={"limit": 100, **asked})
    assert answer.status_code == 200, answer.text
    return {feature["id"] for feature in answer.json()["features"]}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r"esc = 'a\tb'", "split"),
        (r"esc = 'a\\tb'", "east"),
        (r"esc LIKE 'a\t_'", "split"),
        (r"esc LIKE '_\\t%'", "east"),
        (r"CASEI(esc) IN (CASEI('\a\b\t\n\v\f\r\'\\'))", "west"),
    ],
)
async def test_control_characters_are_found_by_their_escapes(
    client: httpx.AsyncClient, written: str, expected: str
) -> None:
    assert await _found(client, filter=written) == {expected}


@pytest.mark.parametrize(
    "literal",
    ["POINT(90 180)", "LINESTRING(0 0, 0 200)", "POINT(541 0)", "BBOX(-180,-100,180,90)", "BBOX(0,0,600,10)"],
)
@pytest.mark.parametrize(
    "form",
    [
        "S_INTERSECTS(geometry, {})",
        "S_INTERSECTS({}, properties.geometry)",
        "S_DISJOINT(geometry, {})",
        "n = 1 AND S_WITHIN(geometry, {})",
        "n = 1 OR NOT (n = 2 AND S_TOUCHES({}, geometry))",
        "S_EQUALS(envelope(geometry), {})",
    ],
)
async def test_places_outside_the_world_are_refused_beside_geometry(
    client: httpx.AsyncClient, form: str, literal: str
) -> None:
    for more in ({}, {"bbox": "0,0,1,1"}):
        answer = await client.get("/search", params={"filter": form.format(literal), **more})
        assert answer.status_code == 400, answer.text
        problem = answer.json()
        assert problem["parameter"] == "filter"
        assert problem["value"].startswith(literal[:5])
        assert "latitudes from -90 to 90 and longitudes from -540 to 540" in problem["allowed"]


async def test_other_geometries_may_be_in_metres(client: httpx.AsyncClient) -> None:
    assert await _found(client, filter="S_INTERSECTS(proj:geometry, POINT(500000 5700000))") == {"zero"}
    assert await _found(client, filter="S_WITHIN(proj:geometry, BBOX(0, 0, 1000000, 6000000))") == {"zero"}


@pytest.mark.parametrize(
    "box",
    ["0,0,360,10", "-190,-10,-170,10", "170,0,190,10", "180,0,190,10", "170,0,-170,10", "190,0,200,1", "-400,0,-350,9"],
)
async def test_a_box_beyond_the_antimeridian_is_the_same_in_a_filter(client: httpx.AsyncClient, box: str) -> None:
    expected = await _found(client, bbox=box)
    assert await _found(client, filter=f"S_INTERSECTS(geometry, BBOX({box}))") == expected
    assert await _found(client, filter=f"n = 1 OR S_INTERSECTS(BBOX({box}), geometry)") == expected
    assert await _found(client, filter=f"S_DISJOINT(geometry, BBOX({box}))") == {*_PLACES} - {"none"} - expected
    assert await _found(client, filter=f"NOT S_INTERSECTS(geometry, BBOX({box}))") == {*_PLACES} - {"none"} - expected


@pytest.mark.parametrize(("west", "east"), [(170, 190), (-190, -170), (180, 190), (530, 540), (-5, 355), (100, 530)])
async def test_an_area_beyond_the_antimeridian_is_the_same_in_a_filter(
    client: httpx.AsyncClient, west: float, east: float
) -> None:
    area = {"type": "Polygon", "coordinates": _square(west, east)}
    expected = await _found(client, intersects=json.dumps(area))
    for operator, found in (("s_intersects", expected), ("s_disjoint", {*_PLACES} - {"none"} - expected)):
        node = {"op": operator, "args": [{"property": "geometry"}, area]}
        for given in (node, {"op": "or", "args": [False, node]}):
            assert await _found(client, filter=json.dumps(given), **{"filter-lang": "cql2-json"}) == found


@pytest.mark.parametrize(
    "literal",
    ["BBOX(172,0,188,10)", "BBOX(172,0,-172,10)", "BBOX(-188,0,-172,10)", "POLYGON((172 0,188 0,188 10,172 10,172 0))"],
)
async def test_every_relation_is_to_the_wrapped_shape(client: httpx.AsyncClient, literal: str) -> None:
    assert await _found(client, filter=f"S_WITHIN(geometry, {literal})") == {"split", "east", "west"}
    assert await _found(client, filter=f"S_EQUALS(geometry, {literal})") == {"split"}
    assert await _found(client, filter=f"S_CONTAINS({literal}, geometry)") == {"split", "east", "west"}
    assert await _found(client, filter=f"S_OVERLAPS(geometry, {literal})") == {"edge"}


async def test_an_edge_on_the_antimeridian_leaves_the_relations_of_the_rest(client: httpx.AsyncClient) -> None:
    for literal in ("BBOX(180,0,188,10)", "POLYGON((180 0,188 0,188 10,180 10,180 0))"):
        assert await _found(client, filter=f"S_WITHIN(geometry, {literal})") == {"west"}
        assert await _found(client, filter=f"S_INTERSECTS(geometry, {literal})") == {"west", "split", "edge"}


async def test_a_datetime_that_is_null_is_null_though_the_start_stands_for_it(client: httpx.AsyncClient) -> None:
    for name in ("datetime", "properties.datetime"):
        assert await _found(client, filter=f"{name} IS NULL") == {"west"}
        assert await _found(client, filter=f"{name} IS NOT NULL") == {*_PLACES} - {"west"}
        assert await _found(client, filter=f"{name} = '2020-01-01T00:00:00Z' AND {name} IS NULL") == {"west"}
    assert await _found(client, query='{"datetime": {"eq": null}}') == {"west"}


async def test_what_is_equal_is_neither_less_nor_greater_also_without_an_order(client: httpx.AsyncClient) -> None:
    for operator in ("=", "<=", ">="):
        assert await _found(client, filter=f"list {operator} list") == {"split", "east"}
        assert await _found(client, filter=f"list {operator} other") == {"split"}
    for operator in ("<", ">", "<>"):
        assert await _found(client, filter=f"list {operator} list") == set()


async def _statuses(client: httpx.AsyncClient, text: str, node: str) -> set[int]:
    """Of both encodings by GET and POST."""
    body = f'{{"filter":{node},"filter-lang":"cql2-json"}}'
    answers = [
        await client.get("/search", params={"filter": text}),
        await client.get("/search", params={"filter": node, "filter-lang": "cql2-json"}),
        await client.post("/search", json={"filter": text, "filter-lang": "cql2-text"}),
        await client.post("/search", content=body, headers={"content-type": "application/json"}),
    ]
    return {answer.status_code for answer in answers}


def _nested(levels: int, head: str, inner: str, tail: str) -> str:
    return head * levels + inner + tail * levels


async def test_the_limit_of_nesting_is_the_same_in_both_encodings_by_get_and_post(client: httpx.AsyncClient) -> None:
    one = '{"op":"=","args":[{"property":"n"},1]}'
    for text_head, text_tail in (("NOT ", ""), ("NOT (", ")")):
        for levels, status in ((31, 200), (63, 200), (64, 413)):
            text = _nested(levels, text_head, "n = 1", text_tail)
            assert await _statuses(client, text, _nested(levels, '{"op":"not","args":[', one, "]}")) == {status}, levels
    for levels, status in ((62, 200), (63, 413)):
        text = _nested(levels, "abs(", "n", ")") + " + 1 = 1"
        node = _nested(levels, '{"op":"abs","args":[', '{"property":"n"}', "]}")
        node = f'{{"op":"=","args":[{{"op":"+","args":[{node},1]}},1]}}'
        assert await _statuses(client, text, node) == {status}, levels


async def test_a_body_that_is_nested_without_end_is_refused(client: httpx.AsyncClient) -> None:
    for body in (
        "[" * 10_000,
        '{"filter":' + "[" * 10_000,
        '{"filter":' + "[" * 1_100 + "]" * 1_100 + "}",
        '{"intersects":' + "[" * 70 + "]" * 70 + "}",
        '{"query":' + '{"a":' * 70 + "1" + "}" * 71,
    ):
        answer = await client.post("/search", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 413, body[:20]


async def test_a_flat_filter_has_as_many_terms_as_are_allowed(client: httpx.AsyncClient) -> None:
    assert await _found(client, filter="+".join(["1"] * 498) + " + 2 = n") == {"zero"}
    assert await _found(client, filter=" AND ".join(["n > 400"] * 250)) == {"zero"}
    answer = await client.get("/search", params={"filter": "+".join(["1"] * 500) + " = n"})
    assert (answer.status_code, "500 properties and values" in answer.json()["allowed"]) == (413, True)
    for operator in ("and", "or"):
        node = {"op": operator, "args": [{"op": ">", "args": [{"property": "n"}, 400]}] * 250}
        for answer in (
            await client.post("/search", json={"filter": node}),
            await client.get("/search", params={"filter": json.dumps(node), "filter-lang": "cql2-json"}),
        ):
            assert [feature["id"] for feature in answer.json()["features"]] == ["zero"]
    sum_ = _nested(400, '{"op":"+","args":[', "100", ",1]}")
    for given, expected in ((sum_, "zero"), (_nested(20, '{"op":"+","args":[', "100", ",1]}"), "edge")):
        body = f'{{"filter":{{"op":"=","args":[{{"property":"n"}},{given}]}}}}'
        answer = await client.post("/search", content=body, headers={"content-type": "application/json"})
        assert [feature["id"] for feature in answer.json()["features"]] == [expected], answer.text
    for path in ("/collections", "/aggregate?aggregations=total_count"):
        answer = await client.get(path, params={"filter": "+".join(["1"] * 498) + " = title"})
        assert answer.status_code == 200, answer.text


async def test_heights_are_said_with_or_without_a_space(client: httpx.AsyncClient) -> None:
    for literal in ("POINTZ(0 5 3)", "POINT Z (0 5 3)", "pointz (0 5 3)", "MultiPointZ((0 5 3))"):
        assert await _found(client, filter=f"S_INTERSECTS(geometry, {literal})") == {"zero"}

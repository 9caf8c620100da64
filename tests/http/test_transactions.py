"""Transactions of items: made, replaced, patched and deleted over HTTP, each whole or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from writers import ITEMS, JSON, MERGE, OTHER, PATCH, given, texts, writing

import serving
from satapi.stac import conformance, paths

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx


@pytest.fixture(scope="module")
def catalog(make_database: Callable[[], str]) -> str:
    dsn = make_database()
    serving.store(dsn, [serving.collection("c"), serving.collection("d/e")])
    return dsn


@pytest.fixture
async def client(catalog: str) -> AsyncIterator[httpx.AsyncClient]:
    serving.execute(catalog, "delete from items")
    async with writing(catalog) as client:
        yield client


async def test_a_new_item_is_answered_as_it_can_be_read_from_then_on(client: httpx.AsyncClient) -> None:
    made = await client.post(ITEMS, json=serving.item("c", "a/b é"))
    assert made.status_code == 201
    assert made.headers["location"] == f"{serving.BASE}{ITEMS}/a%2Fb%20%C3%A9"
    assert made.headers["content-type"] == "application/geo+json"
    read = await client.get(urlsplit(made.headers["location"]).path)
    assert read.status_code == 200
    assert (read.content, read.headers["etag"]) == (made.content, made.headers["etag"])
    found = (await client.get("/search", params={"ids": "a/b é"})).json()["features"]
    assert found == [read.json()]


async def test_an_item_that_names_no_collection_gets_that_of_the_path(client: httpx.AsyncClient) -> None:
    item = serving.item("", "i")
    del item["collection"]
    made = await client.post(f"{paths.items('d/e')}", json=item)
    assert made.status_code == 201
    assert made.json()["collection"] == "d/e"
    assert (await client.get(paths.item("d/e", "i"))).json() == made.json()


async def test_an_item_of_another_collection_than_that_of_the_path_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(ITEMS, json=serving.item("d/e", "i"))
    assert (answer.status_code, answer.json()["parameter"]) == (400, "collection")
    put = await client.put(f"{ITEMS}/i", json=serving.item("d/e", "i"))
    assert (put.status_code, put.json()["parameter"]) == (400, "collection")
    assert (await client.get("/search")).json()["features"] == []


async def test_an_item_that_is_there_is_a_conflict_and_stays(client: httpx.AsyncClient) -> None:
    first = await client.post(ITEMS, json=serving.item("c", "i", properties={"n": 1}))
    again = await client.post(ITEMS, json=serving.item("c", "i", properties={"n": 2}))
    assert (again.status_code, again.json()["code"]) == (409, "Conflict")
    assert again.headers["content-type"] == "application/problem+json"
    assert (await client.get(f"{ITEMS}/i")).json() == first.json()


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", JSON, 400),
        (b"{", JSON, 400),
        (b'{"type": "\xff"}', JSON, 400),
        (b'{"id": "\\ud800"}', JSON, 400),
        (b'{"n": NaN}', JSON, 400),
        (b"[]", JSON, 422),
        (b"3", JSON, 422),
        (b"{}", JSON, 422),
        (texts(serving.item("c", "")), JSON, 422),
        (texts(serving.item("c", "i", geometry={"type": "Point", "coordinates": [1000, 0]})), JSON, 422),
        (texts(serving.item("c", "i", properties={"datetime": "yesterday"})), JSON, 422),
        (texts(serving.item("c", "i", links=[3])), JSON, 422),
        (texts({"type": "FeatureCollection"}), JSON, 422),
        (texts({"type": "FeatureCollection", "features": 3}), JSON, 422),
        (b"[" * 100_000 + b"]" * 100_000, JSON, 413),
        (b'{"a":' + b"[" * 90 + b"]" * 90 + b"}", JSON, 413),
        (texts(serving.item("c", "i", title="x" * 1_100_000)), JSON, 413),
        (texts(serving.item("c", "i")), OTHER, 415),
        (texts(serving.item("c", "i")), {"content-type": "application/x-www-form-urlencoded"}, 415),
        (texts(serving.item("c", "i")), JSON | {"content-encoding": "gzip"}, 415),
    ],
)
async def test_what_is_no_item_is_refused_and_told_why(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    for answer in (
        await client.post(ITEMS, content=body, headers=headers),
        await client.post("/items", content=body, headers=headers),
    ):
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    assert (await client.get("/search")).json()["features"] == []


async def test_what_would_be_read_is_said_with_a_415(client: httpx.AsyncClient) -> None:
    answer = await client.post(ITEMS, content=b"a,b", headers=OTHER)
    assert (
        answer.headers["accept"]
        == "application/json, application/geo+json, application/x-ndjson, application/geo+json-seq"
    )


async def test_a_body_without_a_media_type_is_taken_for_json(client: httpx.AsyncClient) -> None:
    assert (await client.post(ITEMS, content=texts(serving.item("c", "i")))).status_code == 201


async def test_unknown_collections_and_items_are_not_found(client: httpx.AsyncClient) -> None:
    item = serving.item("none", "i")
    several = {"type": "FeatureCollection", "features": [item]}
    for answer in (
        await client.post("/collections/none/items", json=item),
        await client.post("/collections/none/items", json=several),
        await client.post("/collections/none/items", json=several | {"features": []}),
        await client.post("/collections/none/bulk_items", json={"items": {}}),
        await client.post("/items", json=item),
        await client.put("/collections/none/items/i", json=item),
        await client.put(f"{ITEMS}/i", json=serving.item("c", "i")),
        await client.patch(f"{ITEMS}/i", json={}),
        await client.delete(f"{ITEMS}/i"),
    ):
        assert answer.status_code == 404, answer.text
    assert (await client.get(f"{ITEMS}/i")).status_code == 404


async def test_items_that_name_their_collections_are_made_at_the_top(client: httpx.AsyncClient) -> None:
    made = await client.post("/items", json=serving.item("d/e", "i"))
    assert (made.status_code, made.headers["location"]) == (201, serving.BASE + paths.item("d/e", "i"))
    features = [serving.item("c", "i"), serving.item("d/e", "j")]
    several = await client.post("/items", json={"type": "FeatureCollection", "features": features})
    assert several.status_code == 201
    hrefs = [link["href"] for link in several.json()["links"]]
    assert hrefs == [serving.BASE + paths.item("c", "i"), serving.BASE + paths.item("d/e", "j")]


async def test_a_feature_collection_is_stored_whole(client: httpx.AsyncClient) -> None:
    features = [serving.item("c", f"i{number}") for number in range(250)]
    made = await client.post(ITEMS, json={"type": "FeatureCollection", "features": features})
    assert made.status_code == 201
    assert "location" not in made.headers
    assert made.json()["ids"] == [feature["id"] for feature in features]
    assert len((await client.get("/search?limit=300")).json()["features"]) == 250
    empty = await client.post(ITEMS, json={"type": "FeatureCollection", "features": []})
    assert (empty.status_code, empty.json()) == (201, {"ids": [], "links": []})


async def test_one_bad_item_undoes_a_feature_collection_and_each_is_told(client: httpx.AsyncClient) -> None:
    features = [serving.item("c", f"i{number}") for number in range(120)]
    features[7] = serving.item("d/e", "i7")
    features[110]["geometry"] = 3
    del features[111]["id"]
    answer = await client.post(ITEMS, json={"type": "FeatureCollection", "features": features})
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert [(error["index"], error.get("id")) for error in errors] == [(7, "i7"), (110, "i110"), (111, None)]
    assert [error["code"] for error in errors] == ["InvalidDocument"] * 3
    assert "'d/e'" in errors[0]["reason"]
    assert "geometry" in errors[1]["reason"]
    assert (await client.get("/search")).json()["features"] == []


async def test_existing_items_undo_a_feature_collection_and_each_is_told(client: httpx.AsyncClient) -> None:
    await client.post(ITEMS, json=serving.item("c", "i1"))
    features = [serving.item("c", name) for name in ("i0", "i1", "i2", "i0")]
    answer = await client.post(ITEMS, json={"type": "FeatureCollection", "features": features})
    assert answer.status_code == 409
    assert [(error["index"], error["id"]) for error in answer.json()["errors"]] == [(1, "i1"), (3, "i0")]
    assert [item["id"] for item in (await client.get("/search")).json()["features"]] == ["i1"]


async def test_an_item_is_replaced_and_its_columns_with_it(client: httpx.AsyncClient) -> None:
    first = await client.post(ITEMS, json=serving.item("c", "i"))
    other = serving.item("c", "i", geometry=None, properties={"datetime": "2001-01-01T00:00:00Z", "n": 1})
    del other["bbox"]
    answer = await client.put(f"{ITEMS}/i", json=other)
    assert answer.status_code == 200
    assert answer.headers["etag"] != first.headers["etag"]
    assert answer.headers["content-location"] == first.headers["location"]
    assert given(answer) == other
    read = await client.get(f"{ITEMS}/i")
    assert (read.content, read.headers["etag"]) == (answer.content, answer.headers["etag"])
    assert len((await client.get("/search?datetime=2001-01-01T00:00:00Z")).json()["features"]) == 1
    assert (await client.get("/search?bbox=0,0,20,60")).json()["features"] == []


async def test_a_replacement_may_leave_out_what_the_path_says_and_not_say_otherwise(client: httpx.AsyncClient) -> None:
    await client.post(ITEMS, json=serving.item("c", "i"))
    item = serving.item("c", "i", properties={"n": 1})
    short = {name: value for name, value in item.items() if name not in {"id", "collection"}}
    assert given(await client.put(f"{ITEMS}/i", json=short)) == item
    other = await client.put(f"{ITEMS}/i", json=item | {"id": "j"})
    assert (other.status_code, other.json()["parameter"]) == (400, "id")
    bad = await client.put(f"{ITEMS}/i", json=item | {"assets": []})
    assert (bad.status_code, bad.json()["parameter"]) == (422, "assets")
    assert given(await client.get(f"{ITEMS}/i")) == item


async def test_a_deleted_item_is_gone(client: httpx.AsyncClient) -> None:
    await client.post(ITEMS, json=serving.item("c", "i"))
    await client.post(ITEMS, json=serving.item("c", "j"))
    answer = await client.delete(f"{ITEMS}/i")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(f"{ITEMS}/i")).status_code == 404
    assert (await client.delete(f"{ITEMS}/i")).status_code == 404
    assert [item["id"] for item in (await client.get("/search")).json()["features"]] == ["j"]
    assert (await client.post(ITEMS, json=serving.item("c", "i"))).status_code == 201


async def test_a_client_may_prefer_to_be_told_little(client: httpx.AsyncClient) -> None:
    minimal = {"Prefer": "return=minimal"}
    made = await client.post(ITEMS, json=serving.item("c", "i"), headers=minimal)
    assert (made.status_code, made.content) == (201, b"")
    assert made.headers["location"] == f"{serving.BASE}{ITEMS}/i"
    assert made.headers["etag"] == (await client.get(f"{ITEMS}/i")).headers["etag"]
    several = {"type": "FeatureCollection", "features": [serving.item("c", "j")]}
    answers = [
        await client.post(ITEMS, json=several, headers=minimal),
        await client.put(f"{ITEMS}/i", json=serving.item("c", "i", properties={"n": 1}), headers=minimal),
        await client.patch(f"{ITEMS}/i", json={"properties": {"n": 2}}, headers=minimal),
    ]
    assert [(answer.status_code, answer.content) for answer in answers] == [(201, b""), (204, b""), (204, b"")]
    for answer in (made, *answers):
        assert answer.headers["preference-applied"] == "return=minimal"
    assert (await client.get(f"{ITEMS}/i")).json()["properties"]["n"] == 2
    whole = await client.put(f"{ITEMS}/i", json=serving.item("c", "i"), headers={"Prefer": "return=representation"})
    assert whole.status_code == 200


# Patches ------------------------------------------------------------------------------------------------------------


async def test_a_merge_patch_changes_what_it_names_and_nothing_else(client: httpx.AsyncClient) -> None:
    body = texts(serving.item("c", "i", properties={"a": "A", "keep": "K", "deep": {"x": "X", "y": "Y"}}))
    numbers = body.replace(b'"K"', b"1.50e+0").replace(b'"Y"', b"[1E400,-0,0.10]")
    assert (await client.post(ITEMS, content=numbers, headers=JSON)).status_code == 201
    change = b'{"properties":{"a":null,"deep":{"x":2.0},"new":null,"b":{"c":null,"d":1}},"title":"t"}'
    for headers in (MERGE, JSON):
        answer = await client.patch(f"{ITEMS}/i", content=change, headers=headers)
        assert answer.status_code == 200
        assert b'"keep":1.50e+0,"deep":{"x":2.0,"y":[1E400,-0,0.10]},"b":{"d":1}}' in answer.content
        assert b'"title":"t","links":[' in answer.content
    assert (await client.get(f"{ITEMS}/i")).content == answer.content


async def test_a_json_patch_changes_what_it_names_and_nothing_else(client: httpx.AsyncClient) -> None:
    body = texts(serving.item("c", "i", properties={"list": [1, 2], "keep": "K"})).replace(b'"K"', b"1.50")
    await client.post(ITEMS, content=body, headers=JSON)
    change = [
        {"op": "test", "path": "/properties/keep", "value": 1.5},
        {"op": "add", "path": "/properties/list/-", "value": 3},
        {"op": "move", "from": "/properties/list/0", "path": "/properties/first"},
        {"op": "replace", "path": "/properties/datetime", "value": "2002-02-02T00:00:00Z"},
    ]
    answer = await client.patch(f"{ITEMS}/i", content=texts(change), headers=PATCH)
    assert answer.status_code == 200, answer.text
    assert b'"list":[2,3],"keep":1.50,"first":1}' in answer.content
    assert len((await client.get("/search?datetime=2002-02-02T00:00:00Z")).json()["features"]) == 1


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", MERGE, 400),
        (b"[]", MERGE, 422),
        (b'{"id":"j"}', MERGE, 400),
        (b'{"collection":"d/e"}', MERGE, 400),
        (b'{"geometry":{"type":"Place"}}', MERGE, 422),
        (b'{"properties":null}', MERGE, 422),
        (b'{"properties":{"datetime":null}}', MERGE, 422),
        (b"{}", OTHER, 415),
        (b"{}", PATCH, 400),
        (b'[{"op":"add","path":"/a"}]', PATCH, 400),
        (b'[{"op":"test","path":"/id","value":"j"}]', PATCH, 409),
        (b'[{"op":"remove","path":"/nothing"}]', PATCH, 409),
        (b'[{"op":"remove","path":"/properties"}]', PATCH, 422),
        (b'[{"op":"replace","path":"","value":3}]', PATCH, 422),
        (b'[{"op":"replace","path":"/id","value":"j"}]', PATCH, 400),
        (texts([{"op": "test", "path": "/id", "value": "i"}] * 501), PATCH, 413),
        (texts([{"op": "copy", "from": "", "path": f"/{number}"} for number in range(40)]), PATCH, 413),
    ],
)
async def test_a_patch_that_cannot_be_done_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    first = await client.post(ITEMS, json=serving.item("c", "i"))
    answer = await client.patch(f"{ITEMS}/i", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await client.get(f"{ITEMS}/i")).content == first.content


@pytest.mark.parametrize("headers", [MERGE, PATCH])
async def test_a_patch_makes_no_item_larger_than_a_body_may_be(catalog: str, headers: dict[str, str]) -> None:
    serving.execute(catalog, "delete from items")
    async with writing(catalog, body_max_bytes=3_000) as client:
        await client.post(ITEMS, json=serving.item("c", "i"))
        for name, status in (("one", 200), ("two", 413)):
            before = (await client.get(f"{ITEMS}/i")).content
            value = "x" * 2_000
            change = [{"op": "add", "path": f"/{name}", "value": value}] if headers is PATCH else {name: value}
            answer = await client.patch(f"{ITEMS}/i", content=texts(change), headers=headers)
            assert answer.status_code == status, answer.text
        assert "at most 3000 may come of a patch" in answer.json()["description"]
        assert (await client.get(f"{ITEMS}/i")).content == before


async def test_the_patches_that_are_read_are_told(client: httpx.AsyncClient) -> None:
    options = await client.options(f"{ITEMS}/i")
    assert options.headers["allow"] == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
    assert "application/json-patch+json" in options.headers["accept-patch"]


# Content ------------------------------------------------------------------------------------------------------------

characters = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ids = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0") | st.sampled_from("/%?#."), min_size=1)
numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
values = st.recursive(
    numbers | characters.map(json.dumps) | st.sampled_from(["null", "true", '"\\u00e9\\/"']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda some: f"[{','.join(some)}]")
        | st.dictionaries(characters.map(json.dumps), inner, max_size=3).map(
            lambda some: "{" + ",".join(f"{name}:{value}" for name, value in some.items()) + "}"
        )
    ),
    max_leaves=8,
)


@drawn(ids, values, values)
async def test_an_item_comes_back_to_the_letter_however_it_was_written(
    catalog: str, identifier: str, one: str, other: str
) -> None:
    serving.execute(catalog, "delete from items")
    body = texts(serving.item("c", identifier, own="OWN")).replace(b'"links":[],', b"")
    path = paths.item("c", identifier)
    async with writing(catalog) as client:
        first = body.replace(b'"OWN"', one.encode())
        made = await client.post(ITEMS, content=first, headers=JSON)
        assert made.status_code == 201, made.text
        assert (await client.get(path)).content == made.content
        assert made.content.startswith(first[:-1] + b',"links":[')
        second = body.replace(b'"OWN"', other.encode())
        put = await client.put(path, content=second, headers=JSON)
        assert put.content.startswith(second[:-1] + b',"links":[')
        patched = await client.patch(path, content=f'{{"more":{one}}}'.encode(), headers=MERGE)
        kept = second[:-1] if one == "null" else second[:-1] + f',"more":{one}'.encode()
        assert one.startswith("{") or patched.content.startswith(kept + b',"links":[')
        assert (await client.get(path)).content == patched.content
        assert (await client.delete(path)).status_code == 204


# Off ----------------------------------------------------------------------------------------------------------------


async def test_nobody_writes_unless_the_server_is_told_so(catalog: str) -> None:
    serving.execute(catalog, "delete from items")
    serving.store(catalog, (), [serving.item("c", "i")])
    async with serving.in_process(serving.Settings(dsn=catalog)) as client:
        for method, path in (("POST", ITEMS), ("POST", "/items"), *((m, f"{ITEMS}/i") for m in ("PUT", "PATCH"))):
            answer = await client.request(method, path, json=serving.item("c", "j"))
            assert answer.status_code == 405
            assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
        assert (await client.delete(f"{ITEMS}/i")).status_code == 405
        assert not set(conformance.WRITING) & set((await client.get("/conformance")).json()["conformsTo"])
        assert not set(conformance.WRITING) & set((await client.get("/")).json()["conformsTo"])
        described = (await client.get("/api")).json()
        methods = {method for path in described["paths"].values() for method in path}
        assert methods <= {"get", "post", "parameters"}
        assert "NewItem" not in described["components"]["schemas"]
        preflight = await client.options(ITEMS, headers={"Access-Control-Request-Method": "PUT"})
        assert "PUT" not in preflight.headers["access-control-allow-methods"]


async def test_a_server_that_lets_clients_write_says_so(client: httpx.AsyncClient) -> None:
    for path in ("/conformance", "/"):
        assert set(conformance.WRITING) <= set((await client.get(path)).json()["conformsTo"])
    described = (await client.get("/api")).json()
    assert {"get", "put", "patch", "delete"} <= set(described["paths"]["/collections/{collection_id}/items/{item_id}"])
    preflight = await client.options(f"{ITEMS}/i", headers={"Access-Control-Request-Method": "PUT"})
    assert {"PUT", "PATCH", "DELETE"} <= set(preflight.headers["access-control-allow-methods"].split(", "))

"""Writes are checked by JSON Schemas: each route refuses what is no STAC, and tells all that is wrong, and where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from writers import ITEMS, JSON, MERGE, PATCH, given, texts, writing

import serving
from satapi.errors import InvalidError
from satapi.http.app import build_app
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import httpx

LINES = {"content-type": "application/x-ndjson"}
ONE = "https://example.com/one/v1.0.0/schema.json"
PLACES = {"/properties/gsd", "/links/0/href"}


@pytest.fixture(scope="module")
def catalog(make_database: Callable[[], str]) -> str:
    dsn = make_database()
    serving.store(dsn, [serving.collection("c")])
    return dsn


@pytest.fixture
async def client(catalog: str) -> AsyncIterator[httpx.AsyncClient]:
    serving.execute(catalog, "delete from items", "delete from collections where id <> 'c'")
    async with writing(catalog) as client:
        yield client


def bad_item(name: str, **members: object) -> dict[str, object]:
    return serving.item("c", name, properties={"gsd": -1}, links=[{"rel": "via"}], **members)


def bad_collection(name: str) -> dict[str, object]:
    return serving.collection(name, license="a b", links=[{"rel": "via"}])


def told(entry: dict[str, object]) -> set[object]:
    return {fault["pointer"] for fault in entry["faults"]}


async def ids(client: httpx.AsyncClient) -> set[str]:
    return {item["id"] for item in (await client.get("/search?limit=1000")).json()["features"]}


async def test_one_item_is_refused_with_each_thing_that_is_wrong(client: httpx.AsyncClient) -> None:
    for path in (ITEMS, "/items"):
        answer = await client.post(path, json=bad_item("i"))
        assert (answer.status_code, answer.json()["code"]) == (422, "InvalidDocument")
        assert answer.headers["content-type"] == "application/problem+json"
        (entry,) = answer.json()["errors"]
        assert (entry["index"], entry["id"], told(entry)) == (0, "i", PLACES)
        assert "properties.gsd: '-1' is not allowed; it must be more than 0" in answer.json()["detail"]
        assert "links[0].href: it is required" in entry["reason"]
    assert await ids(client) == set()


async def test_a_replacement_is_checked(client: httpx.AsyncClient) -> None:
    first = await client.post(ITEMS, json=serving.item("c", "i"))
    answer = await client.put(f"{ITEMS}/i", json=bad_item("i"))
    (entry,) = answer.json()["errors"]
    assert (answer.status_code, entry["id"], told(entry)) == (422, "i", PLACES)
    assert (await client.get(f"{ITEMS}/i")).content == first.content


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"properties": {"gsd": -1}}, MERGE),
        ({"properties": {"gsd": -1}}, JSON),
        ([{"op": "add", "path": "/properties/gsd", "value": -1}], PATCH),
    ],
)
async def test_what_comes_of_a_patch_is_checked(
    client: httpx.AsyncClient, body: object, headers: dict[str, str]
) -> None:
    first = await client.post(ITEMS, json=serving.item("c", "i"))
    answer = await client.patch(f"{ITEMS}/i", content=texts(body), headers=headers)
    (entry,) = answer.json()["errors"]
    assert (answer.status_code, told(entry)) == (422, {"/properties/gsd"})
    assert (await client.get(f"{ITEMS}/i")).content == first.content


async def test_a_feature_collection_is_refused_with_each_thing_that_is_wrong_in_each_item(
    client: httpx.AsyncClient,
) -> None:
    features = [serving.item("c", f"i{number}") for number in range(120)]
    features[3] = bad_item("i3")
    features[110] = bad_item("i110", stac_version="1.0.0")
    for path in (ITEMS, "/items"):
        answer = await client.post(path, json={"type": "FeatureCollection", "features": features})
        assert answer.status_code == 422
        assert [(entry["index"], entry["id"], told(entry)) for entry in answer.json()["errors"]] == [
            (3, "i3", PLACES),
            (110, "i110", PLACES),
        ]
    assert await ids(client) == set()


async def test_bulk_items_are_refused_all_together(client: httpx.AsyncClient) -> None:
    items = {"i": serving.item("c", "i"), "bad": bad_item("bad")}
    for method in ("insert", "upsert"):
        answer = await client.post("/collections/c/bulk_items", json={"items": items, "method": method})
        (entry,) = answer.json()["errors"]
        assert (answer.status_code, entry["index"], entry["id"], told(entry)) == (422, 1, "bad", PLACES)
    assert await ids(client) == set()


async def test_of_a_stream_the_bad_items_are_refused_and_told(client: httpx.AsyncClient) -> None:
    body = b"\n".join(map(texts, [serving.item("c", "i"), bad_item("bad"), serving.item("c", "j")]))
    report = (await client.post(ITEMS, content=body, headers=LINES)).json()
    assert [report[name] for name in ("inserted", "refused")] == [2, 1]
    (entry,) = report["errors"]
    assert (entry["index"], entry["id"], told(entry)) == (1, "bad", PLACES)
    assert await ids(client) == {"i", "j"}


async def test_collections_are_checked_wherever_they_are_written(client: httpx.AsyncClient) -> None:
    places = {"/license", "/links/0/href"}
    several = [serving.collection("d"), bad_collection("e")]
    for body, index, name in (
        (bad_collection("d"), 0, "d"),
        (several, 1, "e"),
        ({"collections": several}, 1, "e"),
    ):
        answer = await client.post("/collections", json=body)
        (entry,) = answer.json()["errors"]
        assert (answer.status_code, entry["index"], entry["id"], told(entry)) == (422, index, name, places)
    before = (await client.get("/collections/c")).content
    for answer in (
        await client.put("/collections/c", json=bad_collection("c")),
        await client.patch("/collections/c", json={"license": "a b", "links": [{"rel": "via"}]}),
    ):
        (entry,) = answer.json()["errors"]
        assert (answer.status_code, entry["id"], told(entry)) == (422, "c", places)
    assert (await client.get("/collections/c")).content == before
    assert [each["id"] for each in (await client.get("/collections")).json()["collections"]] == ["c"]


async def test_what_the_path_and_the_server_add_need_not_be_sent(client: httpx.AsyncClient) -> None:
    item = serving.item("c", "i")
    short = {name: value for name, value in item.items() if name not in {"id", "collection", "links"}}
    assert (await client.post(ITEMS, json=short | {"id": "i"})).status_code == 201
    assert (
        await client.put(f"{ITEMS}/i", json=short | {"properties": item["properties"] | {"n": 1}})
    ).status_code == 200
    collection = serving.collection("c", title="t")
    del collection["id"], collection["links"]
    assert (await client.put("/collections/c", json=collection)).status_code == 200
    served = (await client.get(f"{ITEMS}/i")).json()
    assert (await client.put(f"{ITEMS}/i", json=served)).status_code == 200


async def test_numbers_that_machines_do_not_have_come_back_as_they_were(client: httpx.AsyncClient) -> None:
    body = texts(serving.item("c", "i", properties={"n": "N"})).replace(
        b'"N"', b"[1E400,-0,0.10," + b"9" * 5_000 + b"]"
    )
    made = await client.post(ITEMS, content=body, headers=JSON)
    assert made.status_code == 201
    assert b"[1E400,-0,0.10,999" in made.content


async def test_an_operator_may_check_envelopes_alone(catalog: str) -> None:
    serving.execute(catalog, "delete from items")
    async with writing(catalog, validate="off") as client:
        made = await client.post(ITEMS, json=bad_item("i"))
        assert (made.status_code, given(made)) == (201, bad_item("i"))
        refused = await client.post(ITEMS, json=bad_item("j") | {"assets": []})
        assert (refused.status_code, refused.json()["parameter"]) == (422, "assets")
        assert "errors" not in refused.json()


async def test_an_item_that_was_stored_unchecked_is_mended_by_a_patch(catalog: str) -> None:
    serving.execute(catalog, "delete from items")
    serving.store(catalog, [], [bad_item("i")])
    async with writing(catalog) as client:
        unmended = await client.patch(f"{ITEMS}/i", json={"title": "t"})
        assert (unmended.status_code, told(unmended.json()["errors"][0])) == (422, PLACES)
        mended = await client.patch(f"{ITEMS}/i", json={"properties": {"gsd": None}, "links": []})
        assert mended.status_code == 200
        assert (await client.delete(f"{ITEMS}/i")).status_code == 204


async def test_extensions_are_checked_by_schemas_of_the_operator(catalog: str, tmp_path: Path) -> None:
    serving.execute(catalog, "delete from items")
    schema = {"$id": ONE, "properties": {"properties": {"properties": {"one:share": {"maximum": 1}}}}}
    (tmp_path / "one.json").write_text(json.dumps(schema))
    item = serving.item("c", "i", stac_extensions=[ONE], properties={"one:share": 2})
    unknown = serving.item("c", "j", stac_extensions=["https://example.com/two.json"])
    async with writing(catalog, schemas=str(tmp_path)) as client:
        refused = await client.post(ITEMS, json=item)
        assert (refused.status_code, told(refused.json()["errors"][0])) == (422, {"/properties/one:share"})
        assert (await client.post(ITEMS, json=unknown)).status_code == 201
    async with writing(catalog, schemas=str(tmp_path), validate="strict") as client:
        refused = await client.post(ITEMS, json=unknown | {"id": "k"})
        assert (refused.status_code, told(refused.json()["errors"][0])) == (422, {"/stac_extensions/0"})
        fits = item | {"properties": item["properties"] | {"one:share": 1}}
        assert (await client.post(ITEMS, json=fits)).status_code == 201


def test_schemas_of_no_use_keep_a_server_that_checks_from_starting(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text("{")
    with pytest.raises(InvalidError, match=r"SATAPI_SCHEMAS: .*one\.json"):
        build_app(Settings(dsn="postgresql:///x", writes="open", schemas=str(tmp_path)))
    build_app(Settings(dsn="postgresql:///x", schemas=str(tmp_path)))


@pytest.mark.parametrize("depth", [60, 63, 64, 400, 10_000])
async def test_deep_documents_are_refused_or_stored_and_never_break_anything(
    client: httpx.AsyncClient, depth: int
) -> None:
    deep = b"[" * depth + b"]" * depth
    wrong = texts(bad_item("i", own="DEEP")).replace(b'"DEEP"', deep)
    right = texts(serving.item("c", "i", own="DEEP")).replace(b'"DEEP"', deep)
    is_allowed = depth < 64
    assert (await client.post(ITEMS, content=wrong, headers=JSON)).status_code == (422 if is_allowed else 413)
    assert (await client.post(ITEMS, content=right, headers=JSON)).status_code == (201 if is_allowed else 413)
    report = (await client.post(f"{ITEMS}?method=upsert", content=wrong + b"\n" + right, headers=LINES)).json()
    assert [report[name] for name in ("unchanged", "refused")] == ([1, 1] if is_allowed else [0, 2])
    schema = {"summaries": {"a": "DEEP"}}
    body = texts(serving.collection("d", **schema)).replace(b'"DEEP"', b'{"not":' * depth + b"{}" + b"}" * depth)
    assert (await client.post("/collections", content=body, headers=JSON)).status_code == (201 if depth < 62 else 413)

"""Queryables and sortables: schemas that hold for every item, that operators add to, and that parameters ask by."""

from __future__ import annotations

import asyncio
import json
import random
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import jsonschema_rs
import pytest
from writers import writing

import serving
from satapi.db import indexes
from satapi.db.pool import connect
from satapi.db.queryables import define, refresh
from satapi.settings import Settings
from satapi.stac.times import parse_instant

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

QUERYABLES = "http://www.opengis.net/def/rel/ogc/1.0/queryables"
SORTABLES = "http://www.opengis.net/def/rel/ogc/1.0/sortables"

ITEMS = [
    serving.item("a", "1", properties={"eo:cloud_cover": 10, "platform": "p1", "tags": ["x"], "ok": True, "n": 1}),
    serving.item("a", "2", properties={"eo:cloud_cover": 20.5, "platform": "p2", "made": "2020-01-01T00:00:00Z"}),
    serving.item("a", "3", properties={"made": "2021-01-01T00:00:00+01:00", "n": "one", "of": {"x": 1}}),
    serving.item("b", "1", properties={"platform": "q", "only:b": 5, "made": None}),
]


@pytest.fixture(scope="module")
def dsn(make_database: Callable[[], str]) -> str:
    found = make_database()
    serving.store(found, [serving.collection("a"), serving.collection("b")], ITEMS)
    return found


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving.in_process(Settings(dsn=dsn)) as client:
        yield client


async def properties(client: httpx.AsyncClient, path: str) -> dict[str, dict[str, object]]:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/schema+json"
    jsonschema_rs.meta.validate(answer.json())
    return answer.json()["properties"]


async def ids(client: httpx.AsyncClient, query: str, path: str = "/search") -> list[str]:
    answer = await client.get(f"{path}?sortby=collection,id&{query}")
    assert answer.status_code == 200, answer.text
    return [item["collection"] + item["id"] for item in answer.json()["features"]]


async def refused(client: httpx.AsyncClient, url: str) -> str:
    answer = await client.get(url)
    assert answer.status_code == 400, answer.text
    return answer.json()["description"]


async def test_types_values_and_bounds_are_those_of_the_items(client: httpx.AsyncClient) -> None:
    found = await properties(client, "/queryables")
    assert list(found)[:4] == ["id", "collection", "geometry", "datetime"]
    assert found["eo:cloud_cover"] == {
        "title": "Cloud cover",
        "description": "The share of the item that clouds cover, in percent.",
        "type": "number",
        "minimum": 10,
        "maximum": 20.5,
    }
    assert found["platform"] == {"title": "Platform", "type": "string", "enum": ["p1", "p2", "q"]}
    assert found["made"] == {
        "type": "string",
        "format": "date-time",
        "formatMinimum": "2020-01-01T00:00:00Z",
        "formatMaximum": "2020-12-31T23:00:00Z",
    }
    assert found["n"] == {"type": ["integer", "string"], "minimum": 1, "maximum": 1}
    assert found["tags"] == {"type": "array"}
    assert found["of"] == {"type": "object"}
    assert found["ok"] == {"type": "boolean"}
    assert found["datetime"]["formatMinimum"] == "2024-06-01T00:00:00Z"


async def test_a_collection_has_its_own(client: httpx.AsyncClient) -> None:
    found = await properties(client, "/collections/b/queryables")
    assert found["platform"]["enum"] == ["q"]
    assert found["only:b"] == {"type": "integer", "minimum": 5, "maximum": 5}
    assert "made" not in found
    assert "only:b" not in await properties(client, "/collections/a/queryables")


async def test_sortables_are_what_has_an_order(client: httpx.AsyncClient) -> None:
    for path in ("", "/collections/a"):
        found = await properties(client, f"{path}/sortables")
        assert found.keys() >= {"id", "collection", "datetime", "eo:cloud_cover", "platform", "made", "n", "ok"}
        assert found.keys().isdisjoint({"geometry", "tags", "of"})


@pytest.mark.parametrize("name", ["queryables", "sortables"])
async def test_documents_have_an_id_and_a_tag_and_unknown_collections_none(
    client: httpx.AsyncClient, name: str
) -> None:
    answer = await client.get(f"/collections/a/{name}")
    assert answer.json()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert answer.json()["$id"] == f"{serving.BASE}/collections/a/{name}"
    assert answer.json()["additionalProperties"] is True
    again = await client.get(f"/collections/a/{name}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert (await client.get(f"/collections/none/{name}")).status_code == 404


async def test_all_that_is_not_spatial_has_a_type(client: httpx.AsyncClient) -> None:
    for path in ("/queryables", "/collections/a/queryables", "/collections-queryables"):
        for name, schema in (await properties(client, path)).items():
            assert "$ref" not in schema
            assert ("type" in schema) == (name != "geometry"), name


async def test_collections_have_theirs(make_database: Callable[[], str]) -> None:
    dsn = make_database()
    serving.store(dsn, [serving.collection("a", summaries={"gsd": [1]}), serving.collection("b", version=2)])
    async with serving.in_process(Settings(dsn=dsn)) as client:
        found = await properties(client, "/collections-queryables")
        assert found.keys() >= {"id", "title", "keywords", "license", "geometry", "datetime", "extent"}
        assert (found["summaries"], found["version"]) == ({"type": "object"}, {"type": "integer"}) or found["version"][
            "type"
        ] == "number"
        assert found.keys().isdisjoint({"links", "assets", "collection"})
        assert (await properties(client, "/collections-sortables")).keys().isdisjoint({"geometry", "summaries"})
        serving.store(dsn, [serving.collection("c", flag=True)])
        assert (await properties(client, "/collections-queryables"))["flag"] == {"type": "boolean"}


async def test_where_nothing_else_may_be_asked_a_collection_is_asked_for_what_it_has(
    make_database: Callable[[], str],
) -> None:
    dsn = make_database()
    serving.store(dsn, [serving.collection("a"), serving.collection("b")], ITEMS)
    async with serving.in_process(Settings(dsn=dsn, unknown_properties="error")) as client:
        for path in ("/collections/b/items", "/search"):
            also = "" if path.startswith("/coll") else "&collections=b"
            assert (await client.get(f"{path}?filter=platform='q'{also}")).status_code == 200
            assert (await client.get(f"{path}?filter=made IS NULL{also}")).status_code == 400
            assert (await client.get(f"{path}?sortby=tags{also}")).status_code == 400
        aggregate = "/collections/b/aggregate?aggregations="
        assert (await client.get(aggregate + "platform_frequency")).status_code == 200
        assert (await client.get(aggregate + "made_frequency")).status_code == 400
        assert (await client.get("/collections?filter=license IS NOT NULL")).status_code == 200
        for asked in ("filter=nope=1", "sortby=nope"):
            assert (await client.get(f"/collections?{asked}")).status_code == 400


async def test_a_value_of_a_kind_that_is_new_is_found_at_once(make_database: Callable[[], str]) -> None:
    dsn = make_database()
    serving.store(dsn, [serving.collection("a")], [serving.item("a", "1", properties={"flag": "yes", "n": "x"})])
    async with serving.in_process(Settings(dsn=dsn)) as client:
        assert await ids(client, "flag=yes") == ["a1"]
        serving.store(dsn, items=[serving.item("a", "2", properties={"flag": True, "n": 5})])
        assert await ids(client, "flag=true") == ["a2"]
        assert await ids(client, "n=5") == ["a2"]


async def test_aggregations_take_properties_as_parameters(client: httpx.AsyncClient) -> None:
    answer = await client.get("/aggregate?aggregations=total_count&platform=p1")
    assert [found["value"] for found in answer.json()["aggregations"]] == [1]


async def test_links_lead_to_them(client: httpx.AsyncClient) -> None:
    listed = (await client.get("/collections")).json()
    pages = {
        "/": [(await client.get("/")).json()],
        "/collections-": [listed],
        "/collections/a/": [(await client.get("/collections/a")).json(), listed["collections"][0]],
    }
    for base, documents in pages.items():
        for document in documents:
            for relation, name in ((QUERYABLES, "queryables"), (SORTABLES, "sortables")):
                (link,) = [link for link in document["links"] if link["rel"] == relation]
                assert (link["href"], link["type"]) == (f"{serving.BASE}{base}{name}", "application/schema+json")


async def test_properties_are_parameters(client: httpx.AsyncClient) -> None:
    assert await ids(client, "platform=p1") == ["a1"]
    assert await ids(client, "platform=P1") == []
    assert await ids(client, "eo:cloud_cover=20.5") == ["a2"]
    assert await ids(client, "eo:cloud_cover=1e1&platform=p1") == ["a1"]
    assert await ids(client, "eo:cloud_cover=10&platform=p2") == []
    assert await ids(client, "ok=true") == ["a1"]
    assert await ids(client, "made=2020-12-31T23:00:00Z") == ["a3"]
    assert await ids(client, "n=1") == ["a1"]
    assert await ids(client, "n=one") == ["a3"]
    assert await ids(client, "id=1") == ["a1", "b1"]
    assert await ids(client, "updated=2020-01-01T00:00:00Z") == []
    assert await ids(client, "platform=p1", "/collections/a/items") == ["a1"]
    assert await ids(client, "platform=p1", "/items") == ["a1"]
    assert await ids(client, "platform=p1&filter=n=1") == ["a1"]
    assert await ids(client, "platform=p2&filter=n=1") == []


async def test_a_value_of_another_type_and_a_name_that_is_none_are_errors(client: httpx.AsyncClient) -> None:
    assert "allowed is a value of the type number" in await refused(client, "/search?eo:cloud_cover=low")
    assert "allowed is a value of the type boolean" in await refused(client, "/search?ok=1")
    assert "allowed is a time" in await refused(client, "/search?made=yesterday")
    for name in ("none", "tags", "geometry", "plaform"):
        assert "there is no such parameter here" in await refused(client, f"/search?{name}=x")


async def test_numbers_have_a_thousand_characters_at_most(client: httpx.AsyncClient) -> None:
    assert await ids(client, f"eo:cloud_cover={'1' * 1_000}") == []
    assert await ids(client, f"eo:cloud_cover=10.{'0' * 997}") == ["a1"]
    for length in (1_001, 4_301):
        assert "1,000 characters" in await refused(client, f"/search?eo:cloud_cover={'1' * length}")


async def test_links_of_pages_carry_the_parameters(client: httpx.AsyncClient) -> None:
    first = (await client.get("/search?platform=p1&limit=1&id=1")).json()
    assert "next" not in {link["rel"] for link in first["links"]}
    first = (await client.get("/search?datetime=2024-06-01T00:00:00Z&id=1&limit=1")).json()
    (following,) = [link["href"] for link in first["links"] if link["rel"] == "next"]
    assert parse_qs(urlsplit(following).query)["id"] == ["1"]
    second = (await client.get(following)).json()
    assert [item["collection"] for item in (*first["features"], *second["features"])] == ["a", "b"]


async def test_what_is_loaded_now_can_be_asked_now(make_database: Callable[[], str]) -> None:
    dsn = make_database()
    serving.store(dsn, [serving.collection("a")], ITEMS[:1])
    async with serving.in_process(Settings(dsn=dsn)) as client:
        assert await ids(client, "platform=p1") == ["a1"]
        # What the server knows is refused for only when it is older than a second.
        await asyncio.sleep(1.1)
        serving.store(dsn, [], [serving.item("a", "9", properties={"fresh": 1})])
        assert await ids(client, "fresh=1") == ["a9"]
        # A property that is known, with a value of a type that it had not.
        await asyncio.sleep(1.1)
        serving.store(dsn, [], [serving.item("a", "10", properties={"fresh": "good"})])
        assert await ids(client, "fresh=good") == ["a10"]


async def test_unknown_properties_are_errors_where_the_setting_says_so(dsn: str) -> None:
    async with serving.in_process(Settings(dsn=dsn, unknown_properties="error")) as client:
        for path in ("/queryables", "/sortables", "/collections/a/queryables"):
            assert (await client.get(path)).json()["additionalProperties"] is False
        said = await refused(client, "/search?filter=plaform='p1'")
        assert "plaform" in said
        assert "near it are platform" in said
        assert "gone" in await refused(client, "/search?sortby=gone")
        assert "gone" in await refused(client, '/search?query={"gone":{"eq":1}}')
        assert "gone" in await refused(client, "/search?gone=1")
        for query in ("filter=platform='p1'", "filter=properties.of.x=1", "sortby=made", 'query={"n":{"eq":1}}'):
            assert (await client.get(f"/search?{query}")).status_code == 200
    async with serving.in_process(Settings(dsn=dsn)) as client:
        assert (await client.get("/search?sortby=gone")).status_code == 200


async def test_definitions_stand_for_what_was_found_or_add_to_it(make_database: Callable[[], str]) -> None:
    dsn = make_database()
    serving.store(dsn, [serving.collection("a"), serving.collection("b")], ITEMS)
    connection = await connect(dsn, Settings())
    try:
        await define(connection, None, {"platform": {"title": "Craft"}, "eo:cloud_cover": {"type": "number"}})
        await define(connection, "a", {"of.x": {"type": "integer"}, "platform": {"type": "string", "title": "Own"}})
    finally:
        await connection.close()
    async with serving.in_process(Settings(dsn=dsn, unknown_properties="error")) as client:
        found = await properties(client, "/queryables")
        assert found["platform"] == {"title": "Craft", "type": "string", "enum": ["p1", "p2", "q"]}
        assert "minimum" not in found["eo:cloud_cover"]
        assert "of.x" not in found
        own = await properties(client, "/collections/a/queryables")
        assert own["of.x"] == {"type": "integer"}
        assert own["platform"] == {"title": "Own", "type": "string"}
        assert await ids(client, "of.x=1") == ["a3"]


async def test_a_definition_that_refers_to_a_schema_takes_nothing_away(make_database: Callable[[], str]) -> None:
    dsn = make_database()
    serving.store(dsn, [serving.collection("a"), serving.collection("b")], ITEMS)
    reference: dict[str, object] = {"$ref": "https://example.com/schema.json"}
    connection = await connect(dsn, Settings())
    try:
        await define(
            connection, None, {"platform": reference, "planned": reference, "geometry": {"title": "Footprint"}}
        )
    finally:
        await connection.close()
    async with serving.in_process(Settings(dsn=dsn)) as client:
        found = await properties(client, "/sortables")
        assert found["platform"] == {"title": "Platform", "type": "string", "enum": ["p1", "p2", "q"], **reference}
        assert found["planned"] == reference
        assert "geometry" not in found
        assert await ids(client, "platform=p1") == ["a1"]
        assert await ids(client, "planned=p1") == []


async def test_a_long_text_in_a_property_with_an_index_is_refused_until_the_index_is_dropped(database: str) -> None:
    text = "".join(map(str, random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=6_000)))
    serving.store(database, [serving.collection("a")])
    connection, beside = await connect(database, Settings()), await connect(database, Settings())
    try:
        async with writing(database) as client:
            await indexes.create(connection, beside, "note")
            answers = [
                await client.post("/collections/a/items", json=serving.item("a", name, properties={"note": note}))
                for name, note in (("long", text), ("short", text[:2_600]))
            ]
            await indexes.drop(connection, "note")
            document = serving.item("a", "long", properties={"note": text})
            answers.append(await client.post("/collections/a/items", json=document))
    finally:
        await connection.close()
        await beside.close()
    assert [answer.status_code for answer in answers] == [422, 201, 201]
    assert "index row" in answers[0].json()["description"]


def _value(chance: random.Random) -> object:
    return chance.choice(
        [
            chance.randrange(-5, 50),
            chance.random() * 10 ** chance.randrange(6),
            chance.choice("abc"),
            str(chance.random()),
            f"20{chance.randrange(10, 30)}-01-01T00:00:00Z",
            f"2020-01-01T00:00:00.{chance.randrange(10**6):06}+02:00",
            [1],
            {"a": 1},
            True,
            None,
        ]
    )


@pytest.mark.parametrize("seed", range(4))
async def test_after_any_loads_and_refreshes_the_schema_holds_for_every_item(database: str, seed: int) -> None:
    chance = random.Random(seed)
    serving.store(database, [serving.collection("a"), serving.collection("b")])
    stored: dict[tuple[str, str], dict[str, object]] = {}
    connection = await connect(database, Settings())
    try:
        for _ in range(6):
            items = [
                serving.item(
                    chance.choice("ab"),
                    str(chance.randrange(60)),
                    properties={name: _value(chance) for name in "xyz" if chance.random() < 0.3 + seed / 8},
                )
                for _ in range(chance.choice([1, 10, 60]))
            ]
            serving.store(database, [], items)
            stored |= {(item["collection"], item["id"]): item for item in items}
            if chance.random() < 0.3:
                await connection.execute("delete from items where id::integer % 7 = 0")
                stored = {key: item for key, item in stored.items() if int(key[1]) % 7}
            if chance.random() < 0.5:
                assert await refresh(connection, chance.choice([None, "a"])) <= len(stored)
            await _check(database, list(stored.values()))
    finally:
        await connection.close()


async def _check(dsn: str, items: list[dict[str, object]]) -> None:
    async with serving.in_process(Settings(dsn=dsn)) as client:
        for name in (None, "a", "b"):
            schema = (await client.get("/queryables" if name is None else f"/collections/{name}/queryables")).json()
            del schema["properties"]["geometry"]
            validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
            for item in items:
                if name in {None, item["collection"]}:
                    given = {key: value for key, value in item["properties"].items() if value is not None}
                    assert [error.message for error in validator.iter_errors(given)] == [], (name, json.dumps(given))
                    for key, value in given.items():
                        _within(schema["properties"][key], value)


def _within(schema: dict[str, object], value: object) -> None:
    if "formatMinimum" in schema and isinstance(value, str):
        assert parse_instant(schema["formatMinimum"]) <= parse_instant(value) <= parse_instant(schema["formatMaximum"])

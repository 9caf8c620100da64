"""Random searches of random collections: the API finds what plain Python finds, in its order, on all pages.

`ORACLE_SEARCHES=1000 pytest tests/http/test_collections_oracle.py` tries more searches than usual.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode

import catalogs
import expressions
import msgspec
import oracle
import pytest
import shapely
import shapely.geometry

import serving
from satapi.cql2 import render
from satapi.cql2.ast import Geometry, GeometryCollection, Interval, IsNull, Property, Temporal
from satapi.cql2.evaluate import evaluate
from satapi.errors import InvalidError
from satapi.settings import Settings
from satapi.stac.geometry import parse_bbox
from satapi.stac.times import format_instant, parse_instant

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

SEARCHES = int(os.environ.get("ORACLE_SEARCHES", "150"))
COLLECTIONS = 120

_BY_ID = [{"field": "id", "direction": "asc"}]
_ENDS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_NO_EXTENTS = (
    None,
    5,
    {},
    {"spatial": {"bbox": []}, "temporal": {"interval": [None]}},
    {"spatial": [1], "temporal": 2},
)


class Stored(NamedTuple):
    """Collections in a database; what the oracle reads of them looks like an item."""

    name: str
    dsn: str
    raws: dict[str, str]
    items: list[oracle.Document]


@pytest.fixture(scope="module", params=["as it comes", "by indexes"])
def stored(request: pytest.FixtureRequest, make_database: Callable[[], str]) -> Stored:
    dsn = make_database()
    random = Random(request.param)
    made = [
        _collection(random, raw, number) for number, raw in enumerate(expressions.catalog(random, COLLECTIONS).items)
    ]
    if request.param == "by indexes":
        name = dsn.rpartition("/")[2].partition("?")[0]
        for setting in ("enable_seqscan", "enable_sort"):
            serving.execute(dsn, f"alter database {name} set {setting} = off")
    serving.store(dsn, made)
    serving.execute(dsn, "analyze collections")
    documents = [oracle.parse(raw) for raw in made]
    raws = {document["id"]: oracle.verbatim(raw) for document, raw in zip(documents, made, strict=True)}
    return Stored(request.param, dsn, raws, [_as_item(document) for document in documents])


def _collection(random: Random, item: bytes, number: int) -> bytes:
    """A collection with the members of an item's properties, and some extent."""
    members = msgspec.json.decode(item, type=dict[str, msgspec.Raw])
    own = msgspec.json.decode(members["properties"], type=dict[str, msgspec.Raw])
    for name in ("datetime", "start_datetime", "end_datetime"):
        own.pop(name, None)
    identifier = f"{msgspec.json.decode(members['id'])} {number}"
    return msgspec.json.encode({**serving.collection(identifier, extent=_extent(random)), **own})


def _extent(random: Random) -> object:
    if random.random() < 0.1:
        return random.choice(_NO_EXTENTS)
    first, last = sorted(
        parse_instant(catalogs.window(random).replace("..", "").strip("/").split("/")[0]) for _ in "12"
    )
    interval = [None if random.random() < 0.2 else format_instant(each) for each in (first, last)]
    others = [[1, 2, 3, 4]] if random.random() < 0.2 else []
    return {"spatial": {"bbox": [catalogs.bbox(random), *others]}, "temporal": {"interval": [interval]}}


def _instant(random: Random) -> datetime:
    return parse_instant(catalogs.window(random).replace("..", "").strip("/").split("/")[0])


def _as_item(document: oracle.Document) -> oracle.Document:
    extent = document["extent"]
    geometry, ends = None, {}
    if isinstance(extent, dict) and extent.get("spatial") and extent["spatial"] != [1] and extent["spatial"]["bbox"]:
        parts = [shapely.from_wkb(part.wkb) for part in parse_bbox(extent["spatial"]["bbox"][0]).parts]
        shape = parts[0] if len(parts) == 1 else shapely.geometry.GeometryCollection(parts)
        if {part.geom_type for part in parts} == {"Polygon"} and len(parts) > 1:
            shape = shapely.MultiPolygon(parts)
        geometry = shapely.geometry.mapping(shape)
        names = ("start_datetime", "end_datetime")
        given = extent["temporal"]["interval"][0]
        ends = {name: each or format_instant(end) for name, each, end in zip(names, given, _ENDS, strict=True)}
    return {"id": document["id"], "collection": None, "geometry": geometry, "properties": {**document, **ends}}


def _meaning(value: object) -> object:
    """The tree for the oracle: a collection's datetime is an interval in temporal relations, else its start."""
    match value:
        case Geometry() | GeometryCollection():
            return value
        case Temporal(operator, left, right):
            ends = Interval(Property("start_datetime"), Property("end_datetime"))
            names = (Property("datetime"), Property("properties.datetime"))
            return Temporal(operator, *(ends if each in names else each for each in (left, right)))
        case IsNull(Property("datetime" | "properties.datetime")):
            return IsNull(Property("start_datetime"))
        case tuple():
            return tuple(map(_meaning, value))
        case msgspec.Struct():
            return type(value)(*(_meaning(getattr(value, field)) for field in value.__struct_fields__))
        case _:
            return value


async def test_every_search_finds_what_the_oracle_finds_on_all_of_its_pages(stored: Stored) -> None:
    some = 0
    async with serving.in_process(Settings(dsn=stored.dsn)) as client:
        for number in range(SEARCHES):
            random = Random(f"{stored.name} {number}")
            asked, expected = _search(random, stored.items)
            try:
                await _check(client, stored, asked, expected, random)
            except AssertionError as error:
                error.add_note(f"search {number}: {json.dumps(asked, ensure_ascii=False, default=str)}")
                raise
            some += 0 < len(expected) < COLLECTIONS
    # Most of them say something.
    assert some > SEARCHES / 3


def _search(random: Random, items: list[oracle.Document]) -> tuple[oracle.Document, list[str]]:
    """What to ask, and the ids to find."""
    asked = catalogs.search(random, items)
    asked = {name: value for name, value in asked.items() if name in {"bbox", "datetime", "query", "sortby"}}
    if random.random() < 0.5:
        asked.pop("query", None)
    # A column of items alone.
    asked["sortby"] = [entry for entry in asked.get("sortby", []) if entry["field"] != "collection"] or _BY_ID
    known = [item for item in items if "datetime" not in asked or "start_datetime" in item["properties"]]
    expected = [identifier for _, identifier in oracle.found(known, asked)]
    if random.random() < 0.6:
        node = expressions.Expressions(random).node(random.choice([0, 0, 1, 2]))
        matching = {item["id"] for item in items if evaluate(_meaning(node), item) is True}
        expected = [identifier for identifier in expected if identifier in matching]
        asked |= {"filter": render.to_json(node).decode(), "filter-lang": "cql2-json"}
        if random.random() < 0.5:
            try:
                asked |= {"filter": render.to_text(node), "filter-lang": "cql2-text"}
            except InvalidError:
                assert "\\" in asked["filter"]
    return asked, expected


async def _check(
    client: httpx.AsyncClient, stored: Stored, asked: oracle.Document, expected: list[str], random: Random
) -> None:
    limit = max(1, len(expected) // random.choice([1, 1, 2, 3, 5]) + random.choice([-1, 0, 1]))
    query = {name: _text(name, value) for name, value in asked.items()} | {"limit": str(limit)}
    pages = await _pages(client, stored, f"/collections?{urlencode(query, quote_via=quote)}", "next")
    assert [identifier for page in pages for identifier in page.ids] == expected
    assert [len(page.ids) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages) == 1 or pages[-1].ids
    assert {page.matched for page in pages} == {len(expected)}
    assert "prev" not in pages[0].links
    if len(pages) > 1:
        back = await _pages(client, stored, pages[-1].links["prev"], "prev")
        assert [each for page in reversed(back) for each in page.ids] == expected[: -len(pages[-1].ids)]
        again = await _page(client, stored, back[-1].links["next"])
        assert again.ids == expected[len(back[-1].ids) :][:limit]


class Page(NamedTuple):
    """What a page showed."""

    ids: list[str]
    links: dict[str, str]
    matched: int


async def _pages(client: httpx.AsyncClient, stored: Stored, href: str, rel: str) -> list[Page]:
    pages = [await _page(client, stored, href)]
    while rel in pages[-1].links:
        assert len(pages) <= COLLECTIONS
        pages.append(await _page(client, stored, pages[-1].links[rel]))
    return pages


async def _page(client: httpx.AsyncClient, stored: Stored, href: str) -> Page:
    response = await client.get(href)
    assert response.status_code == 200, response.text
    answer = response.json()
    ids = [collection["id"] for collection in answer["collections"]]
    assert answer["numberReturned"] == len(ids)
    raw = msgspec.json.decode(response.content, type=dict[str, msgspec.Raw])
    for identifier, content in zip(ids, msgspec.json.decode(raw["collections"], type=list[msgspec.Raw]), strict=True):
        assert oracle.verbatim(bytes(content)) == stored.raws[identifier]
    return Page(ids, {link["rel"]: link["href"] for link in answer["links"]}, answer["numberMatched"])


def _text(name: str, value: object) -> str:
    match name:
        case "query":
            return json.dumps(value)
        case "sortby":
            return ",".join(f"{'-' if entry['direction'] == 'desc' else '+'}{entry['field']}" for entry in value)
        case _:
            return ",".join(map(str, value)) if isinstance(value, list) else str(value)

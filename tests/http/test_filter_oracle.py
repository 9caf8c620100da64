"""Random CQL2 filters of random items: the API finds what evaluating the tree in plain Python finds.

`ORACLE_SEARCHES=5000 pytest tests/http/test_filter_oracle.py` tries more filters than usual.
"""

from __future__ import annotations

import json
import os
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

import expressions
import oracle
import pytest

import serving
from satapi.cql2 import render
from satapi.cql2.evaluate import evaluate
from satapi.errors import InvalidError
from satapi.query import plan
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from satapi.cql2.ast import Node

SEARCHES = int(os.environ.get("ORACLE_SEARCHES", "150"))
ITEMS = 300


class Variant(NamedTuple):
    """How a catalog is stored and how searches of it are planned."""

    name: str
    analyzed: bool = False
    settings: tuple[str, ...] = ()
    broad_ratio: float = plan.BROAD_RATIO
    sortby: str | None = None


VARIANTS = (
    Variant("as it comes"),
    Variant("by indexes", analyzed=True, settings=("enable_seqscan", "enable_sort"), broad_ratio=1e30),
    Variant("sorted by a value", analyzed=True, settings=("enable_seqscan",), sortby="-eo:cloud_cover"),
)


class Stored(NamedTuple):
    """A catalog in a database."""

    variant: Variant
    dsn: str
    items: list[oracle.Document]


@pytest.fixture(scope="module", params=VARIANTS, ids=lambda variant: variant.name.replace(" ", "-"))
def stored(request: pytest.FixtureRequest, make_database: Callable[[], str]) -> Stored:
    variant: Variant = request.param
    dsn = make_database()
    name = dsn.rpartition("/")[2].partition("?")[0]
    for setting in variant.settings:
        serving.execute(dsn, f"alter database {name} set {setting} = off")
    made = expressions.catalog(Random(variant.name), ITEMS)
    serving.store(dsn, made.collections, made.items)
    if variant.analyzed:
        serving.execute(dsn, "analyze items")
    return Stored(variant, dsn, [oracle.parse(raw) for raw in made.items])


@pytest.fixture(autouse=True)
def _planned(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "BROAD_RATIO", stored.variant.broad_ratio)


async def test_every_filter_finds_what_the_oracle_finds(stored: Stored) -> None:
    found = 0
    async with serving.in_process(Settings(dsn=stored.dsn)) as client:
        for number in range(SEARCHES):
            random = Random(f"{stored.variant.name} {number}")
            node = expressions.Expressions(random).node(random.choice([0, 0, 1, 2]))
            expected = {(item["collection"], item["id"]) for item in stored.items if evaluate(node, item) is True}
            try:
                assert await _found(client, random, node, stored.variant) == expected
            except AssertionError as error:
                error.add_note(f"filter {number}: {render.to_json(node).decode()}")
                raise
            found += bool(expected)
    # Most of them say something.
    assert found > SEARCHES / 4


async def _found(client: httpx.AsyncClient, random: Random, node: Node, variant: Variant) -> set[tuple[str, str]]:
    """What a search finds, by GET or POST, in text or JSON."""
    asked: oracle.Document = {"filter": render.to_json(node).decode(), "filter-lang": "cql2-json", "limit": 10_000}
    if random.random() < 0.5:
        try:
            asked |= {"filter": render.to_text(node), "filter-lang": "cql2-text"}
        except InvalidError:
            assert "\\" in asked["filter"]
    if variant.sortby:
        asked["sortby"] = variant.sortby
    if random.random() < 0.5:
        response = await client.get(f"/search?{urlencode(asked)}")
    else:
        if asked["filter-lang"] == "cql2-json":
            # An integer of any size, as it is.
            asked["filter"] = json.loads(asked["filter"])
        if variant.sortby:
            asked["sortby"] = [{"field": variant.sortby[1:], "direction": "desc"}]
        response = await client.post("/search", json=asked)
    assert response.status_code == 200, response.text
    return {(feature["collection"], feature["id"]) for feature in response.json()["features"]}

"""The commands about collections: what they list, choose and refresh, and what they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Ran


@pytest.fixture
def run(satapi: Callable[..., Ran], database: str) -> Callable[..., Ran]:
    """The command line on a database with three collections, one of which has two items."""
    items = [serving.item("a", name, properties={"platform": name}) for name in ("one", "two")]
    collections = [serving.collection("a", summaries={"platform": []}), serving.collection("b"), {"type": "Collection"}]
    collections[2]["id"] = "[c]"
    serving.store(database, collections, items)
    return lambda *arguments: satapi(*arguments, "--dsn", database)


def listed(run: Callable[..., Ran]) -> dict[str, dict[str, object]]:
    return {one["id"]: one for one in json.loads(run("collections", "list", "--json").out)}


def test_collections_are_listed_with_their_items_and_extents(run: Callable[..., Ran]) -> None:
    assert listed(run)["a"] == {
        "id": "a",
        "items": 2,
        "maintained": [],
        "bbox": [-180, -90, 180, 90],
        "interval": [None, None],
        "exact": None,
    }
    assert (listed(run)["[c]"]["bbox"], listed(run)["[c]"]["interval"]) == (None, None)
    assert run("collections", "maintain", "a").out == "1 collection has the extent and summaries of their items\n"
    table = [" ".join(line.split()) for line in run("collections", "list").out.splitlines()]
    assert "a 2 extent and summaries 10.0, 50.0, 10.0, 50.0 2024-06-01T00:00:00Z, 2024-06-01T00:00:00Z" in table
    assert "b 0 as given -180.0, -90.0, 180.0, 90.0 .., .." in table
    assert "[c] 0 as given" in table


def test_what_is_maintained_is_chosen_and_refreshed(run: Callable[..., Ran], database: str) -> None:
    assert run("collections", "maintain", "--all", "--extent").out == "3 collections have the extent of their items\n"
    assert listed(run)["a"]["maintained"] == ["extent"]
    assert run("collections", "maintain", "b", "--summaries").out == "1 collection has the summaries of their items\n"
    serving.execute(database, "delete from items where id = 'two'")
    assert listed(run)["a"]["exact"] is False
    assert run("collections", "refresh", "a").out == "1 maintained collection is exact\n"
    assert listed(run)["a"]["exact"] is True
    assert run("collections", "refresh").out == "3 maintained collections are exact\n"
    assert run("collections", "maintain", "a", "[c]", "--off").out == "2 collections have what was given\n"
    assert listed(run)["a"]["bbox"] == [-180, -90, 180, 90]
    refused = run("collections", "refresh", "a")
    assert refused.code == 1
    assert refused.err == (
        "satapi: The collection 'a' is as it was given; `satapi collections maintain` changes that\n"
    )
    assert run("collections", "maintain", "none").err == "satapi: There is no collection 'none'\n"
    assert (
        run("collections", "maintain", "--new").out == "New collections have the extent and summaries of their items\n"
    )
    serving.store(database, [serving.collection("d")])
    assert listed(run)["d"]["maintained"] == ["extent", "summaries"]


def test_an_export_has_what_was_given(run: Callable[..., Ran]) -> None:
    before = run("export", "collections", "-").out
    run("collections", "maintain", "--all")
    assert listed(run)["a"]["bbox"] == [10, 50, 10, 50]
    assert run("export", "collections", "-").out == before

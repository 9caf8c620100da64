"""Aggregations: their form, and what they answer of a few items."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from aggregates import answers, point

import serving
from satapi.query import measures
from satapi.settings import Settings
from serving import BASE, collection, in_process, item

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    import httpx

    Clients = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]

ROOT = Path(__file__).parents[2]


async def test_an_answer_is_an_aggregation_collection(client_of: Clients) -> None:
    async with client_of() as client:
        asked = {"aggregations": "total_count,datetime_max,datetime_frequency,cloud_cover_frequency", "ids": "1,2,3"}
        url = f"/collections/a/aggregate?{urlencode(asked)}"
        response = await client.get(url)
        posted = await client.post(
            "/collections/a/aggregate", json={name: value.split(",") for name, value in asked.items()}
        )
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    document = response.json()
    assert document == {
        "type": "AggregationCollection",
        "aggregations": [
            {"name": "total_count", "data_type": "numeric", "value": 3},
            {"name": "datetime_max", "data_type": "datetime", "value": "2020-02-01T00:00:00Z"},
            {
                "name": "datetime_frequency",
                "data_type": "interval_month",
                "buckets": [
                    {"key": "2020-01-01T00:00:00Z", "data_type": "datetime", "frequency": 2},
                    {"key": "2020-02-01T00:00:00Z", "data_type": "datetime", "frequency": 1},
                ],
                "overflow": 0,
            },
            {
                "name": "cloud_cover_frequency",
                "data_type": "numeric",
                "buckets": [
                    {"key": "*-5.0", "data_type": "numeric", "frequency": 1, "to": 5},
                    {"key": "5.0-15.0", "data_type": "numeric", "frequency": 1, "from": 5, "to": 15},
                    {"key": "15.0-40.0", "data_type": "numeric", "frequency": 0, "from": 15, "to": 40},
                    {"key": "40.0-*", "data_type": "numeric", "frequency": 0, "from": 40},
                ],
                "overflow": 1,
            },
        ],
        "links": [
            {"rel": "self", "href": BASE + url, "type": "application/json"},
            {"rel": "root", "href": f"{BASE}/", "type": "application/json"},
            {"rel": "collection", "href": f"{BASE}/collections/a", "type": "application/json"},
        ],
    }
    assert posted.json()["aggregations"] == document["aggregations"]


async def test_only_what_is_asked_for_is_answered_each_once_in_its_order(
    client_of: Clients,
) -> None:
    async with client_of() as client:
        assert (await client.get("/aggregate")).json()["aggregations"] == []
        found = await answers(client, "datetime_min", "total_count", "datetime_min", "properties.gsd_count")
        assert list(found) == ["datetime_min", "total_count", "properties.gsd_count"]


async def test_a_collection_is_aggregated_alone_and_must_exist(client_of: Clients) -> None:
    async with client_of() as client:
        path = "/collections/b/aggregate"
        names = ("total_count", "collection_frequency", "datetime_min")
        found = await answers(client, *names, path=path)
        assert found == {
            "total_count": 2,
            "collection_frequency": {"b": 2, None: 0},
            "datetime_min": "2021-01-01T00:00:00Z",
        }
        assert await answers(client, *names, path="/collections/empty/aggregate") == {
            "total_count": 0,
            "collection_frequency": {None: 0},
            "datetime_min": None,
        }
        for unknown in ("aggregate?aggregations=total_count", "aggregations"):
            assert (await client.get(f"/collections/nothing/{unknown}")).status_code == 404


async def test_values_of_any_type_are_counted_and_numbers_alone_are_calculated_with(
    client_of: Clients,
) -> None:
    async with client_of() as client:
        found = await answers(client, "eo:cloud_cover_stats", "eo:cloud_cover_frequency", "instruments_frequency")
    assert found == {
        "eo:cloud_cover_count": 4,
        "eo:cloud_cover_missing": 2,
        "eo:cloud_cover_min": 4,
        "eo:cloud_cover_max": 99.5,
        "eo:cloud_cover_avg": pytest.approx(108.5 / 3),
        "eo:cloud_cover_sum": 108.5,
        "eo:cloud_cover_frequency": {"4": 1, "40": 1, "5": 1, "99.5": 1, None: 2},
        "instruments_frequency": {"y": 2, "x": 1, "1": 1, "true": 1, None: 4},
    }


async def test_numbers_of_any_size_are_no_failure(database: str) -> None:
    big, small = "1" + "0" * 999, "1e-999"
    texts = [big, small, "9" * 2_000, "1e131071", "-9e131071", "-0.0", "1e-16000"]
    documents = [
        json.dumps(item("a", str(number), properties={"n": "HERE"})).replace('"HERE"', text).encode()
        for number, text in enumerate(texts)
    ]
    serving.store(database, [collection("a")], documents)
    async with in_process(Settings(dsn=database)) as client:
        found = await answers(client, "n_stats", "n_frequency")
    assert (found["n_count"], found["n_max"]) == (7, int(big))
    assert found["n_min"] == 0
    assert found["n_frequency"][big] == 1
    assert found["n_frequency"][None] >= 3


async def test_cells_are_keyed_as_their_grids_do(client_of: Clients) -> None:
    async with client_of() as client:
        found = await answers(
            client,
            *(name for name in measures.GRIDS if not name.startswith("grid_")),
            centroid_geohash_grid_frequency_precision=3,
            centroid_geotile_grid_frequency_precision=2,
            centroid_geohex_grid_frequency_precision=1,
            geometry_geohash_grid_frequency_precision=3,
            geometry_geotile_grid_frequency_precision=6,
            geometry_geohex_grid_frequency_precision=1,
            collections=["a"],
        )
    # The first item is at 1 1, the second at -1 1, the third from 1 1 to 4 4, and the last one nowhere.
    assert found["centroid_geohash_grid_frequency"] == {"s00": 1, "ebp": 1, "s03": 1, None: 1}
    assert found["centroid_geotile_grid_frequency"] == {"2/2/1": 2, "2/1/1": 1, None: 1}
    assert found["geometry_geohash_grid_frequency"] == {
        **dict.fromkeys(("s01", "s02", "s03", "s04", "s06", "s08", "s09", "s0d"), 1),
        "s00": 2,
        "ebp": 1,
        None: 1,
    }
    assert found["geometry_geotile_grid_frequency"] == {"6/32/31": 2, "6/31/31": 1, None: 1}
    assert found["centroid_geohex_grid_frequency"][None] == found["geometry_geohex_grid_frequency"][None] == 1
    assert sum(found["centroid_geohex_grid_frequency"].values()) == 4


async def test_the_older_names_of_grids_are_those_of_centroids(client_of: Clients) -> None:
    async with client_of() as client:
        for cells in measures.PRECISIONS:
            old, new = f"grid_{cells}_frequency", f"centroid_{cells}_grid_frequency"
            found = await answers(client, old, new, **{f"{old}_precision": 4, f"{new}_precision": 4})
            assert found[old] == found[new]


async def test_what_may_be_asked_for_is_listed_and_can_be(client_of: Clients) -> None:
    async with client_of() as client:
        for path in ("", "/collections/a"):
            listed = (await client.get(f"{path}/aggregations")).json()
            assert listed["links"][0] == {
                "rel": "self",
                "href": f"{BASE}{path}/aggregations",
                "type": "application/json",
            }
            for each in listed["aggregations"]:
                name = each["name"].replace("{property}", "eo:cloud_cover")
                (found, *_) = (await client.get(f"{path}/aggregate?aggregations={name}")).json()["aggregations"]
                if not name.endswith("_stats"):
                    assert (found["name"], found["data_type"]) == (name, each["data_type"])


async def test_the_landing_page_and_collections_lead_there(client_of: Clients) -> None:
    async with client_of() as client:
        for path, prefix in (("/", ""), ("/collections/a", "/collections/a")):
            links = (await client.get(path)).json()["links"]
            found = [(link["rel"], link["href"], link.get("method")) for link in links if "aggr" in link["rel"]]
            assert found == [
                ("aggregate", f"{BASE}{prefix}/aggregate", "GET"),
                ("aggregate", f"{BASE}{prefix}/aggregate", "POST"),
                ("aggregations", f"{BASE}{prefix}/aggregations", None),
            ]
        classes = (await client.get("/conformance")).json()["conformsTo"]
    base = "https://api.stacspec.org/v0.3.0/aggregation"
    assert {base, f"{base}#query", f"{base}#filter"} <= set(classes)


async def test_items_that_reach_further_than_any_before_are_counted_at_once(database: str) -> None:
    serving.store(database, [collection("a")], [item("a", "1", properties={"datetime": "2020-01-01T00:00:00Z"})])
    async with in_process(Settings(dsn=database)) as client:
        window = {"datetime": "2020-01-01T00:00:00Z/2020-02-01T00:00:00Z"}
        assert await answers(client, "total_count", **window) == {"total_count": 1}
        long = {"start_datetime": "2019-01-01T00:00:00Z", "end_datetime": "2021-01-01T00:00:00Z"}
        serving.store(database, (), [item("a", "2", properties={"datetime": "2019-02-02T00:00:00Z", **long})])
        found = await answers(client, "total_count", "datetime_min", **window)
    assert found == {"total_count": 2, "datetime_min": "2019-02-02T00:00:00Z"}


async def test_a_restriction_of_every_kind_holds(client_of: Clients) -> None:
    async with client_of() as client:
        for asked, expected in (
            ({"bbox": [0, 0, 2, 2]}, 2),
            ({"intersects": point(-1, 1)}, 1),
            ({"datetime": "2020-01-31T00:00:00Z/2020-02-01T00:00:00Z"}, 2),
            ({"ids": ["1"]}, 2),
            ({"ids": ["1"], "collections": ["b"]}, 1),
            ({"query": {"eo:cloud_cover": {"lt": 5}}}, 1),
            ({"filter": "eo:cloud_cover >= 5", "filter-lang": "cql2-text"}, 2),
            ({"filter": {"op": "isNull", "args": [{"property": "eo:cloud_cover"}]}}, 2),
        ):
            found = await answers(client, "total_count", "id_count", **asked)
            assert found == {"total_count": expected, "id_count": expected}, asked


async def test_the_examples_of_the_documentation_are_answered(client: httpx.AsyncClient) -> None:
    page = (ROOT / "docs" / "aggregating.md").read_text()
    examples = re.findall(r"^    (GET|POST) (\S+) ?(.*)$", page, re.MULTILINE)
    assert len(examples) > 5
    for method, path, rest in examples:
        if method == "GET":
            # The examples have spaces for people.
            response = await client.get(f"{path} {rest}".strip())
        else:
            response = await client.post(path, content=rest)
        assert response.status_code == 200, (path, response.text)
        assert all("value" in each or each["buckets"] for each in response.json()["aggregations"]), path

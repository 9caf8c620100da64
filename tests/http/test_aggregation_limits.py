"""Aggregations: their limits, and what is said of those that are not allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aggregates import answers

from satapi.db.pool import connect
from satapi.query.measures import RANGES
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    import httpx

    Clients = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


async def test_buckets_are_so_many_and_the_items_in_no_bucket_are_the_overflow(
    client_of: Clients,
) -> None:
    async with client_of(buckets_max=1) as client:
        found = await answers(
            client,
            "collection_frequency",
            "datetime_frequency",
            "instruments_frequency",
            "centroid_geohash_grid_frequency",
            "geometry_geotile_grid_frequency",
            "centroid_geohex_grid_frequency",
            "geometry_geohex_grid_frequency",
            centroid_geohash_grid_frequency_precision=1,
            geometry_geotile_grid_frequency_precision=7,
        )
    assert found["collection_frequency"] == {"a": 4, None: 2}
    assert found["datetime_frequency"] == {"2020-01-01T00:00:00Z": 2, None: 4}
    assert found["instruments_frequency"] == {"y": 2, None: 4}
    assert found["centroid_geohash_grid_frequency"] == {"s": 2, None: 4}
    # The third item is in that tile too.
    assert found["geometry_geotile_grid_frequency"] == {"7/64/63": 2, None: 4}
    for place in ("centroid", "geometry"):
        hexagons = found[f"{place}_geohex_grid_frequency"]
        assert sum(hexagons.values()) == 6


async def test_a_footprint_of_too_many_cells_is_in_none(client_of: Clients) -> None:
    names = {
        "geometry_geohash_grid_frequency": 4,
        "geometry_geotile_grid_frequency": 9,
        "geometry_geohex_grid_frequency": 5,
    }
    precisions = {f"{name}_precision": precision for name, precision in names.items()}
    for cells_max, overflow in ((1_000, 0), (10, 1)):
        async with client_of(footprint_cells_max=cells_max) as client:
            found = await answers(client, *names, ids=["3"], **precisions)
        assert {name: buckets[None] for name, buckets in found.items()} == dict.fromkeys(names, overflow)


async def test_hexagons_are_worked_out_of_so_many_items(client_of: Clients) -> None:
    async with client_of(geohex_centroids_max=6, geohex_footprints_max=5) as client:
        assert await answers(client, "centroid_geohex_grid_frequency")
        response = await client.get("/aggregate?aggregations=geometry_geohex_grid_frequency")
    assert response.status_code == 413
    assert response.json()["parameter"] == "aggregations"
    assert "at most 5 items" in response.json()["allowed"]
    async with client_of(geohex_centroids_max=5) as client:
        response = await client.get("/aggregate?aggregations=centroid_geohex_grid_frequency")
        assert response.status_code == 413


async def test_the_footprints_of_hexagons_have_so_many_cells_together(client_of: Clients) -> None:
    asked = "/aggregate?aggregations=geometry_geohex_grid_frequency&geometry_geohex_grid_frequency_precision=3"
    async with client_of(geohex_cells_max=1) as client:
        response = await client.get(asked)
    assert response.status_code == 413
    assert "at most 1 cells of footprints" in response.json()["allowed"]


@pytest.mark.parametrize(
    ("asked", "parameter", "allowed"),
    [
        ({"aggregations": "nonsense"}, "aggregations", "total_count"),
        ({"aggregations": "_frequency"}, "aggregations", "any property with"),
        ({"aggregations": "total_count,x_median"}, "aggregations", "_frequency"),
        ({"aggregations": "datetime_avg"}, "aggregations", "count, missing, min, max and frequency"),
        ({"aggregations": "collection_min"}, "aggregations", "count, missing and frequency"),
        ({"aggregations": "geometry_frequency"}, "aggregations", "members of properties"),
        ({"aggregations": "assets_count"}, "aggregations", "members of properties"),
        ({"datetime_frequency_interval": "fortnight"}, "datetime_frequency_interval", "quarter, month"),
        (
            {"centroid_geohash_grid_frequency_precision": "13"},
            "centroid_geohash_grid_frequency_precision",
            "from 1 to 12",
        ),
        ({"grid_geotile_frequency_precision": "-1"}, "grid_geotile_frequency_precision", "from 0 to 29"),
        (
            {"geometry_geohex_grid_frequency_precision": "x"},
            "geometry_geohex_grid_frequency_precision",
            "whole numbers",
        ),
        ({"limit": "10"}, "limit", "aggregations"),
        ({"bbox": "1,2,3"}, "bbox", "4 numbers"),
        ({"filter": "a +"}, "filter", ""),
    ],
)
async def test_what_is_not_allowed_is_named_with_what_is(
    client_of: Clients, asked: dict[str, str], parameter: str, allowed: str
) -> None:
    async with client_of() as client:
        response = await client.get("/aggregate", params=asked)
    assert response.status_code == 400
    problem = response.json()
    assert problem["parameter"] == parameter
    assert allowed in problem["allowed"]


async def test_what_is_offered_is_answered_also_where_no_item_has_the_property(client_of: Clients) -> None:
    async with client_of(unknown_properties="error") as client:
        for name in RANGES:
            response = await client.get(f"/aggregate?aggregations={name}")
            assert response.status_code == 200, response.text
        assert (await client.get("/aggregate?aggregations=view:off_nadir_frequency")).status_code == 400


async def test_so_many_aggregations_may_be_asked_for(client_of: Clients) -> None:
    async with client_of(aggregations_max=2) as client:
        assert (await client.get("/aggregate?aggregations=total_count,datetime_min,datetime_max")).status_code == 413


async def test_an_aggregation_that_takes_too_long_says_what_would_help(client_of: Clients, few: str) -> None:
    holder = await connect(few, Settings())
    async with client_of(statement_timeout_s=0.2) as client, holder.transaction():
        await holder.execute("lock table items in access exclusive mode")
        response = await client.get("/aggregate?aggregations=cloud_cover_frequency")
    await holder.close()
    assert response.status_code == 504
    assert "fewer aggregations" in response.json()["description"]

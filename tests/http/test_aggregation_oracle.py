"""Random aggregations of random searches: the API answers what the oracle answers, from counts and from items.

`ORACLE_SEARCHES=1000 pytest tests/http/test_aggregation_oracle.py` tries more of them than usual.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode

import aggregates
import catalogs
import oracle
import pytest

import serving
from satapi.query.measures import INTERVALS
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

SEARCHES = int(os.environ.get("ORACLE_SEARCHES", "60"))
ITEMS = 300

PLAIN = ("total_count", "datetime_min", "datetime_max", "collection_frequency", "datetime_frequency")
# The finest precision that the oracle is quick at.
GRIDS = {
    "centroid_geohash_grid_frequency": (1, 2),
    "centroid_geotile_grid_frequency": (0, 5),
    "centroid_geohex_grid_frequency": (0, 6),
    "geometry_geohash_grid_frequency": (1, 2),
    "geometry_geotile_grid_frequency": (0, 4),
}
OTHERS = (
    "cloud_cover_frequency",
    "sun_azimuth_frequency",
    "id_frequency",
    "created_frequency",
    "start_datetime_frequency",
    "created_min",
    "end_datetime_max",
    "updated_missing",
    "collection_count",
    *(
        f"{name}_{suffix}"
        for name in ("eo:cloud_cover", "number", "mixed", "text", "flag", "list", "nested", "nested.a", "nothing")
        for suffix in ("frequency", "count", "missing", "min", "max", "sum", "avg")
    ),
)


class Stored(NamedTuple):
    """A catalog in a database."""

    dsn: str
    items: list[oracle.Document]


@pytest.fixture(scope="module", params=[False, True], ids=["shared", "partitions"])
def stored(request: pytest.FixtureRequest, make_database: Callable[[], str]) -> Stored:
    dsn = make_database()
    if request.param:
        serving.execute(dsn, "create table items_long partition of items for values in ('long', 'a')")
    made = catalogs.catalog(Random(f"aggregation {request.param}"), ITEMS)
    serving.store(dsn, made.collections, made.items)
    serving.execute(dsn, "select fold_item_changes()")
    # Some are changed since they were added up.
    serving.store(dsn, (), made.items[:50])
    serving.execute(dsn, "delete from items where id in (select id from items order by id limit 30)", "analyze items")
    gone = sorted({oracle.parse(raw)["id"] for raw in made.items}, key=str.encode)
    return Stored(dsn, list(map(oracle.parse, made.items)) if not gone else _left(dsn, made.items))


def _left(dsn: str, raws: list[bytes]) -> list[oracle.Document]:
    left: set[tuple[str, str]] = set()

    async def read() -> None:
        async with serving.in_process(Settings(dsn=dsn)) as client:
            for feature in (await client.get("/search?limit=1000")).json()["features"]:
                left.add((feature["collection"], feature["id"]))

    serving.run_apart(read())
    return [item for item in map(oracle.parse, raws) if (item["collection"], item["id"]) in left]


async def test_every_aggregation_answers_what_the_oracle_answers(stored: Stored) -> None:
    async with serving.in_process(Settings(dsn=stored.dsn)) as client:
        for number in range(SEARCHES):
            random = Random(number)
            asked = _asked(random, stored.items)
            try:
                await _check(client, stored, asked, by_get=random.random() < 0.5)
            except AssertionError as error:
                error.add_note(f"{number}: {json.dumps(asked, ensure_ascii=False, default=str)}")
                raise


def _asked(random: Random, items: list[oracle.Document]) -> oracle.Document:
    asked = catalogs.search(random, items) if random.random() < 0.7 else {}
    if not asked and random.random() < 0.5:
        asked = {"collections": random.sample(["a", "B", "long", "empty", "unknown"], random.choice([1, 2]))}
    asked.pop("sortby", None)
    names = random.sample(PLAIN, random.randrange(4)) + random.sample(OTHERS, random.randrange(4))
    for name in random.sample(sorted(GRIDS), random.choice([0, 0, 1, 2])):
        names.append(name)
        if random.random() < 0.8:
            asked[f"{name}_precision"] = random.randint(*GRIDS[name])
    random.shuffle(names)
    asked["aggregations"] = names or ["total_count"]
    if random.random() < 0.7:
        asked["datetime_frequency_interval"] = random.choice(INTERVALS)
    return asked


async def _check(client: httpx.AsyncClient, stored: Stored, asked: oracle.Document, *, by_get: bool) -> None:
    if by_get:
        url = "/aggregate?" + urlencode({name: _text(name, value) for name, value in asked.items()}, quote_via=quote)
        response = await client.get(url)
    else:
        response = await client.post("/aggregate", json=asked)
    assert response.status_code == 200, response.text
    answers = {each["name"]: each for each in json.loads(response.text, parse_float=Decimal)["aggregations"]}
    assert list(answers) == asked["aggregations"]
    keys = set(oracle.found(stored.items, asked))
    items = [item for item in stored.items if (item["collection"], item["id"]) in keys]
    for name, found in answers.items():
        precision = asked.get(f"{name}_precision", GRIDS.get(name, (0,))[0])
        interval = asked.get("datetime_frequency_interval", "month")
        _compare(found, aggregates.answer(name, items, interval=interval, precision=precision))


def _compare(found: oracle.Document, expected: object) -> None:
    name = found["name"]
    if not isinstance(expected, Counter):
        if name.endswith("_avg") and expected is not None:
            assert math.isclose(found["value"], expected, rel_tol=1e-15), name
        else:
            assert found["value"] == expected, name
        return
    assert found["overflow"] == expected.pop(None, 0), name
    buckets = found["buckets"]
    assert {(each["data_type"], each["key"]): each["frequency"] for each in buckets if each["frequency"]} == expected, (
        name
    )
    if name in {"cloud_cover_frequency", "sun_azimuth_frequency"} or found["data_type"].startswith("interval"):
        return
    ranks = [(-each["frequency"], each["key"].encode()) for each in buckets]
    assert ranks == sorted(ranks)


def _text(name: str, value: object) -> str:
    match name:
        case "query" | "intersects":
            return json.dumps(value)
        case _:
            return ",".join(map(str, value)) if isinstance(value, list) else str(value)

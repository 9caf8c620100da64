"""Each kind of search as SQL text, parameters, and the nodes and indexes of PostgreSQL's plan.

`REGENERATE=1 pytest tests/golden` writes the files anew; a change to them is reviewed like code.
"""

from __future__ import annotations

import asyncio
import json
import os
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

import serving
from satapi.cql2.ast import Comparison, InList, Literal, Property, Temporal
from satapi.cql2.ast import Interval as CqlInterval
from satapi.db import indexes
from satapi.db.pool import connect
from satapi.query import select
from satapi.query.conditions import Spans
from satapi.query.inventory import ITEMS
from satapi.settings import Settings
from satapi.stac.freetext import Not, Words
from satapi.stac.geometry import parse_bbox, parse_geometry
from satapi.stac.search import Position, PropertyTest, Search, SortKey
from satapi.stac.times import parse_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

    from satapi.query.inventory import Inventory

FOLDER = Path(__file__).parent / "plans"

# As many rows as an analyze samples, so that the statistics are the same each time.
_FILL = """
insert into items (collection, id, geometry, datetime, properties, content, words)
select
    'c' || (number % 3), 'item-' || number,
    st_makeenvelope(
        (number * 7) % 359 - 180, (number * 13) % 179 - 90, (number * 7) % 359 - 179, (number * 13) % 179 - 89, 4326
    ),
    timestamptz '2020-01-01' + number * interval '1 hour',
    jsonb_build_object('eo:cloud_cover', (number * 31) % 100, 'platform', 'p' || (number % 5)),
    '{"links":[]}',
    to_tsvector('simple', 'p' || (number % 5) || case when number % 10000 = 7 then ' rare' else '' end)
from generate_series(1, 30000) as number
"""

_SMALL, _BROAD = parse_bbox([10, 10, 11, 11]), parse_bbox([-170, -80, 170, 80])
_CROSSING = parse_bbox([179, 10, -179, 11])
_TRIANGLE = parse_geometry(b'{"type":"Polygon","coordinates":[[[0,0],[5,0],[0,5],[0,0]]]}', points_max=10)
_QUARTER = parse_interval("2021-01-01T00:00:00Z/2021-04-01T00:00:00Z")
_CLEAR = (PropertyTest("eo:cloud_cover", "lt", 10),)
_PLATFORM = (PropertyTest("platform", "eq", "p1"),)
_MONTH = Temporal(
    "t_intersects",
    Property("datetime"),
    CqlInterval(Literal(datetime(2021, 1, 1, tzinfo=UTC)), Literal(datetime(2021, 2, 1, tzinfo=UTC))),
)
_ONE_OF = InList(Property("platform"), (Literal("p1"), Literal("p2"), Literal(3)))
_TIME = "2021-06-01T00:00:00Z"

RARE, COMMON = Words(("rare",)), Words(("p1",))

SEARCHES = {
    "newest": Search(limit=10),
    "newest-backward": Search(limit=10, position=Position((_TIME,), "c1", "item-5", backward=True)),
    "newest-after": Search(limit=10, position=Position((_TIME,), "c1", "item-5")),
    "oldest": Search(limit=10, sortby=(SortKey("datetime"),)),
    "window": Search(limit=10, window=_QUARTER),
    "window-open": Search(limit=10, window=parse_interval("2021-01-01T00:00:00Z/..")),
    "one-collection": Search(limit=10, collections=("c1",)),
    "one-collection-after": Search(limit=10, collections=("c1",), position=Position((_TIME,), "c1", "item-5")),
    "one-collection-window": Search(limit=10, collections=("c1",), window=_QUARTER),
    "few-collections": Search(limit=10, collections=("c1", "c2")),
    "many-collections": Search(limit=10_000, collections=("c1", "c2")),
    "narrow-area": Search(limit=10, area=_SMALL),
    "broad-area": Search(limit=10, area=_BROAD),
    "world": Search(limit=10, area=parse_bbox([-180, -90, 180, 90])),
    "area-across-antimeridian": Search(limit=10, area=_CROSSING),
    "polygon-window": Search(limit=10, area=_TRIANGLE, window=_QUARTER),
    "area-after": Search(limit=10, area=_SMALL, position=Position((_TIME,), "c1", "item-5")),
    "area-oldest": Search(limit=10, area=_SMALL, sortby=(SortKey("datetime"),)),
    "area-collection-clear": Search(limit=10, area=_SMALL, collections=("c1",), tests=_CLEAR),
    "clear": Search(limit=10, tests=_CLEAR),
    "platform": Search(limit=10, tests=_PLATFORM),
    "clearest": Search(limit=10, sortby=(SortKey("eo:cloud_cover"),)),
    "cloudiest": Search(limit=10, sortby=(SortKey("eo:cloud_cover", descending=True),)),
    "clearest-after": Search(limit=10, sortby=(SortKey("eo:cloud_cover"),), position=Position(("5",), "c1", "item-5")),
    "by-platform-and-time": Search(limit=10, sortby=(SortKey("platform"), SortKey("datetime", descending=True))),
    "by-id": Search(limit=10, sortby=(SortKey("id"),)),
    "filter-month": Search(limit=10, area=_SMALL, filter=_MONTH),
    "filter-one-of": Search(limit=10, filter=_ONE_OF),
    "rare-word": Search(limit=10, text=RARE),
    "rare-word-after": Search(limit=10, text=RARE, position=Position((_TIME,), "c1", "item-5")),
    "common-word": Search(limit=10, text=COMMON),
    "rare-word-collection-window": Search(limit=10, text=RARE, collections=("c1",), window=_QUARTER),
    "rare-word-area": Search(limit=10, text=RARE, area=_SMALL),
    "rare-word-clearest": Search(limit=10, text=RARE, sortby=(SortKey("eo:cloud_cover"),)),
    "common-word-area": Search(limit=10, text=COMMON, area=_SMALL),
    "word-missing": Search(limit=10, text=Not(RARE)),
    "ids": Search(limit=10, ids=("item-1", "item-2")),
}

_EQUAL = Comparison("=", Property("platform"), Literal("p1"))
_LISTED = InList(Property("platform"), (Literal("p1"), Literal("none")))

# Those that the indexes of a property are for.
INDEXED = {
    "equal": Search(limit=10, filter=_EQUAL),
    "equal-after": Search(limit=10, filter=_EQUAL, position=Position((_TIME,), "c1", "item-5")),
    "equal-collection": Search(limit=10, filter=_EQUAL, collections=("c1",)),
    "equal-narrow-area": Search(limit=10, filter=_EQUAL, area=_SMALL),
    "equal-broad-area": Search(limit=10, filter=_EQUAL, area=_BROAD),
    "rare": Search(limit=10, filter=Comparison("=", Property("platform"), Literal("none"))),
    "rare-narrow-area": Search(limit=10, filter=Comparison("=", Property("platform"), Literal("none")), area=_SMALL),
    "listed": Search(limit=10, filter=_LISTED),
    "range": Search(limit=10, filter=Comparison(">", Property("platform"), Literal("p4"))),
    "sorted": Search(limit=10, sortby=(SortKey("platform", descending=True),)),
    "sorted-after": Search(
        limit=10, sortby=(SortKey("platform", descending=True),), position=Position(('"p1"',), "c1", "item-5")
    ),
    "sorted-missing-backward": Search(
        limit=10, sortby=(SortKey("platform"),), position=Position((None,), "c1", "item-5", backward=True)
    ),
}


@pytest.fixture(scope="module")
def dsn(make_database: Callable[[], str]) -> str:
    found = make_database()
    serving.store(found, [serving.collection(f"c{number}") for number in range(3)])
    serving.execute(found, _FILL, "vacuum analyze items")
    return found


@pytest.fixture(scope="module")
def indexed_dsn(make_database: Callable[[], str]) -> str:
    """The same with indexes of the platform."""
    found = make_database()
    serving.store(found, [serving.collection(f"c{number}") for number in range(3)])
    serving.execute(found, _FILL)

    async def index() -> None:
        connection, beside = await connect(found, Settings()), await connect(found, Settings())
        try:
            await indexes.create(connection, beside, "platform")
        finally:
            await connection.close()
            await beside.close()

    serving.run_apart(index())
    serving.execute(found, "vacuum analyze items")
    return found


@pytest.mark.parametrize("name", SEARCHES)
def test_the_statement_and_its_plan_are_as_reviewed(dsn: str, name: str) -> None:
    _compare(dsn, name, SEARCHES[name], ITEMS)


@pytest.mark.parametrize("name", INDEXED)
def test_the_plan_with_an_index_of_a_property_is_as_reviewed(indexed_dsn: str, name: str) -> None:
    platform = frozenset({"platform"})
    known = msgspec.structs.replace(ITEMS, indexed=ITEMS.indexed | platform, estimated=platform)
    _compare(indexed_dsn, f"indexed-{name}", INDEXED[name], known)


def _compare(dsn: str, name: str, search: Search, inventory: Inventory) -> None:
    text, values = select.page(search, inventory, Spans()).sql.render()
    shown = [f"{value[:12].hex()}..." if isinstance(value, bytes) else str(value) for value in values]
    parameters = "\n".join(f"${number}  {value}" for number, value in enumerate(shown, 1))
    nodes = "\n".join(asyncio.run(_plan(dsn, text, values)))
    found = f"{textwrap.fill(text, 110, break_long_words=False)}\n\n{parameters}\n\n{nodes}\n"
    file = FOLDER / f"{name}.txt"
    if os.environ.get("REGENERATE"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(found)
    assert file.read_text() == found


async def _plan(dsn: str, text: str, values: list[object]) -> list[str]:
    connection = await connect(dsn, Settings())
    try:
        explained: asyncpg.Record = await connection.fetchrow(
            "explain (analyze, format json, timing off) " + text, *values
        )
        return list(_nodes(json.loads(explained[0])[0]["Plan"], 0))
    finally:
        await connection.close()


def _nodes(node: dict[str, object], depth: int) -> list[str]:
    """The nodes of a plan that ran, by depth: the other way through a gate, and costs, are left out."""
    if node["Actual Loops"] == 0:
        return []
    names = [node["Node Type"], node.get("Index Name") or node.get("Relation Name") or node.get("CTE Name")]
    lines = ["  " * depth + " ".join(str(name) for name in names if name)]
    for child in node.get("Plans", []):
        if child.get("Parent Relationship") != "InitPlan" or child.get("Subplan Name", "").startswith("CTE"):
            lines += _nodes(child, depth + 1)
    return lines


def test_the_text_of_a_statement_depends_on_the_shape_of_the_search_alone() -> None:
    alike = [
        (SEARCHES["narrow-area"], SEARCHES["broad-area"]),
        (SEARCHES["clear"], Search(limit=99, tests=(PropertyTest("other; drop table items", "lt", -5.5),))),
        (SEARCHES["ids"], Search(limit=1, ids=("'", '"', "$1"))),
        (SEARCHES["polygon-window"], Search(limit=1, area=_SMALL, window=parse_interval(f"{_TIME}/{_TIME}"))),
        (Search(limit=1, sortby=(SortKey("platform"),)), Search(limit=5, sortby=(SortKey("it's"),))),
        (SEARCHES["one-collection-after"], Search(limit=5, collections=("x",), position=Position((_TIME,), "x", "'"))),
    ]
    for one, other in alike:
        assert select.page(one, ITEMS, Spans()).sql.render()[0] == select.page(other, ITEMS, Spans()).sql.render()[0]

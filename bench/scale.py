"""Newest 10 of 5 million small items, through the API, in areas of 1 to 180 degrees; and paging over a million ties."""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import statistics
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson

import cluster
import ours
import report
import scale_data
from client import Answer, Connection
from satapi.db.pool import connect
from satapi.query.conditions import Spans
from satapi.query.inventory import ITEMS
from satapi.query.select import page
from satapi.settings import Settings
from satapi.stac.geometry import parse_bbox
from satapi.stac.search import PropertyTest, Search
from satapi.stac.times import parse_interval

DATABASE = "bench_scale"
TIES_DATABASE = "bench_ties"
SEED = 11
WARMING = 5
P95_MAX_MS = 10.0

DEGREES = (1, 10, 60, 180)
LARGEST, SMALLEST = "collection-01", f"collection-{scale_data.COLLECTIONS:02d}"
Json = dict[str, object]


class Shape(NamedTuple):
    """What is asked beside the area: a window of 90 days, a collection, a limit of the cloud cover."""

    window: bool
    collection: str | None
    cloud_cover: bool

    def name(self) -> str:
        """Its name in the table."""
        parts = ["90 days"] * self.window + [f"in {self.collection}"] * bool(self.collection)
        return ", ".join(parts + ["cloud cover < 20"] * self.cloud_cover) or "area alone"


SHAPES = [Shape(*choice) for choice in itertools.product((False, True), (None, LARGEST, SMALLEST), (False, True))]


class Slowest(NamedTuple):
    """The slowest request of all, for --explain."""

    milliseconds: float
    body: Json


class Times(NamedTuple):
    """Times of a shape in an area, in milliseconds."""

    milliseconds: list[float]
    slowest: Slowest

    def p95(self) -> float:
        """The 95th of 100."""
        return report.p95(self.milliseconds)

    def text(self) -> str:
        """Median and p95."""
        return f"{statistics.median(self.milliseconds):.1f} / {self.p95():.1f}"


def body(chance: random.Random, shape: Shape, degrees: float) -> Json:
    """A search: a square anywhere in the world (as high as the world for 180 degrees), a window in mid-archive."""
    height = min(degrees, 170)
    x, y = chance.uniform(-180, 180 - degrees), chance.uniform(-85, 85 - height)
    asked: Json = {"bbox": [round(number, 3) for number in (x, y, x + degrees, y + height)], "limit": 10}
    if shape.window:
        start = datetime(2018, 1, 1, tzinfo=UTC) + timedelta(days=chance.randrange(1000))
        asked["datetime"] = f"{_text(start)}/{_text(start + timedelta(days=90))}"
    if shape.collection:
        asked["collections"] = [shape.collection]
    if shape.cloud_cover:
        asked["query"] = {"eo:cloud_cover": {"lt": 20}}
    return asked


def measure(connection: Connection, shape: Shape, degrees: float, count: int) -> Times:
    """Ask different searches of one shape."""
    chance = random.Random(SEED)
    timed = []
    for number in range(WARMING + count):
        asked = body(chance, shape, degrees)
        answer = _checked(connection.post("/search", asked))
        if number >= WARMING:
            timed.append(Slowest(1000 * answer.seconds, asked))
    return Times([one.milliseconds for one in timed], max(timed, key=lambda one: one.milliseconds))


def measure_all(dsn: str, count: int) -> tuple[str, Slowest]:
    """All shapes in all areas: the table, and the slowest request."""
    rows, slow, slowest = [], 0, Slowest(0, {})
    with ours.server(dsn, 1) as server, Connection(server.port) as connection:
        for shape in SHAPES:
            times = [measure(connection, shape, degrees, count) for degrees in DEGREES]
            rows.append([shape.name(), *(one.text() for one in times)])
            slow += sum(one.p95() >= P95_MAX_MS for one in times)
            slowest = max([slowest, *(one.slowest for one in times)], key=lambda one: one.milliseconds)
    head = ["newest 10: median / p95 in ms", *(f"{degrees} degree{'s' * (degrees > 1)}" for degrees in DEGREES)]
    verdict = f"{slow} of {len(SHAPES) * len(DEGREES)} have a p95 of {P95_MAX_MS:.0f} ms or more."
    text = f"{verdict} The slowest request took {slowest.milliseconds:.1f} ms: `{orjson.dumps(slowest.body).decode()}`"
    return f"{report.table(head, rows)}\n\n{text}", slowest


def measure_ties(dsn: str, pages: int) -> str:
    """First pages and following pages where a million items have one time."""
    window = {"datetime": "../2020-01-01T00:00:00Z"}
    places = {"1 degree": [20, 20, 21, 21], "10 degrees": [15, 15, 25, 25], "the region": [-10, -10, 50, 50]}
    asked = {
        f"{place}, {name}": {"bbox": bbox, **rest}
        for place, bbox in places.items()
        for name, rest in (("the collection", {"collections": ["yearly-maps"]}), ("all, until that time", window))
    }
    asked["no area, the collection"] = {"collections": ["yearly-maps"]}
    with ours.server(dsn, 1) as server, Connection(server.port) as connection:
        rows = [[name, *_paged(connection, {**what, "limit": 10}, pages)] for name, what in asked.items()]
    return report.table(["items of one time", "first page ms", "next pages ms", "p95", "pages"], rows)


def _paged(connection: Connection, asked: Json, pages: int) -> list[str]:
    for _ in range(WARMING):
        _checked(connection.post("/search", asked))
    first = statistics.median(1000 * connection.post("/search", asked).seconds for _ in range(10))
    seconds: list[float] = []
    seen: set[tuple[str, str]] = set()
    following: Json | None = asked
    while following and len(seconds) < pages:
        answer = _checked(connection.post("/search", following))
        seconds.append(1000 * answer.seconds)
        document = orjson.loads(answer.body)
        keys = [(item["collection"], item["id"]) for item in document["features"]]
        if len(set(keys) - seen) != len(keys):
            raise SystemExit(f"paging repeated an item: {asked}")
        seen.update(keys)
        following = next_body(document, following)
    later = seconds[1:] or seconds
    return [f"{first:.1f}", f"{statistics.median(later):.1f}", f"{report.p95(later):.1f}", str(len(seconds))]


def next_body(document: Json, asked: Json) -> Json | None:
    """The body that asks for the page after one."""
    link = next((link for link in document.get("links", ()) if link["rel"] == "next"), None)
    return link and ({**asked, **link["body"]} if link.get("merge") else link["body"])


def _checked(answer: Answer) -> Answer:
    if answer.status != 200:
        raise SystemExit(f"{answer.status}: {answer.body[:500]!r}")
    return answer


async def explained(dsn: str, asked: Json) -> str:
    """The statement of a search with its plan as it ran."""
    search = Search(
        limit=asked["limit"],
        collections=tuple(asked["collections"]) if "collections" in asked else None,
        area=parse_bbox(asked["bbox"]),
        window=parse_interval(asked["datetime"]) if "datetime" in asked else None,
        tests=(PropertyTest("eo:cloud_cover", "lt", 20),) if "query" in asked else (),
    )
    text, values = page(search, ITEMS, Spans()).sql.render()
    connection = await connect(dsn, Settings())
    try:
        rows = await connection.fetch("explain (analyze, buffers) " + text, *values)
    finally:
        await connection.close()
    # A bound of all numbers is written with a hundred thousand zeros.
    return re.sub("0{40,}", "0...0", "\n".join([text, *(row[0] for row in rows)]))


async def _database(running: cluster.Cluster, name: str, kinds: list[scale_data.Kind], *, anew: bool) -> str:
    if anew or not await cluster.has_database(running, name):
        await scale_data.make(running, name, kinds)
    await cluster.warm(running.dsn(name), ours.SCHEMA)
    return running.dsn(name)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def main() -> None:
    """Make the items, unless they are there, and measure."""
    parser = report.options(__doc__ or "")
    parser.add_argument("--items", type=int, default=5_000_000, help="small items (default: %(default)s)")
    parser.add_argument("--ties", type=int, default=1_000_000, help="items of one time (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=60, help="timed requests of each shape (default: %(default)s)")
    parser.add_argument("--pages", type=int, default=50, help="pages to follow over the ties (default: %(default)s)")
    parser.add_argument("--anew", action="store_true", help="make the items anew (needed when --items changes)")
    parser.add_argument("--explain", action="store_true", help="print the plan of the slowest request")
    arguments = report.started(parser)
    anew = arguments.anew
    with cluster.running() as running:
        dsn = asyncio.run(_database(running, DATABASE, scale_data.archive(arguments.items), anew=anew))
        times, slowest = measure_all(dsn, arguments.requests)
        report.show(f"Scale, {arguments.items:,} items", times, arguments)
        if arguments.explain:
            print(asyncio.run(explained(dsn, slowest.body)))
        dsn = asyncio.run(_database(running, TIES_DATABASE, scale_data.yearly_maps(arguments.ties), anew=anew))
        ties = measure_ties(dsn, arguments.pages)
        report.show(f"Ties, {arguments.ties:,} items of one time", ties, arguments)


if __name__ == "__main__":
    main()

"""As many items in 10,000 collections as in ten, side by side: lists and searches of them, and searches in some."""

from __future__ import annotations

import asyncio
import random
import statistics
from collections.abc import Callable
from urllib.parse import quote

import asyncpg

import cluster
import ours
import report
from client import Connection

SEED = 13
WARMING = 10
COUNTS = (10, 10_000)
ITEMS = 200_000
ROW_OF_REQUESTS = 20

# Collections of about 2 KB, each of a region and some years, and items in them.
INSERT_COLLECTIONS = """
    insert into satapi.collections (id, content)
    select 'collection-' || to_char(n, 'FM00000'), format(
        '{"type":"Collection","stac_version":"1.1.0","id":"collection-%s","title":"Images of region %s",'
        || '"description":"%s","keywords":["region %s","%s"],"license":"%s","extent":{"spatial":{"bbox":'
        || '[[%s,%s,%s,%s]]},"temporal":{"interval":[["%s-01-01T00:00:00Z",%s]]}},"summaries":{"gsd":[%s]},'
        || '"providers":[{"name":"A provider","roles":["producer"],"url":"https://example.com"}],"links":[]}',
        to_char(n, 'FM00000'), n % 1000, repeat('Images of a region in some years. ', 40), n % 1000,
        (array['optical', 'radar', 'lidar'])[1 + n % 3], (array['CC-BY-4.0', 'CC0-1.0', 'other'])[1 + n % 3],
        x, y, x + 10, y + 10, 2000 + n % 20, case n % 2 when 0 then 'null' else '"2023-01-01T00:00:00Z"' end,
        (array[10, 20, 30, 60])[1 + n % 4]
    )::json
    from (
        select n, round((350 * random())::numeric - 180, 3) as x, round((160 * random())::numeric - 85, 3) as y
        from generate_series(0, $1::integer - 1) as n
    ) as drawn
"""
INSERT_ITEMS = """
    insert into satapi.items (collection, id, geometry, datetime, properties, content)
    select collection, id, st_setsrid(st_makepoint(x, y), 4326), time, properties::jsonb,
        convert_to('{"type":"Feature","stac_version":"1.1.0","id":"' || id || '","collection":"' || collection
        || '","geometry":{"type":"Point","coordinates":[' || x || ',' || y || ']},"bbox":['
        || concat_ws(',', x, y, x, y) || '],"properties":' || properties || ',"assets":{},"links":[]}', 'UTF8')
    from (
        select 'collection-' || to_char(n % $1::bigint, 'FM00000') as collection, 'item-' || n as id, x, y, time,
            '{"datetime":"' || to_char(time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            || '","eo:cloud_cover":' || round((100 * random())::numeric, 2) || '}' as properties
        from (
            select n, round((360 * random())::numeric - 180, 4) as x, round((170 * random())::numeric - 85, 4) as y,
                timestamptz '2015-01-01 00:00:00Z' + random() * interval '3650 days' as time
            from generate_series(0, $2::bigint - 1) as n
        ) as drawn
    ) as made
"""


async def make(running: cluster.Cluster, count: int) -> str:
    """A database with so many collections, unless it is there; returns its DSN."""
    name = f"bench_collections_{count}"
    if not await cluster.has_database(running, name):
        dsn = await ours.make_database(running, name)
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute("set search_path = satapi, public")
            await connection.execute("select setseed(0.5)")
            await connection.execute(INSERT_COLLECTIONS, count, timeout=3600)
            await connection.execute(INSERT_ITEMS, count, ITEMS, timeout=3600)
            await connection.execute("vacuum (analyze)")
            await connection.execute("analyze satapi.items")
            await connection.execute("checkpoint")
        finally:
            await connection.close()
    await cluster.warm(running.dsn(name), ours.SCHEMA)
    return running.dsn(name)


def _one(chance: random.Random, count: int) -> str:
    return f"collection-{chance.randrange(count):05d}"


def _some(chance: random.Random, count: int, number: int) -> str:
    return ",".join(_one(chance, count) for _ in range(number))


def _box(chance: random.Random, degrees: float) -> str:
    x, y = chance.uniform(-180, 180 - degrees), chance.uniform(-85, 85 - degrees)
    return f"{x:.3f},{y:.3f},{x + degrees:.3f},{y + degrees:.3f}"


Ask = Callable[[random.Random, int], str]


def _filtered(text: str) -> str:
    return f"/collections?limit=10&filter={quote(text, safe='')}"


# What is asked of the number of collections there are.
REQUESTS: dict[str, Ask] = {
    "landing page": lambda _, __: "/",
    "one collection": lambda chance, count: f"/collections/{_one(chance, count)}",
    "10 collections": lambda _, __: "/collections?limit=10",
    "10 of the children": lambda _, __: "/children?limit=10",
    "10, the last ones first": lambda _, __: "/collections?limit=10&sortby=-id",
    "10, by title": lambda _, __: "/collections?limit=10&sortby=title",
    "10 in a box of 10 degrees": lambda chance, _: f"/collections?limit=10&bbox={_box(chance, 10)}",
    "10 in a box of 120 degrees": lambda chance, _: f"/collections?limit=10&bbox={_box(chance, 120)}",
    "10 of a month": lambda chance, _: (
        f"/collections?limit=10&datetime={chance.randrange(2001, 2020)}-05-01T00:00:00Z/2019-06-01T00:00:00Z"
    ),
    "by id, in a filter": lambda chance, count: _filtered(f"id = '{_one(chance, count)}'"),
    "10 by license, in a filter": lambda _, __: _filtered("license = 'CC0-1.0'"),
    "10 by title, in a filter": lambda chance, _: _filtered(f"title LIKE '%region {chance.randrange(10)}%'"),
    "10 by a summary, in a filter": lambda _, __: _filtered("summaries.gsd.0 > 10"),
    # Nothing is remembered of it.
    "10 by title, for the first time": lambda chance, _: _filtered(
        f"title LIKE '%region {chance.randrange(10)}%' AND title <> '{chance.random()}'"
    ),
    "items by time": lambda chance, count: f"/collections/{_one(chance, count)}/browse/2018-05",
    "newest 10 items of one": lambda chance, count: f"/collections/{_one(chance, count)}/items?limit=10",
    "newest 10 items of ten": lambda chance, count: f"/search?limit=10&collections={_some(chance, count, 10)}",
    "newest 10 items of 100": lambda chance, count: f"/search?limit=10&collections={_some(chance, count, 100)}",
    "newest 10 of one, in 60 degrees": lambda chance, count: (
        f"/search?limit=10&collections={_one(chance, count)}&bbox={_box(chance, 60)}"
    ),
    "newest 10 of one, in a year": lambda chance, count: (
        f"/search?limit=10&collections={_one(chance, count)}&datetime=2019-01-01T00:00:00Z/2020-01-01T00:00:00Z"
    ),
    "newest 10 items of all": lambda _, __: "/search?limit=10",
    "newest 10 of all, in 10 degrees": lambda chance, _: f"/search?limit=10&bbox={_box(chance, 10)}",
}


def measure(connection: Connection, chance: random.Random, ask: Ask, count: int, number: int) -> list[float]:
    """Times of different requests of one kind, in milliseconds."""
    times = []
    for request in range(WARMING + number):
        answer = connection.get(ask(chance, count))
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {answer.body[:500]!r}")
        if request >= WARMING:
            times.append(1000 * answer.seconds)
    return times


def measure_all(dsns: dict[int, str], number: int) -> str:
    """The table: medians and p95 of each kind, with ten collections and with 10,000, in turn."""
    few, many = COUNTS
    rows = []
    with (
        ours.server(dsns[few], 1) as small,
        ours.server(dsns[many], 1) as large,
        Connection(small.port) as to_small,
        Connection(large.port) as to_large,
    ):
        for name, ask in REQUESTS.items():
            times: dict[int, list[float]] = {few: [], many: []}
            # No box is asked for twice.
            chances = {count: random.Random(SEED) for count in COUNTS}
            for _ in range(max(1, number // ROW_OF_REQUESTS)):
                times[few] += measure(to_small, chances[few], ask, few, ROW_OF_REQUESTS)
                times[many] += measure(to_large, chances[many], ask, many, ROW_OF_REQUESTS)
            medians = [statistics.median(times[count]) for count in COUNTS]
            rows.append(
                [
                    name,
                    *(f"{statistics.median(times[count]):.2f} / {report.p95(times[count]):.2f}" for count in COUNTS),
                    f"{medians[1] / medians[0]:.1f}",
                ]
            )
    bodies = ["median / p95 in ms", *(f"{count:,} collections" for count in COUNTS), "times as long"]
    return report.table(bodies, rows)


def main() -> None:
    """Make both databases, unless they are there, and measure."""
    parser = report.options(__doc__ or "")
    parser.add_argument("--requests", type=int, default=60, help="timed requests of each kind (default: %(default)s)")
    arguments = report.started(parser)
    with cluster.running() as running:
        dsns = {count: asyncio.run(make(running, count)) for count in COUNTS}
        head = f"Collections, {ITEMS:,} items"
        report.show(head, measure_all(dsns, arguments.requests), arguments)


if __name__ == "__main__":
    main()

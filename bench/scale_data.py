"""Millions of small items, made in SQL straight in satapi's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import asyncpg
import orjson

import ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    import cluster

COLLECTIONS = 20
# How many values the properties grid and scene have, each as often as the others.
GRIDS, SCENES = 1_000, 100_000
ROWS_A_STATEMENT = 250_000

# Items of about 1 degree over a region, at times spread over a span of days (0: all at one time), with the content in
# a form that is stored: plain, compact, its links last. Their words are those of the platform and the scene.
INSERT = """
    insert into satapi.items (collection, id, geometry, datetime, properties, words, content)
    select $1, id, area, time, properties::jsonb, array_to_tsvector(array['platform', platform, scene]),
        convert_to('{"type":"Feature","stac_version":"1.1.0","id":"' || id || '","collection":"' || $1
        || '","geometry":'
        || st_asgeojson(area, 6) || ',"bbox":[' || concat_ws(',', x, y, x + 1, y + 1) || '],"properties":'
        || properties || ',"assets":{"data":{"href":"https://example.com/' || id || '.tif",'
        || '"type":"image/tiff; application=geotiff; profile=cloud-optimized"}},"links":[]}', 'UTF8')
    from (
        select id, x, y, time, platform, lower(scene) as scene,
            st_setsrid(st_makepolygon(st_makeline(array[
                st_makepoint(x + 0.1, y), st_makepoint(x + 1, y + 0.1), st_makepoint(x + 0.9, y + 1),
                st_makepoint(x, y + 0.9), st_makepoint(x + 0.1, y)])), 4326) as area,
            '{"datetime":"' || to_char(time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
            || '","eo:cloud_cover":' || cloud || ',"platform":"platform-' || platform || '","gsd":10,"grid":"' || grid
            || '","scene":"' || scene || '"}' as properties
        from (
            select n, $1 || '_' || to_char(n, 'FM00000000') as id,
                round(($4::float8 + random() * $6::float8)::numeric, 4)::float8 as x,
                round(($5::float8 + random() * $7::float8)::numeric, 4)::float8 as y,
                $8::timestamptz + random() * $9::float8 * interval '1 day' as time,
                round((100 * random())::numeric, 2) as cloud,
                (n % 3)::text as platform,
                to_char(n * 7919 % $10::bigint, 'FM"G"0000') as grid,
                to_char(n * 7919 % $11::bigint, 'FM"S"000000') as scene
            from generate_series($2::bigint, $3::bigint) as n
        ) as drawn
    ) as made
"""

INSERT_COLLECTION = "insert into satapi.collections (id, content) values ($1, $2::text::json)"


class Kind(NamedTuple):
    """A collection to make: where its items lie (west, south, width, height in degrees) and when."""

    name: str
    count: int
    region: tuple[float, float, float, float]
    first_day: str
    days: float


WORLD = (-180.0, -85.0, 359.0, 169.0)


def archive(count: int) -> list[Kind]:
    """Collections of very different sizes over 10 years and the world: 44% in the largest, 0.5% in the smallest."""
    weights = [number**-1.5 for number in range(1, COLLECTIONS + 1)]
    counts = [round(count * weight / sum(weights)) for weight in weights]
    return [Kind(f"collection-{n:02d}", size, WORLD, "2015-01-01", 3652) for n, size in enumerate(counts, 1)]


def yearly_maps(count: int) -> list[Kind]:
    """A collection whose items have one time and lie in one region, and as many others around that time."""
    region = (0.0, 0.0, 40.0, 40.0)
    return [Kind("yearly-maps", count, region, "2020-01-01", 0), Kind("others", count, WORLD, "2015-01-01", 3652)]


async def make(running: cluster.Cluster, database: str, kinds: Sequence[Kind]) -> None:
    """A new database with these collections, vacuumed and analyzed."""
    dsn = await ours.make_database(running, database)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("select setseed(0.5)")
        for kind in kinds:
            await _fill(connection, kind)
        await connection.execute("vacuum (analyze)")
        # Autovacuum never analyzes the partitioned table itself, whose statistics tell broad areas from narrow ones.
        await connection.execute("analyze satapi.items")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


async def _fill(connection: asyncpg.Connection, kind: Kind) -> None:
    document = orjson.dumps(_collection(kind)).decode()
    await connection.execute(INSERT_COLLECTION, kind.name, document)
    west, south, width, height = kind.region
    first_time = await connection.fetchval("select $1::text::timestamptz", f"{kind.first_day} 00:00:00Z")
    for first in range(1, kind.count + 1, ROWS_A_STATEMENT):
        last = min(first + ROWS_A_STATEMENT - 1, kind.count)
        area_and_time = (west, south, width, height, first_time, kind.days)
        values = (kind.name, first, last, *area_and_time, GRIDS, SCENES)
        await connection.execute(INSERT, *values, timeout=3600)
        print(f"{kind.name}: {last:,} of {kind.count:,}", flush=True)


def _collection(kind: Kind) -> dict[str, object]:
    return {
        "type": "Collection",
        "id": kind.name,
        "stac_version": "1.1.0",
        "description": f"{kind.count} small items",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2015-01-01T00:00:00Z", None]]},
        },
        "links": [],
    }

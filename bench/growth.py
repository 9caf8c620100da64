"""What each kind of search costs at 200 thousand and at 5 million items, and on pages 1, 100 and 1,000."""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import orjson

import cluster
import ours
import report
import scale
import scale_data
from client import Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from client import Answer

SMALL_DATABASE = "bench_scale_small"
SEED = 13
INDEXED = ("platform", "grid", "scene")
# Beside the first page: each is timed with its neighbours.
DEPTHS = (100, 1000)
NEIGHBOURS = 10
GROWTH_MAX = 2.0
# Deeper pages are not asked for after so long.
PATIENCE_MS = 10_000
Json = dict[str, object]


class Kind(NamedTuple):
    """A kind of search: what is drawn for it, and whether an index serves it, so that it must not grow."""

    name: str
    draw: Callable[[random.Random], Json]
    indexed: bool = True


def _filtered(text: str) -> Json:
    return {"filter-lang": "cql2-text", "filter": text}


def _window(chance: random.Random) -> str:
    year, month = chance.randint(2016, 2023), chance.randint(1, 12)
    return f"{year}-{month:02d}-01T00:00:00Z/{year}-{month:02d}-28T00:00:00Z"


def _month(chance: random.Random) -> str:
    start, end = _window(chance).split("/")
    return f"T_INTERSECTS(datetime, INTERVAL('{start}', '{end}'))"


def _square(chance: random.Random, degrees: float) -> list[float]:
    x, y = chance.uniform(-180, 180 - degrees), chance.uniform(-85, 85 - degrees)
    return [x, y, x + degrees, y + degrees]


def _wkt(chance: random.Random, degrees: float) -> str:
    west, south, east, north = _square(chance, degrees)
    return f"POLYGON(({west} {south},{east} {south},{east} {north},{west} {north},{west} {south}))"


def _grid(chance: random.Random) -> str:
    return f"G{chance.randrange(scale_data.GRIDS):04d}"


def _scene(chance: random.Random) -> str:
    return f"S{chance.randrange(scale_data.SCENES):06d}"


def _sorted(field: str, direction: str, **rest: object) -> Json:
    return {"sortby": [{"field": field, "direction": direction}], **rest}


KINDS = (
    Kind("newest", lambda _: {}),
    Kind("oldest", lambda _: _sorted("datetime", "asc")),
    Kind("of the largest collection", lambda _: {"collections": [scale.LARGEST]}),
    Kind("of the smallest collection", lambda _: {"collections": [scale.SMALLEST]}),
    Kind("month", lambda chance: {"datetime": _window(chance)}),
    Kind("1 degree", lambda chance: {"bbox": _square(chance, 1)}),
    Kind("60 degrees", lambda chance: {"bbox": _square(chance, 60)}),
    Kind(
        "10 degrees and a month, as a filter",
        lambda chance: _filtered(f"S_INTERSECTS(geometry, {_wkt(chance, 10)}) AND {_month(chance)}"),
    ),
    Kind("within 20 degrees", lambda chance: _filtered(f"S_WITHIN(geometry, {_wkt(chance, 20)})")),
    Kind("= one in 3", lambda chance: _filtered(f"platform = 'platform-{chance.randrange(3)}'")),
    Kind("= one in 1,000", lambda chance: _filtered(f"grid = '{_grid(chance)}'")),
    Kind("= one in 100,000", lambda chance: _filtered(f"scene = '{_scene(chance)}'")),
    Kind(
        "one of three in 100,000",
        lambda chance: _filtered(f"scene IN ('{_scene(chance)}', '{_scene(chance)}', '{_scene(chance)}')"),
    ),
    Kind("= none", lambda chance: _filtered(f"scene = 'none-{chance.random()}'")),
    Kind("< one in 5", lambda chance: _filtered(f"eo:cloud_cover < {chance.randint(15, 25)}")),
    Kind(
        "= one in 1,000, 60 degrees",
        lambda chance: _filtered(f"grid = '{_grid(chance)}'") | {"bbox": _square(chance, 60)},
    ),
    Kind("either of two", lambda chance: _filtered(f"platform = 'platform-1' OR eo:cloud_cover < {chance.random()}")),
    Kind(
        "not, between, is null",
        lambda _: _filtered("NOT (platform = 'platform-1') AND eo:cloud_cover BETWEEN 20 AND 60 AND absent IS NULL"),
    ),
    Kind("a word of one in 3", lambda chance: {"q": [str(chance.randrange(3))]}),
    Kind("a word of one in 100,000", lambda chance: {"q": [_scene(chance)]}),
    Kind("a word of none", lambda chance: {"q": [f"none{chance.random()}"[:12].replace(".", "")]}),
    Kind("like, without case", lambda _: _filtered("CASEI(platform) LIKE CASEI('PLATFORM-2%')"), indexed=False),
    Kind("calculated", lambda _: _filtered("eo:cloud_cover / 2 + gsd * 1 < 30"), indexed=False),
    Kind("two properties", lambda _: _filtered("eo:cloud_cover > gsd AND created IS NULL"), indexed=False),
    Kind("by cloud cover", lambda _: _sorted("eo:cloud_cover", "asc")),
    Kind("by cloud cover, downwards", lambda _: _sorted("eo:cloud_cover", "desc")),
    Kind("by one in 3", lambda _: _sorted("platform", "desc")),
    Kind("by cloud cover, of the largest", lambda _: _sorted("eo:cloud_cover", "asc", collections=[scale.LARGEST])),
    Kind("by what none has", lambda _: _sorted("absent", "asc"), indexed=False),
    Kind("by id", lambda _: _sorted("id", "asc")),
)


class Costs(NamedTuple):
    """Milliseconds of the first page and of the pages at each depth; None where there are not so many."""

    first: float
    deep: tuple[float | None, ...]


def measure(connection: Connection, kind: Kind, count: int) -> Costs:
    """First pages of different searches, then the pages of the first of them."""
    chance = random.Random(SEED)
    asked = [{**kind.draw(chance), "limit": 10} for _ in range(scale.WARMING + count)]
    first_ms: list[float] = []
    for body in asked:
        first_ms.append(1000 * _checked(connection.post("/search", body)).seconds)
        if sum(first_ms) > PATIENCE_MS:
            break
    first = statistics.median(first_ms[scale.WARMING :] or first_ms)
    print(f"{kind.name}: {first:.1f}", flush=True)
    times = _followed(connection, asked[0], max(DEPTHS) + NEIGHBOURS)
    deep = (times[depth - NEIGHBOURS - 1 : depth + NEIGHBOURS] for depth in DEPTHS)
    return Costs(first, tuple(statistics.median(near) if len(near) > NEIGHBOURS else None for near in deep))


def _followed(connection: Connection, asked: Json, pages: int) -> list[float]:
    times: list[float] = []
    following: Json | None = asked
    while following and len(times) < pages and sum(times) < PATIENCE_MS:
        answer = _checked(connection.post("/search", following))
        times.append(1000 * answer.seconds)
        following = scale.next_body(orjson.loads(answer.body), following)
    return times


def _checked(answer: Answer) -> Answer:
    if answer.status not in {200, 504}:
        raise SystemExit(f"{answer.status}: {answer.body[:500]!r}")
    return answer


def as_table(costs: dict[str, dict[str, Costs]]) -> str:
    """A row a kind: pages 1, 100 and 1,000 at each size, and by how much the larger costs more."""
    small, large = costs
    head = ["milliseconds on page"]
    head += [f"{depth:,} of {size}" for size in costs for depth in (1, *DEPTHS)]
    rows, grown = [], []
    for kind in KINDS:
        one, other = costs[small][kind.name], costs[large][kind.name]
        pages = [*zip((one.first, *one.deep), (other.first, *other.deep), strict=True)]
        growth = max(after / before for before, after in pages if before and after)
        name = kind.name if kind.indexed else f"({kind.name})"
        cells = [f"{time:.1f}" if time else "" for size in zip(*pages, strict=True) for time in size]
        rows.append([name, *cells, f"{growth:.1f}"])
        if kind.indexed and growth > GROWTH_MAX:
            grown.append(kind.name)
    verdict = f"more than {GROWTH_MAX:g} times: {', '.join(grown)}" if grown else f"none more than {GROWTH_MAX:g} times"
    return (
        f"{report.table([*head, 'growth'], rows)}\n\nOf the kinds that an index serves (without brackets), {verdict}."
    )


# Of the whole archive: from what loading keeps.
AGGREGATIONS = ("total_count", "collection_frequency", "datetime_frequency", "datetime_min", "datetime_max")


def aggregations(connections: dict[str, Connection], count: int) -> str:
    """A row each: medians and p95 in milliseconds at each size."""
    rows = []
    for name in AGGREGATIONS:
        cells = []
        for connection in connections.values():
            times = [
                1000 * _checked(connection.get(f"/aggregate?aggregations={name}")).seconds
                for _ in range(scale.WARMING + count)
            ][scale.WARMING :]
            cells.append(f"{statistics.median(times):.1f} / {report.p95(times):.1f}")
        rows.append([name, *cells])
    return report.table(["median / p95 in ms", *connections], rows)


def _database(running: cluster.Cluster, name: str, items: int, *, anew: bool) -> str:
    if anew or not asyncio.run(cluster.has_database(running, name)):
        asyncio.run(scale_data.make(running, name, scale_data.archive(items)))
    dsn = running.dsn(name)
    for member in INDEXED:
        subprocess.run([ours.PROGRAM, "index", "create", member, "--dsn", dsn], check=True, stdout=2)
    asyncio.run(cluster.warm(dsn, ours.SCHEMA))
    return dsn


def main() -> None:
    """Make the items and indexes, unless they are there, and measure."""
    parser = report.options(__doc__ or "")
    parser.add_argument(
        "--small", type=int, default=200_000, help="items of the smaller archive (default: %(default)s)"
    )
    parser.add_argument("--large", type=int, default=5_000_000, help="and of the larger (default: %(default)s)")
    parser.add_argument(
        "--requests", type=int, default=40, help="timed first pages of each kind (default: %(default)s)"
    )
    parser.add_argument("--anew", action="store_true", help="make the items anew (needed when their number changes)")
    arguments = report.started(parser)
    with cluster.running() as running, ExitStack() as stack:
        connections: dict[str, Connection] = {}
        for name, items in ((SMALL_DATABASE, arguments.small), (scale.DATABASE, arguments.large)):
            dsn = _database(running, name, items, anew=arguments.anew)
            server = stack.enter_context(ours.server(dsn, 1))
            connections[f"{items:,}"] = stack.enter_context(Connection(server.port))
        costs: dict[str, dict[str, Costs]] = {size: {} for size in connections}
        # Both sizes in turn: what else the machine does is the same for both.
        for kind in KINDS:
            for size, connection in connections.items():
                costs[size][kind.name] = measure(connection, kind, arguments.requests)
        report.show("Growth", as_table(costs), arguments)
        report.show("Aggregations", aggregations(connections, arguments.requests), arguments)


if __name__ == "__main__":
    main()

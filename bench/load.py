"""Load the same items with both loaders, in turn, into the same PostgreSQL: speed, memory and bytes stored."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

import cluster
import data
import ours
import peer
import report
from processes import Finished, finish

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType


class Case(NamedTuple):
    """One way to load."""

    name: str
    side: ModuleType
    options: Sequence[str]


class Result(NamedTuple):
    """What a load took, and the bytes of all relations of its schema after it."""

    case: Case
    took: Finished
    stored: int


# The databases that the last case of each side leaves are searched by bench/search.
CASES = (
    Case("pypgstac load, statistics left for later", peer, ("--usequeue",)),
    Case("pypgstac load, its defaults (insert)", peer, ()),
    Case("satapi load --method insert", ours, ("--method", "insert")),
    Case("satapi load, its defaults (upsert)", ours, ()),
)


async def run(running: cluster.Cluster, case: Case, files: data.Files) -> Result:
    """Load into a new database."""
    dsn = await case.side.make_database(running)
    finish(case.side.load(dsn, "collections", files.collections))
    _read_through(files)
    took = finish(case.side.load(dsn, "items", files.items, *case.options))
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("vacuum (analyze)")
        stored = await _stored(connection, case.side.SCHEMA)
        count = await connection.fetchval(f"select count(*) from {case.side.SCHEMA}.items")
    finally:
        await connection.close()
    if count != files.count:
        raise SystemExit(f"{case.name} left {count:,} items of {files.count:,}")
    return Result(case, took, stored)


def _read_through(files: data.Files) -> None:
    """Have the file in the system's cache for every case alike."""
    with files.items.open("rb", buffering=0) as source:
        while source.read(1 << 24):
            pass


async def _stored(connection: asyncpg.Connection, schema: str) -> int:
    return await connection.fetchval(
        "select sum(pg_total_relation_size(c.oid))::bigint from pg_class c where c.relnamespace = $1::regnamespace"
        " and c.relkind in ('r', 'm')",
        schema,
    )


def as_table(results: Sequence[Result], files: data.Files) -> str:
    """The results beside the peer's best."""
    of_peer = [result for result in results if result.case.side is peer] or results
    seconds = min(result.took.seconds for result in of_peer)
    stored = min(result.stored for result in of_peer)
    rows = [
        [
            result.case.name,
            f"{result.took.seconds:.1f}",
            f"{files.count / result.took.seconds:,.0f}",
            f"{seconds / result.took.seconds:.2f}x",
            f"{result.took.memory / 1e6:,.0f}",
            f"{result.stored / 1e6:,.0f}",
            f"{result.stored / stored:.2f}x",
        ]
        for result in results
    ]
    head = ["load", "s", "items/s", "of the peer's", "peak MB", "stored MB", "of the peer's"]
    size = files.items.stat().st_size
    note = f"{files.count:,} items of {size / files.count:,.0f} bytes on average ({size / 1e6:,.0f} MB of NDJSON)."
    return f"{report.table(head, rows)}\n\n{note}"


async def main() -> None:
    """Run all cases and print the table."""
    parser = report.options(__doc__ or "")
    parser.add_argument("--items", type=int, default=data.ITEMS_DEFAULT, help="how many items (default: %(default)s)")
    parser.add_argument("--only", choices=("peer", "ours"), help="load with one side only")
    arguments = report.started(parser)
    files = data.make_files(arguments.items)
    cases = [case for case in CASES if arguments.only in {None, case.side.__name__}]
    with cluster.running() as running:
        results = [await run(running, case, files) for case in cases]
        if peer in {case.side for case in cases}:
            peer.index_properties(running.dsn(peer.DATABASE))
    report.show("Load", as_table(results, files), arguments)


if __name__ == "__main__":
    asyncio.run(main())

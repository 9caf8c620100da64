"""Load the same items with both loaders, in turn, into the same PostgreSQL: speed, memory and bytes stored."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal, NamedTuple

import asyncpg

import cluster
import data
import ours
import peer
import report
from processes import Finished, finish

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType


class Case(NamedTuple):
    """One way to load: into a new database, or the same items, unchanged or changed, into that of the case before."""

    name: str
    side: ModuleType
    options: Sequence[str]
    kind: Literal["first", "unchanged", "changed"] = "first"


class Result(NamedTuple):
    """What a load took, and the bytes of all relations of its schema after it."""

    case: Case
    took: Finished
    stored: int


# The databases that the last case of each side leaves are searched by bench/search.
CASES = (
    Case("pypgstac load, statistics left for later", peer, ("--usequeue",)),
    Case("pypgstac load --method upsert, unchanged", peer, ("--method", "upsert"), "unchanged"),
    Case("pypgstac load --method upsert, changed", peer, ("--method", "upsert"), "changed"),
    Case("pypgstac load, its defaults (insert)", peer, ()),
    Case("satapi load --method insert", ours, ("--method", "insert")),
    Case("satapi load, unchanged", ours, (), "unchanged"),
    Case("satapi load, changed", ours, (), "changed"),
    Case("satapi load, its defaults (upsert)", ours, ()),
)


async def run(running: cluster.Cluster, case: Case, files: data.Files) -> Result:
    """Load the items."""
    if case.kind == "first":
        dsn = await case.side.make_database(running)
        finish(case.side.load(dsn, "collections", files.collections))
    else:
        dsn = running.dsn(case.side.DATABASE)
    file = data.changed(files) if case.kind == "changed" else files.items
    _read_through(file)
    took = finish(case.side.load(dsn, "items", file, *case.options))
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


def _read_through(file: Path) -> None:
    """Have the file in the system's cache for every case alike."""
    with file.open("rb", buffering=0) as source:
        while source.read(1 << 24):
            pass


async def _stored(connection: asyncpg.Connection, schema: str) -> int:
    return await connection.fetchval(
        "select sum(pg_total_relation_size(c.oid))::bigint from pg_class c where c.relnamespace = $1::regnamespace"
        " and c.relkind in ('r', 'm')",
        schema,
    )


def as_table(results: Sequence[Result], files: data.Files) -> str:
    """The results beside the peer's best of their kind."""
    of_peer = [result for result in results if result.case.side is peer] or results
    kinds = {result.case.kind for result in results}
    seconds = {kind: min(one.took.seconds for one in of_peer if one.case.kind == kind) for kind in kinds}
    stored = {kind: min(one.stored for one in of_peer if one.case.kind == kind) for kind in kinds}
    rows = [
        [
            result.case.name,
            f"{result.took.seconds:.1f}",
            f"{files.count / result.took.seconds:,.0f}",
            f"{seconds[result.case.kind] / result.took.seconds:.2f}x",
            f"{result.took.memory / 1e6:,.0f}",
            f"{result.took.processor:.1f}",
            f"{result.stored / 1e6:,.0f}",
            f"{result.stored / stored[result.case.kind]:.2f}x",
        ]
        for result in results
    ]
    head = ["load", "s", "items/s", "of the peer's", "peak MB", "its CPU s", "stored MB", "of the peer's"]
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

"""What searches take while items are loaded beside them, and while nothing is: every kind of search in turn."""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
import sys
import time
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

import cluster
import data
import ours
import report
from client import Connection
from scenarios import SCENARIOS, requests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

DATABASE = "bench_during_load"
ITEMS_DEFAULT = 50_000
KEYS = 500
IDLE_S = 15.0
SLOWER_MAX = 3.0


class Measured(NamedTuple):
    """Milliseconds of the searches that were asked in a time."""

    name: str
    times: list[float]
    seconds: float


def _idle(searching: Callable[[], float], seconds: float) -> Measured:
    began = time.perf_counter()
    times: list[float] = []
    while time.perf_counter() - began < seconds:
        times.append(searching())
    return Measured("nothing is loaded", times, time.perf_counter() - began)


def _loading(name: str, searching: Callable[[], float], command: Sequence[str]) -> Measured:
    began = time.perf_counter()
    times: list[float] = []
    with subprocess.Popen(command, stdout=2) as process:
        while process.poll() is None:
            times.append(searching())
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return Measured(name, times, time.perf_counter() - began)


def _renamed(file: Path) -> Path:
    """The same items with other ids."""
    renamed = file.with_name(f"{file.stem}-renamed.ndjson")
    if not renamed.exists():
        with file.open("rb") as lines, renamed.open("wb") as output:
            output.writelines(line.replace(b'"id":"', b'"id":"again-', 1) for line in lines)
    return renamed


def _searching(connection: Connection, keys: Sequence[tuple[str, str]]) -> Callable[[], float]:
    """Asks the next request and gives its milliseconds."""
    asked = [request for scenario in SCENARIOS for request in requests(scenario, keys, 40)]
    random.Random(1).shuffle(asked)
    following = cycle(asked)

    def search() -> float:
        answer = connection.ask(next(following))
        if answer.status != 200:
            raise SystemExit(f"{answer.status}: {answer.body[:500]!r}")
        return 1000 * answer.seconds

    return search


def as_table(measured: Sequence[Measured]) -> str:
    """A row for each load, beside searches with nothing else going on."""
    idle = report.p95(measured[0].times)
    rows = [
        [
            one.name,
            f"{one.seconds:.1f}",
            f"{len(one.times):,}",
            f"{statistics.median(one.times):.1f}",
            f"{report.p95(one.times):.1f}",
            f"{max(one.times):.0f}",
            f"{report.p95(one.times) / idle:.1f}x",
        ]
        for one in measured
    ]
    head = ["while", "s", "searches", "median ms", "p95 ms", "slowest ms", "p95 of idle"]
    slow = [one.name for one in measured if report.p95(one.times) > SLOWER_MAX * idle]
    verdict = (
        f"More than {SLOWER_MAX:g} times idle: {', '.join(slow)}" if slow else f"None over {SLOWER_MAX:g} times idle"
    )
    return f"{report.table(head, rows)}\n\n{verdict}. One client asks one search after the other, of all kinds."


async def _keys(dsn: str) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(f"select collection, id from {ours.SCHEMA}.items order by md5(id) limit {KEYS}")
    finally:
        await connection.close()
    return [(row[0], row[1]) for row in rows]


def main() -> None:
    """Load, then search while more is loaded."""
    parser = report.options(__doc__ or "")
    parser.add_argument("--items", type=int, default=ITEMS_DEFAULT, help="items of each load (default: %(default)s)")
    parser.add_argument("--jobs", help="processes of each load (default: satapi's)")
    arguments = report.started(parser)
    files = data.make_files(arguments.items)
    options = ["--jobs", arguments.jobs] if arguments.jobs else []
    with cluster.running() as running:
        dsn = asyncio.run(ours.make_database(running, DATABASE))
        for table, file in (("collections", files.collections), ("items", files.items)):
            subprocess.run(ours.load(dsn, table, file), check=True, stdout=2)
        keys = asyncio.run(_keys(dsn))
        with ours.server(dsn, 1) as server, Connection(server.port) as connection:
            searching = _searching(connection, keys)
            _idle(searching, 3)
            measured = [_idle(searching, IDLE_S)]
            for name, file in (
                ("new items are loaded", _renamed(files.items)),
                ("items are upserted unchanged", files.items),
                ("items are upserted changed", data.changed(files)),
            ):
                measured.append(_loading(name, searching, ours.load(dsn, "items", file, *options)))
    report.show("Searches during a load", as_table(measured), arguments)


if __name__ == "__main__":
    sys.exit(main())

"""Ask both servers the same searches, in turn: times, bytes, agreement, distance to the floor, requests a second."""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

import cluster
import floor
import ours
import peer
import report
import throughput
from agreement import VERDICTS, compare, page
from client import Connection
from filters import FILTERS
from scenarios import ONE_COLLECTION_10, SCENARIOS, requests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from client import Answer
    from processes import Server
    from scenarios import Key, Scenario

SIDES = ("peer", "satapi", "floor")
WARMING = 10
# Requests in a row to one server: more than the few that follow a pause, when processors and caches are cold.
ROW = 30
KEYS = 500


class Side(NamedTuple):
    """One of the servers, and a connection to it."""

    server: Server
    connection: Connection


class Measured(NamedTuple):
    """The answers of each side to a scenario's requests, and how those of peer and satapi agree."""

    scenario: Scenario
    answers: dict[str, list[Answer]]
    verdicts: Counter[str]

    def median(self, side: str) -> float:
        """Milliseconds."""
        return 1000 * statistics.median(answer.seconds for answer in self.answers[side])

    def p95(self, side: str) -> float:
        """Milliseconds."""
        return 1000 * report.p95([answer.seconds for answer in self.answers[side]])

    def kilobytes(self, side: str) -> float:
        """The median size of a body."""
        return statistics.median(len(answer.body) for answer in self.answers[side]) / 1000

    def ratio(self) -> float:
        """How many times satapi is as fast as the peer, by medians."""
        return self.median("peer") / self.median("satapi")


def measure(scenario: Scenario, sides: dict[str, Side], keys: Sequence[Key], count: int) -> Measured:
    """Ask every side each request, some in a row as a client does, beginning with another side each time."""
    asked = {name: side for name, side in sides.items() if name != "floor" or scenario.has_floor}
    answers: dict[str, list[Answer]] = {name: [] for name in asked}
    verdicts: Counter[str] = Counter()
    wanted = requests(scenario, keys, WARMING + count)
    for turn, start in enumerate(range(0, len(wanted), ROW)):
        order = list(asked)
        order = order[turn % len(order) :] + order[: turn % len(order)]
        row = wanted[start : start + ROW]
        got = {name: [_ask(name, asked[name], scenario, request) for request in row] for name in order}
        for at, request in enumerate(row):
            if start + at < WARMING:
                continue
            for name in order:
                answers[name].append(got[name][at])
            if {"peer", "satapi"} <= got.keys():
                verdicts[_verdict(scenario, request, {name: got[name][at] for name in order})] += 1
    return Measured(scenario, answers, verdicts)


def _ask(name: str, side: Side, scenario: Scenario, request: bytes) -> Answer:
    answer = side.connection.ask(request)
    if answer.status != 200:
        raise SystemExit(f"{name}, {scenario.name}: {answer.status} {answer.body[:500]!r}\n{request.decode()}")
    return answer


def _verdict(scenario: Scenario, request: bytes, got: dict[str, Answer]) -> str:
    theirs, own = (page(got[name].body, scenario.order) for name in ("peer", "satapi"))
    verdict = compare(theirs, own)
    if verdict == "differ":
        print(f"{scenario.name} differs: {request.decode()}\n  peer {theirs}\n  satapi {own}")
    return verdict


def as_table(rows: Sequence[Measured]) -> str:
    """Times in milliseconds."""
    head = [
        "search",
        "peer ms",
        "p95",
        "KB",
        "satapi ms",
        "p95",
        "KB",
        "times as fast",
        "the items",
        "floor ms",
        "of the floor",
    ]
    return report.table(head, [_row(row) for row in rows])


def _row(row: Measured) -> list[str]:
    cells = [row.scenario.name]
    for side in ("peer", "satapi"):
        if side in row.answers:
            cells += [f"{row.median(side):.1f}", f"{row.p95(side):.1f}", f"{row.kilobytes(side):,.0f}"]
        else:
            cells += ["", "", ""]
    both, near_floor = ({"satapi", other} <= row.answers.keys() for other in ("peer", "floor"))
    cells.append(f"{row.ratio():.1f}" if both else "")
    cells.append(", ".join(f"{row.verdicts[name]} {name}" for name in VERDICTS if row.verdicts[name]))
    cells.append(f"{row.median('floor'):.2f}" if "floor" in row.answers else "")
    cells.append(f"{row.median('satapi') / row.median('floor'):.2f}" if near_floor else "")
    return cells


def summary(rows: Sequence[Measured], sides: dict[str, Side]) -> str:
    """The geometric mean of the ratios, the lowest of them, and the peak memory of the servers."""
    memory = ", ".join(f"{name} {side.server.peak_memory() / 1e6:,.0f} MB" for name, side in sides.items())
    sentences = [f"Peak memory of the servers (one worker each) after these searches: {memory}."]
    if {"peer", "satapi"} <= sides.keys():
        ratios = [row.ratio() for row in rows]
        mean, low = statistics.geometric_mean(ratios), min(ratios)
        sentences.insert(0, f"satapi is {mean:.1f} times as fast in the geometric mean, {low:.1f} times at least.")
    return " ".join(sentences)


def rates(running: cluster.Cluster, names: Sequence[str], keys: Sequence[Key]) -> str:
    """Requests a second of each server alone, for 10 items of one collection."""
    modules = {"peer": (peer, (2,)), "satapi": (ours, (1, 2)), "floor": (floor, (1,))}
    asked = requests(ONE_COLLECTION_10, keys, 100)
    rows, first = [], 0.0
    for name in names:
        module, worker_counts = modules[name]
        for workers in worker_counts:
            with module.server(running.dsn(_side(name).DATABASE), workers) as server:
                rate = throughput.measure(server.port, asked)
                memory = server.peak_memory()
            first = first or rate
            relative = f"{rate / first:.1f}"
            label = f"{name}, {workers} {'worker' if workers == 1 else 'workers'}"
            rows.append([label, f"{rate:,.0f}", relative, f"{memory / 1e6:,.0f}"])
    return report.table(["server", "requests/s", "times as many", "peak MB"], rows)


def _side(name: str) -> ModuleType:
    """The module of the database that a server answers from."""
    return peer if name == "peer" else ours


async def known_keys(dsn: str, schema: str) -> list[Key]:
    """Some keys of items, the same for the same items."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(f"select collection, id from {schema}.items order by md5(id) limit {KEYS}")
    finally:
        await connection.close()
    return [(row["collection"], row["id"]) for row in rows]


def compare_searches(
    running: cluster.Cluster, names: Sequence[str], scenarios: Sequence[Scenario], keys: Sequence[Key], count: int
) -> str:
    """Start the servers and ask them these scenarios."""
    modules = {"peer": peer, "satapi": ours, "floor": floor}
    with ExitStack() as stack:
        sides = {}
        for name in names:
            server = stack.enter_context(modules[name].server(running.dsn(_side(name).DATABASE), 1))
            sides[name] = Side(server, stack.enter_context(Connection(server.port)))
        rows = []
        for scenario in [one for one in scenarios if one.has_floor or list(names) != ["floor"]]:
            rows.append(measure(scenario, sides, keys, count))
            print(".", end="", flush=True)
        return f"{as_table(rows)}\n\n{summary(rows, sides)}"


def main() -> None:
    """Run the searches on the databases that bench/load left."""
    parser = report.options(__doc__ or "")
    parser.add_argument("--requests", type=int, default=60, help="timed requests of each search (default: %(default)s)")
    parser.add_argument(
        "--filter-requests", type=int, default=10, help="and of each filter, of seconds each (default: %(default)s)"
    )
    parser.add_argument("--only", nargs="+", choices=SIDES, default=SIDES, help="ask these servers only")
    parser.add_argument("--no-rates", action="store_true", help="leave out the requests a second with 8 clients")
    arguments = report.started(parser)
    names = [name for name in SIDES if name in arguments.only]
    with cluster.running() as running:
        side = _side(names[-1])
        keys = asyncio.run(known_keys(running.dsn(side.DATABASE), side.SCHEMA))
        for each in {_side(name) for name in names}:
            asyncio.run(cluster.warm(running.dsn(each.DATABASE), each.SCHEMA))
        for title, scenarios, count in (
            ("Search, one client", SCENARIOS, arguments.requests),
            ("Filters, one client", FILTERS, arguments.filter_requests),
        ):
            if scenarios is FILTERS and "satapi" not in names:
                continue
            report.show(title, compare_searches(running, names, scenarios, keys, count), arguments)
        if not arguments.no_rates:
            report.show("Search, 8 clients", rates(running, names, keys), arguments)


if __name__ == "__main__":
    main()

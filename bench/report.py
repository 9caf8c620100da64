"""Reports: tables for the terminal and for bench/results, with the machine they were made on."""

from __future__ import annotations

import argparse
import math
import os
import platform
import re
import subprocess
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import cluster
import peer

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = Path(__file__).resolve().parent / "results"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose first column is text and whose others are numbers."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = ["-" * widths[0]] + ["-" * (width - 1) + ":" for width in widths[1:]]
    lines = [_line(row, widths) for row in (head, rule, *rows)]
    return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = row
    cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
    return f"| {' | '.join(cells)} |"


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[max(0, math.ceil(0.95 * len(values)) - 1)]


def options(purpose: str) -> argparse.ArgumentParser:
    """A parser of the options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("--save", action="store_true", help="write the tables to bench/results/DATE.md")
    return parser


def started(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options as given, and how busy the machine is with other things, in per cent of its processors."""
    arguments = parser.parse_args()
    busy, total = (after - before for before, after in zip(_ticks(), _ticks(after_s=2), strict=True))
    arguments.busy = 100 * busy / total
    return arguments


def _ticks(after_s: float = 0) -> tuple[int, int]:
    """Of all processors, busy and altogether, since the machine started."""
    time.sleep(after_s)
    ticks = [int(number) for number in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = ticks[3] + ticks[4]
    return sum(ticks) - idle, sum(ticks)


def show(title: str, body: str, arguments: argparse.Namespace) -> None:
    """Print a section; with --save, put it into today's results in place of an older one of the same title."""
    body += f"\n\nCommit {_commit()}. Before this, other programs kept {arguments.busy:.0f}% of the processors busy."
    print(f"\n## {title}\n\n{body}", flush=True)
    if not arguments.save:
        return
    RESULTS.mkdir(exist_ok=True)
    today = datetime.now(UTC).date().isoformat()
    file = RESULTS / f"{today}.md"
    sections = file.read_text().split("\n## ")[1:] if file.exists() else []
    kept = [section.strip() for section in sections if section.partition("\n")[0] not in {title, "Machine"}]
    ordered = sorted([*kept, f"{title}\n\n{body}"])
    parts = [f"# Benchmarks of {today}", f"Machine\n\n{_machine()}", *ordered]
    file.write_text("\n\n## ".join(parts) + "\n")


def _machine() -> str:
    processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    ours = ", ".join(f"{name} {version(name)}" for name in ("sat-api-pg", "uvicorn", "asyncpg", "starlette", "msgspec"))
    theirs = ", ".join(f"{name} {number}" for name, number in peer.versions().items())
    settings = ", ".join(f"{name}={value}" for name, value in cluster.server_settings().items())
    facts = {
        "Processor": f"{processor[1] if processor else platform.machine()}, {os.cpu_count()} cores",
        "Memory": f"{memory:.0f} GB",
        "System": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Python {platform.python_version()}",
        "satapi": ours,
        "Peer": theirs,
        "PostgreSQL": cluster.version(),
        "PostgreSQL's settings": settings,
    }
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def _commit() -> str:
    command = ["git", "-C", str(cluster.REPOSITORY), "describe", "--always", "--dirty"]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip() or "unknown"

"""How a load's progress is shown: a live line on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from satapi.cli.database import say

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from satapi.ingest.load import BadItem, Report

_PLAIN_INTERVAL_S = 5


@contextmanager
def shown(noun: str) -> Generator[tuple[Callable[[Report], None], Callable[[BadItem], None]]]:
    """Yield what to call with the report after each batch, and what to call with each bad document."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain(noun), lambda bad: say(str(bad))
        return
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(f"Loading {noun}", total=None)
        yield (
            lambda report: progress.update(task, description=_described(noun, report)),
            lambda bad: progress.console.print(str(bad), markup=False, highlight=False, soft_wrap=True),
        )


def summary(noun: str, report: Report) -> str:
    """Everything that a load did, in one line."""
    counts = {
        "new": report.inserted,
        "changed": report.updated,
        "unchanged": report.unchanged,
        "ignored": report.ignored,
        "deleted": report.deleted,
        "bad": report.bad,
    }
    what = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return f"{report.read:,} {noun} in {report.seconds:.1f} s ({_rate(report):,.0f}/s): {what or 'nothing'}"


def plain_times() -> Callable[[], bool]:
    """Make a function that says whether a plain line is due: every few seconds, and not at once."""
    due = monotonic() + _PLAIN_INTERVAL_S

    def is_due() -> bool:
        nonlocal due
        if monotonic() < due:
            return False
        due = monotonic() + _PLAIN_INTERVAL_S
        return True

    return is_due


def _plain(noun: str) -> Callable[[Report], None]:
    is_due = plain_times()

    def tell(report: Report) -> None:
        if is_due():
            say(_described(noun, report))

    return tell


def _described(noun: str, report: Report) -> str:
    megabytes = report.bytes / report.seconds / 1e6 if report.seconds else 0
    bad = f", {report.bad:,} bad" if report.bad else ""
    return f"{report.read:,} {noun}, {_rate(report):,.0f}/s, {megabytes:,.0f} MB/s{bad}"


def _rate(report: Report) -> float:
    return report.read / report.seconds if report.seconds else 0.0

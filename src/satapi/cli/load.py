"""`satapi load`: files into the catalog, with progress, a report and an exit code that tells of bad documents."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import msgspec
import typer
import uvloop

from satapi.cli.changes import after_load
from satapi.cli.database import Target, catalog
from satapi.cli.partitions import separate_large
from satapi.cli.progress import shown, summary
from satapi.errors import LoadError
from satapi.ingest.load import Helpers, Report, load_collections, load_items
from satapi.ingest.rules import of_backups, of_loads

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.ingest.load import OnError
    from satapi.ingest.rules import Rules
    from satapi.ingest.store import Method

Noun = Literal["collections", "items"]

_EXIT_SKIPPED = 3


def load_files(
    noun: Noun,
    dsn: str | None,
    files: Sequence[str],
    *,
    method: Method,
    on_error: OnError,
    batch_size: int,
    validate: bool,
    jobs: int,
    json: bool,
) -> None:
    """Load the files and report; exits with 3 if bad documents were skipped, raises LoadError if the load stopped."""
    with catalog(dsn) as found:
        rules = of_loads(found.settings, validate=validate)
        helpers = _helpers(found, jobs)
        load = _load(found, noun, files, helpers, method=method, on_error=on_error, batch_size=batch_size, rules=rules)
        report = uvloop.run(load)
    typer.echo(msgspec.json.encode(report) if json else summary(noun, report))
    if report.bad:
        raise typer.Exit(_EXIT_SKIPPED)


def load_folder(
    dsn: str | None,
    folder: str,
    *,
    method: Method,
    on_error: OnError,
    batch_size: int,
    validate: bool,
    jobs: int,
    json: bool,
) -> None:
    """Load what `satapi export all` wrote to a folder and report, as `load_files` does."""
    files: dict[Noun, list[str]] = {
        noun: sorted(map(str, Path(folder).glob(f"{noun}.ndjson*"))) for noun in get_args(Noun)
    }
    for noun, found in files.items():
        if len(found) != 1:
            raise LoadError(f"{folder} has {len(found)} files {noun}.ndjson, .gz or .zst; one is expected")
    reports: dict[Noun, Report] = {}
    with catalog(dsn) as target:
        rules = of_backups(target.settings, validate=validate)
        for noun, found in files.items():
            helpers = _helpers(target, jobs)
            load = _load(
                target, noun, found, helpers, method=method, on_error=on_error, batch_size=batch_size, rules=rules
            )
            reports[noun] = uvloop.run(load)
    if json:
        typer.echo(msgspec.json.encode(reports))
    else:
        for noun, report in reports.items():
            typer.echo(summary(noun, report))
    if any(report.bad for report in reports.values()):
        raise typer.Exit(_EXIT_SKIPPED)


def _helpers(found: Target, jobs: int) -> Helpers | None:
    return Helpers(jobs, found.dsn, found.settings) if jobs > 1 else None


async def _load(
    found: Target,
    noun: Noun,
    files: Sequence[str],
    helpers: Helpers | None,
    *,
    method: Method,
    on_error: OnError,
    batch_size: int,
    rules: Rules,
) -> Report:
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(found.connected())
        load = partial(load_items, helpers=helpers) if noun == "items" else load_collections
        on_progress, on_bad = stack.enter_context(shown(noun))
        report = await load(
            connection,
            files,
            method=method,
            on_error=on_error,
            batch_size=batch_size,
            rules=rules,
            on_progress=on_progress,
            # The error of a load that stops names the bad document itself.
            on_bad=on_bad if on_error == "skip" else None,
        )
        await separate_large(found, connection)
        await after_load(found, connection)
        return report

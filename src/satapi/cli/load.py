"""`satapi load`: sources into the catalog, with progress, a report and an exit code that tells of bad documents."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import msgspec
import typer
import uvloop

from satapi.cli.changes import after_load
from satapi.cli.database import Target, catalog, say
from satapi.cli.partitions import separate_large
from satapi.cli.progress import shown, summary
from satapi.errors import InvalidError, LoadError
from satapi.ingest import replace
from satapi.ingest.check import check
from satapi.ingest.hrefs import is_web
from satapi.ingest.load import Helpers, ItemMethod, OnError, Report, load_collections, load_items
from satapi.ingest.resume import Resume
from satapi.ingest.rules import Rules, of_backups, of_loads
from satapi.ingest.sources import Noun, Reading

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXIT_SKIPPED = 3


class How(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a load."""

    reading: Reading
    method: ItemMethod = "upsert"
    collection: str | None = None
    resume: str | None = None
    on_error: OnError = "stop"
    batch_size: int = 1_000
    validate: bool = False
    jobs: int = 1
    dry_run: bool = False
    json: bool = False


class _Part(msgspec.Struct, frozen=True):
    """One of the loads of a command."""

    noun: Noun
    sources: Sequence[str]
    how: How
    rules: Rules


def load_sources(noun: Noun, dsn: str | None, sources: Sequence[str], how: How) -> None:
    """Load sources and report; exits with 3 if bad documents were skipped, raises LoadError if the load stopped."""
    rules = of_loads(how.reading.settings, validate=how.validate)
    reports = _run(dsn, [_Part(noun, sources, how, rules)])
    _tell(reports, msgspec.json.encode(reports[noun]) if how.json else None)


def load_all(dsn: str | None, source: str, how: How) -> None:
    """Load collections and then items of one source and report, as `load_sources` does."""
    reading = msgspec.structs.replace(how.reading, is_deep=True)
    collections = msgspec.structs.replace(
        how,
        # A part of the items is of these collections all the same.
        reading=msgspec.structs.replace(reading, chosen=reading.chosen.without_conditions),
        method="upsert" if how.method == "replace" else how.method,
        resume=None,
    )
    found = _found(source)
    rules = (of_loads if found["items"] == found["collections"] else of_backups)(
        how.reading.settings, validate=how.validate
    )
    parts = [
        _Part("collections", found["collections"], collections, rules),
        _Part("items", found["items"], how, rules),
    ]
    reports = _run(dsn, parts)
    _tell(reports, msgspec.json.encode(reports) if how.json else None)


def _found(source: str) -> Mapping[Noun, Sequence[str]]:
    """Where collections and items are: in the files of an export, or both in a catalog or an API."""
    folder = Path(source)
    if not folder.is_dir():
        if not is_web(source) and folder.suffix != ".json":
            allowed = (
                "a folder that `satapi export all` wrote, a catalog (a file .json or a URL), or the URL of a STAC API"
            )
            raise InvalidError("SOURCE", source, f"it must be {allowed}")
        return {noun: [source] for noun in get_args(Noun)}
    files = {noun: sorted(map(str, folder.glob(f"{noun}.ndjson*"))) for noun in get_args(Noun)}
    if not any(files.values()) and (folder / "catalog.json").is_file():
        return {noun: [str(folder / "catalog.json")] for noun in get_args(Noun)}
    for noun, found in files.items():
        if len(found) != 1:
            raise LoadError(
                f"{source} has {len(found)} files {noun}.ndjson, .gz or .zst; one is expected, or else a catalog.json"
            )
    return files


def _run(dsn: str | None, parts: Sequence[_Part]) -> dict[Noun, Report]:
    for part in parts:
        if part.how.method == "replace":
            replace.check(part.how.reading)
    resumes = {part.noun: _resume(part) for part in parts}
    if any(part.how.dry_run for part in parts):
        return {part.noun: _check(part) for part in parts}
    reports: dict[Noun, Report] = {}
    with catalog(dsn) as target:
        for part in parts:
            reports[part.noun] = uvloop.run(_load(target, part, resumes[part.noun]))
    return reports


def _tell(reports: Mapping[Noun, Report], json: bytes | None) -> None:
    if json is not None:
        typer.echo(json)
    else:
        for noun, report in reports.items():
            typer.echo(summary(noun, report))
    if any(report.bad for report in reports.values()):
        raise typer.Exit(_EXIT_SKIPPED)


def _resume(part: _Part) -> Resume | None:
    if part.how.resume is None:
        return None
    if len(part.sources) != 1:
        raise LoadError(f"--resume is for a load from one STAC API; {len(part.sources)} sources are named")
    return Resume(part.how.resume, part.sources[0], part.how.reading.chosen)


def _check(part: _Part) -> Report:
    with shown(part.noun) as (on_progress, on_bad):
        return check(
            part.noun,
            part.sources,
            reading=part.how.reading,
            collection=part.how.collection,
            batch_size=part.how.batch_size,
            rules=part.rules,
            on_progress=on_progress,
            on_bad=on_bad,
        )


async def _load(found: Target, part: _Part, resume: Resume | None) -> Report:
    how = part.how
    reading = how.reading
    if resume is not None:
        reading = msgspec.structs.replace(reading, begin=resume.begin())
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(found.connected())
        if part.noun == "items":
            load = partial(
                load_items,
                helpers=Helpers(how.jobs, found.dsn, found.settings) if how.jobs > 1 else None,
                method=how.method,
                collection=how.collection,
                on_stored=None if resume is None else resume.stored,
            )
        else:
            load = partial(load_collections, method="upsert" if how.method == "replace" else how.method)
        on_progress, on_bad = stack.enter_context(shown(part.noun))
        report = await load(
            connection,
            part.sources,
            reading=reading,
            on_error=how.on_error,
            batch_size=how.batch_size,
            rules=part.rules,
            on_progress=on_progress,
            # The error of a load that stops names the bad document itself.
            on_bad=on_bad if how.on_error == "skip" else None,
        )
        if resume is not None:
            resume.finish()
        if part.noun == "items" and how.method == "replace" and report.bad:
            say("Nothing is deleted: some documents are bad, so what else the source has is not known for sure")
        await separate_large(found, connection)
        await after_load(found, connection)
        return report

"""`satapi sample`: the sample data, loaded or written to files."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec
import typer
import uvloop

from satapi.cli.database import Target, catalog
from satapi.cli.progress import summary
from satapi.errors import SatapiError
from satapi.ingest.load import Report, load_collections, load_items
from satapi.ingest.sample import sample_collections, sample_items

if TYPE_CHECKING:
    from collections.abc import Iterable


def write_sample(folder: str) -> None:
    """Write the sample data to collections.ndjson and items.ndjson in the folder, making it if need be."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for path in _written(Path(folder)):
            typer.echo(path)
    except OSError as error:
        raise SatapiError(f"The sample cannot be written to {folder}: {error.strerror}") from error


def load_sample(dsn: str | None, *, only_if_empty: bool, json: bool) -> None:
    """Load the sample data, as `satapi load` would from files, and report."""
    with catalog(dsn) as found:
        reports = uvloop.run(_load(found, only_if_empty=only_if_empty))
    if json:
        typer.echo(msgspec.json.encode(reports))
        return
    for noun, report in reports.items():
        typer.echo(summary(noun, report))
    if not reports:
        typer.echo("The catalog has collections already; no sample data was loaded")


async def _load(found: Target, *, only_if_empty: bool) -> dict[str, Report]:
    async with found.connected() as connection:
        if only_if_empty and await connection.fetchval("select exists (select from collections)"):
            return {}
        with TemporaryDirectory() as folder:
            collections, items = _written(Path(folder))
            return {
                "collections": await load_collections(connection, [str(collections)]),
                "items": await load_items(connection, [str(items)]),
            }


def _written(folder: Path) -> tuple[Path, Path]:
    return (
        _write(folder / "collections.ndjson", sample_collections()),
        _write(folder / "items.ndjson", sample_items()),
    )


def _write(path: Path, documents: Iterable[bytes]) -> Path:
    with path.open("wb") as file:
        file.writelines(document + b"\n" for document in documents)
    return path

"""The commands of `satapi load`: their options and their help."""
# ruff: noqa: PLC0415 - as in commands.py: to import all of satapi takes 0.7 s

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated, Literal

import typer

from satapi.cli.options import (
    JOBS_DEFAULT,
    BatchSize,
    DeferIndexes,
    Dsn,
    Force,
    Jobs,
    Json,
    Method,
    OnError,
    Validate,
    examples,
)

load = typer.Typer(
    no_args_is_help=True, help="Load collections and items from files, static catalogs and other STAC APIs."
)

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        help="Files, folders, patterns ('scenes/**/*.json'), static catalogs or STAC APIs (path or URL); - is standard"
        " input.",
    ),
]
Whole = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        help="A folder that `satapi export all` wrote, a static catalog (path or URL), or the URL of a STAC API.",
    ),
]
ItemMethod = Annotated[
    Literal["insert", "ignore", "upsert", "replace"],
    typer.Option(
        help="What to do about an id that exists: fail, keep what is there, or replace it; replace is upsert, and then"
        " deletes the collections' items that the source does not have."
    ),
]
Into = Annotated[
    str | None, typer.Option("--collection", metavar="ID", help="Make all items those of this collection.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and check everything, and write nothing.")]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="Keep in this file how far the API has been read, and go on from there if it exists."
    ),
]
Hrefs = Annotated[
    Literal["auto", "absolute", "given"],
    typer.Option(
        help="Relative hrefs of assets and links: auto makes them absolute in what comes over the web, absolute in"
        " everything, given in nothing."
    ),
]
From = Annotated[
    list[str] | None,
    typer.Option(
        "--from-collection", metavar="ID", help="Of an API: only this collection; may be given several times."
    ),
]
Bbox = Annotated[str | None, typer.Option(help="Of an API: only items in west,south,east,north in degrees.")]
Datetime = Annotated[
    str | None, typer.Option(help="Of an API: only items of a time or interval, such as 2024-01-01T00:00:00Z/..")
]
Filter = Annotated[str | None, typer.Option("--filter", help="Of an API: only items that match this CQL2 text.")]
PageSize = Annotated[int, typer.Option(min=1, max=10_000, help="Items on a page that an API is asked for.")]
Header = Annotated[
    list[str] | None,
    typer.Option(metavar="'NAME: VALUE'", help="Send this to the server of the source; may be given several times."),
]


@load.command(
    epilog=examples(
        "satapi load collections landsat.json sentinel.json",
        "satapi load collections --method ignore collections.ndjson",
        "satapi load collections https://earth-search.aws.element84.com/v1",
    )
)
def collections(
    sources: Sources,
    *,
    method: Method = "upsert",
    from_collection: From = None,
    hrefs: Hrefs = "auto",
    header: Header = None,
    dry_run: DryRun = False,
    on_error: OnError = "stop",
    validate: Validate = False,
    batch_size: BatchSize = 1_000,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Load collections.

    Of a catalog they are those below it; of a folder or a pattern all files that hold collections are read.
    """
    from satapi.cli.load import How, load_sources
    from satapi.cli.reading import read_how

    how = How(
        reading=read_how(hrefs=hrefs, headers=header, collections=from_collection),
        method=method,
        on_error=on_error,
        validate=validate,
        batch_size=batch_size,
        dry_run=dry_run,
        json=json,
    )
    load_sources("collections", dsn, sources, how)


@load.command(
    epilog=examples(
        "satapi load items scenes.ndjson.gz 'more/**/*.geojson'",
        "curl -s https://example.com/items.ndjson | satapi load items -",
        "satapi load items --dry-run --validate --json scenes/ > report.json",
        "satapi load items --collection scenes --method replace https://example.com/catalog.json",
        "satapi load items --from-collection sentinel-2-l2a --datetime 2024-06-01T00:00:00Z/.. --resume state"
        " https://earth-search.aws.element84.com/v1",
    )
)
def items(
    sources: Sources,
    *,
    method: ItemMethod = "upsert",
    collection: Into = None,
    from_collection: From = None,
    bbox: Bbox = None,
    datetime: Datetime = None,
    filter_text: Filter = None,
    page_size: PageSize = 250,
    resume: Resume = None,
    hrefs: Hrefs = "auto",
    header: Header = None,
    dry_run: DryRun = False,
    on_error: OnError = "stop",
    validate: Validate = False,
    batch_size: BatchSize = 1_000,
    jobs: Jobs = JOBS_DEFAULT,
    defer_indexes: DeferIndexes = False,
    force: Force = False,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Load items, whose collections must be there already.

    A load that stops keeps its whole batches and says where to go on.
    It may as well be run again from the start: items that are there already are not written again.
    """
    from satapi.cli.indexes import deferring
    from satapi.cli.load import How, load_sources
    from satapi.cli.reading import read_how

    how = How(
        reading=read_how(
            hrefs=hrefs,
            headers=header,
            collections=from_collection,
            bbox=bbox,
            datetime=datetime,
            filter=filter_text,
            page_size=page_size,
            resume=resume,
        ),
        method=method,
        collection=collection,
        resume=resume,
        on_error=on_error,
        validate=validate,
        batch_size=batch_size,
        jobs=jobs,
        dry_run=dry_run,
        json=json,
    )
    with deferring(dsn, force=force) if defer_indexes and not dry_run else nullcontext():
        load_sources("items", dsn, sources, how)


@load.command(
    "all",
    epilog=examples(
        "satapi export all backup && satapi load all backup --dsn postgresql:///other",
        "satapi load all https://example.com/catalog.json",
        "satapi load all --from-collection landsat-c2-l2 --resume state https://landsatlook.usgs.gov/stac-server",
    ),
)
def everything(
    source: Whole,
    *,
    method: ItemMethod = "upsert",
    from_collection: From = None,
    bbox: Bbox = None,
    datetime: Datetime = None,
    filter_text: Filter = None,
    page_size: PageSize = 250,
    resume: Resume = None,
    hrefs: Hrefs = "auto",
    header: Header = None,
    dry_run: DryRun = False,
    on_error: OnError = "stop",
    validate: Validate = False,
    batch_size: BatchSize = 1_000,
    jobs: Jobs = JOBS_DEFAULT,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Load collections and then their items: an export, a static catalog, or another STAC API.

    With replace, items are deleted that the source does not have; collections never are.
    """
    from satapi.cli.load import How, load_all
    from satapi.cli.reading import read_how

    how = How(
        reading=read_how(
            hrefs=hrefs,
            headers=header,
            collections=from_collection,
            bbox=bbox,
            datetime=datetime,
            filter=filter_text,
            page_size=page_size,
            resume=resume,
        ),
        method=method,
        resume=resume,
        on_error=on_error,
        validate=validate,
        batch_size=batch_size,
        jobs=jobs,
        dry_run=dry_run,
        json=json,
    )
    load_all(dsn, source, how)

"""The commands of `satapi load`: their options and their help."""
# ruff: noqa: PLC0415 - as in commands.py: to import all of satapi takes 0.7 s

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from satapi.cli.options import (
    JOBS_DEFAULT,
    BatchSize,
    DeferIndexes,
    Dsn,
    Files,
    Force,
    Jobs,
    Json,
    Method,
    OnError,
    Validate,
    examples,
)

load = typer.Typer(no_args_is_help=True, help="Load collections and items from files.")


@load.command(
    epilog=examples(
        "satapi load collections landsat.json sentinel.json",
        "satapi load collections --method ignore collections.ndjson",
    )
)
def collections(
    files: Files,
    *,
    method: Method = "upsert",
    on_error: OnError = "stop",
    validate: Validate = False,
    batch_size: BatchSize = 1_000,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Load collections."""
    from satapi.cli.load import load_files

    load_files(
        "collections",
        dsn,
        files,
        method=method,
        on_error=on_error,
        batch_size=batch_size,
        validate=validate,
        jobs=1,
        json=json,
    )


@load.command(
    epilog=examples(
        "satapi load items scenes.ndjson.gz",
        "curl -s https://example.com/collections/scenes/items | satapi load items -",
        "satapi load items --validate --on-error skip --json scenes/*.json > report.json",
        "satapi load items --jobs 8 --defer-indexes archive/*.ndjson.zst",
    )
)
def items(
    files: Files,
    *,
    method: Method = "upsert",
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
    from satapi.cli.load import load_files

    with deferring(dsn, force=force) if defer_indexes else nullcontext():
        load_files(
            "items",
            dsn,
            files,
            method=method,
            on_error=on_error,
            batch_size=batch_size,
            validate=validate,
            jobs=jobs,
            json=json,
        )


@load.command("all", epilog=examples("satapi export all backup && satapi load all backup --dsn postgresql:///other"))
def everything(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", show_default=False, help="What an export wrote.")],
    *,
    method: Method = "upsert",
    on_error: OnError = "stop",
    validate: Validate = False,
    batch_size: BatchSize = 1_000,
    jobs: Jobs = JOBS_DEFAULT,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Load the collections and items that `satapi export all` wrote to a folder."""
    from satapi.cli.load import load_folder

    load_folder(
        dsn, folder, method=method, on_error=on_error, batch_size=batch_size, validate=validate, jobs=jobs, json=json
    )

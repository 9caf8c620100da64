"""Options that several commands have, and how their help shows examples."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer

Dsn = Annotated[
    str | None,
    typer.Option(
        help="PostgreSQL to use, as postgresql://user@host/database; without it SATAPI_DSN, or one that satapi runs."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Report on standard output as one line of JSON.")]

Method = Annotated[
    Literal["insert", "ignore", "upsert"],
    typer.Option(help="What to do about an id that exists: fail, keep what is there, or replace it."),
]
OnError = Annotated[
    Literal["stop", "skip"], typer.Option(help="Stop at the first bad document, or report and skip bad ones.")
]
Validate = Annotated[
    bool,
    typer.Option(
        "--validate",
        help="Check documents by the JSON Schemas of STAC 1.0.0 and 1.1.0, of GeoJSON, and of extensions in the folder "
        "SATAPI_SCHEMAS. Bad ones are dealt with as --on-error says.",
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, max=100_000, help="Documents in a batch; each is stored whole or not.")]
Jobs = Annotated[
    int,
    typer.Option(
        min=1,
        max=64,
        help="Processes that prepare and store at the same time; by default one more than there are cores.",
    ),
]
JOBS_DEFAULT = min(8, 1 + (os.cpu_count() or 1))
DeferIndexes = Annotated[
    bool,
    typer.Option(
        "--defer-indexes",
        help="For a first load: drop the indexes and build them at its end, or by `satapi index build`.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Defer indexes also where there are many items already.")]
Collection = Annotated[str, typer.Argument(metavar="COLLECTION", show_default=False, help="The collection's id.")]


def examples(*lines: str) -> str:
    """Write command lines as an epilog."""
    # An epilog shows each of its paragraphs on a line.
    return "\n\n".join(("[bold]Examples[/bold]", *lines))

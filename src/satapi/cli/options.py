"""Options that several commands have, and how their help shows examples."""

from __future__ import annotations

from typing import Annotated

import typer

Dsn = Annotated[
    str | None,
    typer.Option(
        help="PostgreSQL to use, as postgresql://user@host/database; without it SATAPI_DSN, or one that satapi runs."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Report on standard output as one line of JSON.")]


def examples(*lines: str) -> str:
    """Write command lines as an epilog."""
    # An epilog shows each of its paragraphs on a line.
    return "\n\n".join(("[bold]Examples[/bold]", *lines))

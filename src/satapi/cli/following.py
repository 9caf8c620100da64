"""The commands of `satapi changes`: their options and their help."""
# ruff: noqa: PLC0415 - as in commands.py: to import all of satapi takes 0.7 s

from __future__ import annotations

from typing import Annotated

import typer

from satapi.cli.options import Dsn, Json, examples

changes = typer.Typer(no_args_is_help=True, help="Follow what changes in the catalog, and see how the record stands.")

Since = Annotated[
    str | None,
    typer.Option(
        metavar="PLACE",
        help="Where to begin: a token of the feed, a time as 2024-01-01T00:00:00Z, oldest or now (the default).",
    ),
]
Collections = Annotated[
    list[str] | None, typer.Option("--collection", metavar="ID", help="Only this one; may be given several times.")
]
State = Annotated[
    str | None,
    typer.Option(
        "--state",
        metavar="FILE",
        help="Go on where FILE says, if it is there; it is kept up with the output.",
    ),
]
Once = Annotated[bool, typer.Option("--once", help="End when there are no more changes, and do not wait for others.")]
Days = Annotated[
    float | None, typer.Option(min=0, help="Delete what is older, instead of SATAPI_CHANGES_DAYS; 0 deletes nothing.")
]


@changes.command(
    epilog=examples(
        "satapi changes follow --since oldest | jq -c 'select(.kind == \"item\")'",
        "satapi changes follow --collection sentinel-2-l2a --state place.txt >> changes.ndjson",
        "satapi changes follow --state place.txt --once | mirror",
    )
)
def follow(
    *, since: Since = None, collection: Collections = None, state: State = None, once: Once = False, dsn: Dsn = None
) -> None:
    """Print changes as lines of JSON, as they happen, until it is stopped.

    Each has the token to go on behind it. With --state a follower that is stopped, or killed, goes on where it was; the
    line that was being written then may come twice.
    """
    from satapi.cli.changes import follow as run

    run(dsn, since=since, collections=collection or (), file=state, once=once)


@changes.command(epilog=examples("satapi changes status --json"))
def status(*, dsn: Dsn = None, json: Json = False) -> None:
    """Tell whether changes are recorded, what is kept of them, and how many wait for the end of a transaction."""
    from satapi.cli.changes import status as show

    show(dsn, json=json)


@changes.command(epilog=examples("satapi changes prune", "satapi changes prune --days 30"))
def prune(*, days: Days = None, dsn: Dsn = None) -> None:
    """Delete changes that are older than SATAPI_CHANGES_DAYS, as the end of each load does.

    Who has not followed so far is told to start anew.
    """
    from satapi.cli.changes import prune as run

    run(dsn, days)


@changes.command(epilog=examples("satapi changes on"))
def on(*, dsn: Dsn = None) -> None:
    """Have changes recorded again; who followed before they were turned off is told to start anew."""
    from satapi.cli.changes import switch

    switch(dsn, recording=True)


@changes.command(epilog=examples("satapi changes off"))
def off(*, dsn: Dsn = None) -> None:
    """Have changes recorded no longer, whoever makes them."""
    from satapi.cli.changes import switch

    switch(dsn, recording=False)

"""The commands about collections: what they have, and what of them is kept true of their items."""
# ruff: noqa: PLC0415 - as in satapi.cli.commands: what a command does is imported when it runs

from __future__ import annotations

from typing import Annotated

import typer

from satapi.cli.options import Dsn, Json, examples

collections = typer.Typer(
    no_args_is_help=True, help="List collections, and choose which have the extent and summaries of their items."
)

Ids = Annotated[list[str] | None, typer.Argument(metavar="COLLECTION", show_default=False, help="Ids of collections.")]


@collections.command(
    "list",
    epilog=examples(
        "satapi collections list", "satapi collections list --json | jq -r '.[] | select(.exact == false) | .id'"
    ),
)
def list_collections(*, dsn: Dsn = None, json: Json = False) -> None:
    """List the collections, with the number of their items, their extent as it is served, and what is maintained.

    An extent that may be too wide, since items at its edge were deleted, is marked: a refresh makes it exact.
    """
    from satapi.cli.collections import show

    show(dsn, json=json)


@collections.command(
    epilog=examples(
        "satapi collections maintain sentinel-2-l2a landsat-8-l1",
        "satapi collections maintain --all --extent",
        "satapi collections maintain sentinel-2-l2a --off",
        "satapi collections maintain --new --extent",
    )
)
def maintain(
    ids: Ids = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All collections that there are.")] = False,
    new: Annotated[bool, typer.Option("--new", help="Collections that are made from now on.")] = False,
    extent: Annotated[bool, typer.Option("--extent", help="Only the extent, and the summaries as given.")] = False,
    summaries: Annotated[
        bool, typer.Option("--summaries", help="Only the summaries, and the extent as given.")
    ] = False,
    off: Annotated[bool, typer.Option("--off", help="Everything as it was given again.")] = False,
    dsn: Dsn = None,
) -> None:
    """Have collections served with the extent and the summaries of their items, instead of those that they came with.

    Of the extent, that is the first box and the first interval; of the summaries, those that the collection came with.
    All else is as given, and what was given is kept: --off brings it back.
    Their items are read once, while searches and loads go on; from then on, every write keeps them true.
    """
    from satapi.cli.collections import maintain as choose

    choose(dsn, ids or [], every=every, new=new, extent=extent, summaries=summaries, off=off)


@collections.command(epilog=examples("satapi collections refresh", "satapi collections refresh sentinel-2-l2a"))
def refresh(ids: Ids = None, *, dsn: Dsn = None) -> None:
    """Make the extent and the summaries of maintained collections exact, after deletions; without ids, of all of them.

    Searches and loads go on meanwhile.
    """
    from satapi.cli.collections import refresh as renew

    renew(dsn, ids or None)

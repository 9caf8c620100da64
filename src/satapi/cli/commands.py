"""The commands, their options and their help; what a command does is imported when it runs, so that help is quick.

Exit codes: 0 done; 1 failed, and standard error says why; 2 the command line is wrong; 3 done, but bad documents were
skipped; 130 interrupted.
"""
# ruff: noqa: PLC0415 - as said above: to import all of satapi takes 0.7 s

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from satapi import __version__
from satapi.cli.exports import export
from satapi.cli.following import changes
from satapi.cli.hooks import webhooks
from satapi.cli.loads import load
from satapi.cli.options import Collection, Dsn, Json, examples
from satapi.cli.properties import index, queryables
from satapi.errors import SatapiError

if TYPE_CHECKING:
    from types import FrameType


app = typer.Typer(
    name="satapi",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
    epilog=examples(
        "satapi sample && satapi serve",
        "satapi load collections my-collections.json && satapi load items my-items/*.ndjson.zst",
    ),
)
db = typer.Typer(no_args_is_help=True, help="Bring the database's schema up to date, or see whether it is.")
app.add_typer(db, name="db")
app.add_typer(load, name="load")
partitions = typer.Typer(no_args_is_help=True, help="See and choose which collections have a partition of their own.")
app.add_typer(partitions, name="partitions")
text = typer.Typer(no_args_is_help=True, help="See and choose what free text (q) searches of items.")
app.add_typer(text, name="text")

app.add_typer(queryables, name="queryables")
app.add_typer(index, name="index")
app.add_typer(export, name="export")
app.add_typer(changes, name="changes")
app.add_typer(webhooks, name="webhooks")


def _version(value: bool) -> None:  # noqa: FBT001 - typer passes the option's value by position
    if value:
        typer.echo(f"satapi {__version__}")
        raise typer.Exit


@app.callback()
def satapi(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Serve a SpatioTemporal Asset Catalog from PostgreSQL and PostGIS; `satapi settings` lists what can be set."""


@app.command(
    epilog=examples(
        "satapi serve --port 9000",
        "satapi serve --host 0.0.0.0 --workers 4 --dsn postgresql://satapi@db.example.com/stac",
    )
)
def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 is all of the machine's.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 is any free one.")] = 8080,
    workers: Annotated[int, typer.Option(min=1, help="Processes that serve; one for each core is plenty.")] = 1,
    dsn: Dsn = None,
) -> None:
    """Serve the API until Ctrl-C or SIGTERM.

    The embedded PostgreSQL is started, migrated and stopped along with it.
    Another one is used as it is: its schema must be the one that this satapi knows, see `satapi db migrate`.
    """
    from satapi.cli.serve import run

    run(dsn, host=host, port=port, workers=workers)


@db.command(epilog=examples("satapi db migrate --dsn postgresql://satapi@db.example.com/stac"))
def migrate(*, dsn: Dsn = None) -> None:
    """Apply the migrations that the database lacks."""
    from satapi.cli.schema import apply

    apply(dsn)


@db.command(epilog=examples("satapi db status --dsn postgresql://satapi@db.example.com/stac || echo not up to date"))
def status(*, dsn: Dsn = None) -> None:
    """List the migrations; exit with 1 unless the database has exactly those of this satapi."""
    from satapi.cli.schema import report

    if not report(dsn):
        raise typer.Exit(1)


@partitions.command("list", epilog=examples("satapi partitions list --json"))
def list_partitions(*, dsn: Dsn = None, json: Json = False) -> None:
    """List the partitions, with their items as they were last counted and their size on disk."""
    from satapi.cli.partitions import show

    show(dsn, json=json)


@partitions.command(epilog=examples("satapi partitions separate sentinel-2-l2a"))
def separate(collection: Collection, *, dsn: Dsn = None) -> None:
    """Move a collection to a partition of its own, which can be vacuumed, detached or dropped alone.

    Searches and loads go on meanwhile; loads of this collection wait for the end of the move.
    Loads do it by themselves for collections with more than SATAPI_PARTITION_ITEMS items.
    """
    from satapi.cli.partitions import separate as move

    move(dsn, collection)


@partitions.command(epilog=examples("satapi partitions merge sentinel-2-l2a"))
def merge(collection: Collection, *, dsn: Dsn = None) -> None:
    """Move a collection back to the partition that small ones share.

    All searches wait meanwhile: 80,000 items of 14 KB took 4 seconds on a quiet machine and 12 on a busy one.
    """
    from satapi.cli.partitions import merge as move

    move(dsn, collection)


@text.command("show", epilog=examples("satapi text show"))
def show_text(*, dsn: Dsn = None) -> None:
    """List the members of properties whose words q finds."""
    from satapi.cli.text import show

    show(dsn)


@text.command("set", epilog=examples("satapi text set title description keywords instruments platform mission"))
def set_text(
    members: Annotated[list[str], typer.Argument(metavar="MEMBER", show_default=False, help="A member of properties.")],
    *,
    dsn: Dsn = None,
) -> None:
    """Choose the members of properties whose words q finds: texts, and lists of texts.

    Items that are loaded from then on have the new words, and then those of all others are made.
    Searches and loads go on meanwhile; items whose turn has not come are found by the words that they had.
    """
    from satapi.cli.text import choose

    choose(dsn, members)


@text.command("refresh", epilog=examples("satapi text refresh"))
def refresh_text(*, dsn: Dsn = None) -> None:
    """Make all words anew, for rows that were written with SQL, or after a set that was stopped."""
    from satapi.cli.text import renew

    renew(dsn)


@app.command(
    epilog=examples(
        "satapi sample",
        "satapi sample --write samples && satapi load collections samples/collections.ndjson",
    )
)
def sample(
    *,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Only if the catalog has no collections yet.")] = False,
    write: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Write collections.ndjson and items.ndjson there instead of loading them."),
    ] = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Make and load sample data, always the same: landsat-8-l1 and sentinel-2-l2a, with 1,000 items each."""
    from satapi.cli.sample import load_sample, write_sample

    if write is None:
        load_sample(dsn, only_if_empty=if_empty, json=json)
    else:
        write_sample(write)


@app.command(epilog=examples("SATAPI_LIMIT_MAX=500 satapi settings"))
def settings() -> None:
    """List the settings: each variable, its value now, its default and what it does."""
    from satapi.cli.settings import show

    show()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGINT)


def main() -> None:
    """Run the command line; what satapi can explain is told on standard error, without a traceback."""
    # Who asks us to stop gets what Ctrl-C does, in the midst of asyncio too: the transaction is rolled back and the
    # embedded PostgreSQL stopped.
    signal.signal(signal.SIGTERM, _interrupt)
    # Shells have it ignored by what they run in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # nohup has it ignored, and means it.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        app()
    except SatapiError as error:
        typer.echo(f"satapi: {error.description}", err=True)
        sys.exit(1)

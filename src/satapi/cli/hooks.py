"""The commands of `satapi webhooks`: their options and their help."""
# ruff: noqa: PLC0415 - as in commands.py: to import all of satapi takes 0.7 s

from __future__ import annotations

from typing import Annotated

import typer

from satapi.cli.options import Dsn, Json, examples

webhooks = typer.Typer(no_args_is_help=True, help="Send changes to other servers, as signed CloudEvents.")

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="What it is called here.")]
Url = Annotated[str, typer.Argument(metavar="URL", show_default=False, help="Where changes are sent, by POST.")]
Since = Annotated[str, typer.Option(metavar="PLACE", help="Where to begin: a token, a time, oldest or now.")]
Collections = Annotated[
    list[str] | None, typer.Option("--collection", metavar="ID", help="Only this one; may be given several times.")
]
Batch = Annotated[
    int, typer.Option(min=1, max=1_000, help="Changes in one request, at most; with 1 each is a request of its own.")
]
Secret = Annotated[
    str | None,
    typer.Option(envvar="WEBHOOK_SECRET", help="What requests are signed with (whsec_...); else one is made and told."),
]


@webhooks.command("list", epilog=examples("satapi webhooks list --json"))
def list_webhooks(*, dsn: Dsn = None, json: Json = False) -> None:
    """List the webhooks, what has arrived and what has not."""
    from satapi.cli.webhooks import show

    show(dsn, json=json)


@webhooks.command(
    epilog=examples(
        "satapi webhooks add mirror https://mirror.example.org/hook --collection sentinel-2-l2a",
        "satapi webhooks add archive https://archive.example.org/hook --since oldest --batch 500",
    )
)
def add(
    name: Name,
    url: Url,
    *,
    since: Since = "now",
    collection: Collections = None,
    batch: Batch = 1,
    secret: Secret = None,
    dsn: Dsn = None,
) -> None:
    """Have changes sent to an address, signed as the Standard Webhooks specification says.

    `satapi webhooks run` sends them, or servers with SATAPI_WEBHOOKS=on.
    """
    from satapi.cli.webhooks import add as run

    run(dsn, name, url, since=since, collections=collection or (), batch=batch, secret=secret)


@webhooks.command(epilog=examples("satapi webhooks remove mirror"))
def remove(name: Name, *, dsn: Dsn = None) -> None:
    """Remove a webhook, with the messages that were given up."""
    from satapi.cli.webhooks import remove as run

    run(dsn, name)


@webhooks.command(epilog=examples("satapi webhooks pause mirror"))
def pause(name: Name, *, dsn: Dsn = None) -> None:
    """Send nothing for now; changes wait, as long as they are kept."""
    from satapi.cli.webhooks import activate

    activate(dsn, name, active=False)


@webhooks.command(epilog=examples("satapi webhooks resume mirror"))
def resume(name: Name, *, dsn: Dsn = None) -> None:
    """Go on at once where a webhook was, also where it waits after a failure or has answered that it wants no more."""
    from satapi.cli.webhooks import activate

    activate(dsn, name, active=True)


@webhooks.command(epilog=examples("satapi webhooks retry mirror"))
def retry(name: Name, *, dsn: Dsn = None) -> None:
    """Send the messages once more that were given up, the oldest first; exit with 1 at the first that fails again."""
    from satapi.cli.webhooks import retry as run

    if not run(dsn, name):
        raise typer.Exit(1)


@webhooks.command(epilog=examples("satapi webhooks run --dsn postgresql://satapi@db.example.com/stac"))
def run(*, dsn: Dsn = None) -> None:
    """Send changes until Ctrl-C or SIGTERM.

    Of several processes one sends, and another goes on when that one is gone.
    What fails is tried again after 5 seconds, and then after twice as long each time, up to an hour; after
    SATAPI_WEBHOOK_ATTEMPTS it is given up and kept, see retry.
    """
    from satapi.cli.webhooks import run as deliver

    deliver(dsn)

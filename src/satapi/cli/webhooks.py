"""`satapi webhooks`: who is sent changes, and sending them."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import httpx
import msgspec
import typer
import uvloop
from msgspec.structs import asdict

from satapi.cli.changes import on_connection
from satapi.cli.database import catalog, say
from satapi.db import changes, webhooks
from satapi.db.pool import fetch, opened
from satapi.db.webhooks import Webhook
from satapi.errors import InvalidError
from satapi.webhooks import delivery, messages, sending

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from satapi.cli.database import Target
    from satapi.db.webhooks import DeadLetter

# Dead letters that are read at a time.
_LETTERS = 100


def show(dsn: str | None, *, json: bool) -> None:
    """List all, without their secrets."""
    with catalog(dsn) as found:
        hooks = uvloop.run(on_connection(found, webhooks.webhooks))
    if json:
        typer.echo(msgspec.json.encode([_shown(hook) for hook in hooks]))
        return
    for hook in hooks:
        of = "all collections" if hook.collections is None else ", ".join(hook.collections)
        state = "" if hook.active else ", paused"
        typer.echo(f"{hook.name}  {hook.url}  {of}{state}: {hook.delivered:,} events delivered")
        if hook.attempts:
            typer.echo(f"  {hook.attempts} attempts failed; the next one is at {hook.next_attempt:%Y-%m-%d %H:%M:%SZ}")
        if hook.error is not None:
            typer.echo(f"  the last failure: {hook.error}")
        if hook.dead_letters:
            typer.echo(f"  {hook.dead_letters:,} messages are given up; `satapi webhooks retry {hook.name}` sends them")


def _shown(hook: Webhook) -> dict[str, object]:
    hidden = {"secret", "place", "version"}
    told: dict[str, object] = {name: value for name, value in asdict(hook).items() if name not in hidden}
    return told | {"token": hook.place.token}


def add(
    dsn: str | None, name: str, url: str, *, since: str, collections: Sequence[str], batch: int, secret: str | None
) -> None:
    """Add one, and tell its secret."""
    _check(url)
    kept = messages.new_secret() if secret is None else messages.checked(secret)

    async def added(connection: asyncpg.Connection) -> None:
        place = await changes.place_of(partial(fetch, connection), since)
        await webhooks.add(
            connection,
            Webhook(name=name, url=url, secret=kept, collections=tuple(collections) or None, batch=batch, place=place),
        )

    with catalog(dsn) as found:
        uvloop.run(on_connection(found, added))
    say(f"{name} is sent changes from now on, where `satapi webhooks run` or a server with SATAPI_WEBHOOKS=on runs")
    if secret is None:
        say("What it needs to check the signatures follows; it is not shown again")
        typer.echo(kept)


def _check(url: str) -> None:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidError("url", url, f"{error}; allowed are http:// and https:// addresses") from None
    if parts.scheme not in {"http", "https"} or not parts.host:
        raise InvalidError("url", url, "allowed are http:// and https:// addresses")


def remove(dsn: str | None, name: str) -> None:
    """Remove one."""
    with catalog(dsn) as found:
        uvloop.run(on_connection(found, partial(webhooks.remove, name=name)))
    typer.echo(f"{name} is sent no more changes")


def activate(dsn: str | None, name: str, *, active: bool) -> None:
    """Have one sent changes again from where it was, or pause it."""
    with catalog(dsn) as found:
        uvloop.run(on_connection(found, partial(webhooks.activate, name=name, active=active)))
    typer.echo(f"{name} is sent changes from where it was" if active else f"{name} is paused")


def retry(dsn: str | None, name: str) -> bool:
    """Send what was given up once more; gives whether all has arrived."""
    with catalog(dsn) as found:
        sent, error = uvloop.run(on_connection(found, partial(_retry, name=name)))
    typer.echo(f"{sent:,} messages have arrived" + (f"; then {error}" if error else ""))
    return error is None


async def _retry(connection: asyncpg.Connection, name: str) -> tuple[int, str | None]:
    hook = next((hook for hook in await webhooks.webhooks(connection) if hook.name == name), None)
    if hook is None:
        raise webhooks.unknown(name)
    sent = 0
    async with sending.client() as sender:
        while letters := await webhooks.dead_letters(connection, name, _LETTERS):
            for letter in letters:
                outcome = await sending.send(sender, hook.url, hook.secret, _message(hook, letter))
                if outcome.error is not None:
                    return sent, outcome.error
                await webhooks.forget(connection, letter)
                sent += 1
    return sent, None


def _message(hook: Webhook, letter: DeadLetter) -> messages.Message:
    return messages.Message(letter.message, letter.content_type, letter.body, hook.place, 0)


def run(dsn: str | None) -> None:
    """Deliver until it is stopped."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    with catalog(dsn) as found:
        say("Changes are delivered to webhooks - Ctrl-C stops it")
        uvloop.run(_run(found))


async def _run(found: Target) -> None:
    async with opened(found.dsn, found.settings) as database:
        await delivery.run(database, found.dsn, found.settings)

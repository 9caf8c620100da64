"""`satapi changes`: the change feed for shells, and for who keeps it."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import asyncpg
import msgspec
import typer
import uvloop

from satapi.cli.database import Target, catalog, say
from satapi.db import changes
from satapi.db.bell import Bell, heard
from satapi.db.failures import translated
from satapi.db.pool import connect, fetch
from satapi.errors import SatapiError, UnavailableError
from satapi.query.inventory import ITEMS
from satapi.stac.search import Search
from satapi.stac.times import format_instant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from satapi.query.sql import Sql
    from satapi.stac.changes import Change

_PAGE_CHANGES = 1_000
# As in the server: where the bell cannot be heard, and where changes wait for the end of a transaction.
_LOOK_INTERVAL_S = 5.0
_HELD_INTERVAL_S = 0.2
_AWAY_S = 2.0
_CLOSE_TIMEOUT_S = 5

T = TypeVar("T")


def follow(dsn: str | None, *, since: str | None, collections: Sequence[str], file: str | None, once: bool) -> None:
    """Print changes, each with the place behind it kept in the file when it is written."""
    kept = None if file is None else _kept(Path(file))
    with catalog(dsn) as found:
        output = _Output(None if file is None else Path(file))
        search = Search(limit=_PAGE_CHANGES, collections=tuple(collections) or None)
        uvloop.run(_follow(found, kept or since or changes.NOW, search, output, once=once))


def status(dsn: str | None, *, json: bool) -> None:
    """Tell how the feed stands."""
    with catalog(dsn) as found:
        stands = uvloop.run(on_connection(found, changes.status))
    if json:
        typer.echo(msgspec.json.encode(stands))
        return
    if not stands.recording:
        typer.echo("Changes are not recorded; `satapi changes on` has them recorded")
        return
    kept = " to ".join(format_instant(time) for time in (stands.oldest, stands.newest) if time is not None)
    size = f"{stands.changes:,} changes in {stands.rows:,} rows, {stands.bytes / 1e6:,.1f} MB"
    typer.echo(f"{size}: {kept}" if kept else size)
    if stands.waiting:
        typer.echo(f"{stands.waiting:,} of them wait for the end of a transaction that began to write before them")
    typer.echo(f"The token of now is {stands.token}")


def prune(dsn: str | None, days: float | None) -> None:
    """Delete old changes."""
    with catalog(dsn) as found:
        at_most = found.settings.changes_days if days is None else days
        pruned = uvloop.run(on_connection(found, partial(changes.prune, days=at_most)))
    typer.echo("Another prunes them now" if pruned is None else f"{pruned:,} rows of changes are deleted")


def switch(dsn: str | None, *, recording: bool) -> None:
    """Turn the record on or off."""
    with catalog(dsn) as found:
        changed = uvloop.run(on_connection(found, partial(changes.switch, recording=recording)))
    state = "recorded" if recording else "not recorded"
    typer.echo(f"Changes are {state} from now on" if changed else f"Changes were {state} already")


async def after_load(found: Target, connection: asyncpg.Connection) -> None:
    """Delete old changes at the end of a load, which is done by then: what is in the way is told."""
    try:
        await changes.prune(connection, found.settings.changes_days)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        say(f"Everything is loaded, but old changes could not be deleted: {error or type(error).__name__}")


async def on_connection(found: Target, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Do something on a connection of its own."""
    async with found.connected() as connection:
        return await work(connection)


class _Output:
    """Standard output, and the file that says how far it has come."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def write(self, change: Change) -> None:
        """Write a line, and then the place behind it."""
        line = {"token": change.place.token} | {
            name: getattr(change, name) for name in ("time", "kind", "operation", "collection", "id")
        }
        sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
        sys.stdout.buffer.flush()
        self.keep(change.place.token)

    def keep(self, token: str) -> None:
        """Keep a place: the file has the one or the other, whenever it is looked at."""
        if self._file is None:
            return
        beside = self._file.with_name(self._file.name + ".new")
        try:
            beside.write_text(token + "\n")
            beside.replace(self._file)
        except OSError as error:
            raise SatapiError(f"{self._file} cannot be written: {error}") from error


class _Reader:
    """A connection that is opened again when it is lost."""

    def __init__(self, found: Target) -> None:
        self._found = found
        self._connection: asyncpg.Connection | None = None

    async def fetch(self, statement: Sql) -> Sequence[asyncpg.Record]:
        """Run a statement. Raises UnavailableError."""
        with translated():
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(self._found.dsn, self._found.settings)
            return await fetch(self._connection, statement)

    async def close(self) -> None:
        """Close it."""
        if self._connection is not None:
            await self._connection.close(timeout=_CLOSE_TIMEOUT_S)


async def _follow(found: Target, since: str, search: Search, output: _Output, *, once: bool) -> None:
    reader, bell = _Reader(found), Bell(found.dsn, found.settings)
    try:
        place = await changes.place_of(reader.fetch, since)
        output.keep(place.token)
        while True:
            rung = None if once else bell.mark()
            try:
                page = await changes.page(reader.fetch, place, search, ITEMS)
            except UnavailableError:
                if once:
                    raise
                await asyncio.sleep(_AWAY_S)
                continue
            for change in page.changes:
                output.write(change)
            if page.place != place:
                place = page.place
                output.keep(place.token)
            if page.is_last:
                if rung is None:
                    return
                await heard(rung, _HELD_INTERVAL_S if page.is_held else _LOOK_INTERVAL_S)
    except BrokenPipeError:
        # Who reads has enough, such as head.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        await bell.close()
        await reader.close()


def _kept(file: Path) -> str | None:
    try:
        return file.read_text().strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SatapiError(f"{file} cannot be read: {error}") from error

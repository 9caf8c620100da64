"""`satapi index`: indexes of properties, made while others search and load."""

from __future__ import annotations

from contextlib import AsyncExitStack, contextmanager
from time import monotonic
from typing import TYPE_CHECKING

import msgspec
import typer
import uvloop

from satapi.cli.database import Target, catalog, say
from satapi.db import deferred, indexes
from satapi.errors import SatapiError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_PROGRESS_INTERVAL_S = 5


def show(dsn: str | None, *, json: bool) -> None:
    """List the indexes."""
    with catalog(dsn) as found:
        rows = uvloop.run(_all(found))
    if json:
        typer.echo(msgspec.json.encode(rows))
        return
    for row in rows:
        of = "all collections" if row.collection is None else row.collection
        state = "ready" if row.ready else "not ready"
        typer.echo(f"{row.bytes / 1e6:>12,.1f} MB  {state:<9}  {row.property}  {of}")


def create(dsn: str | None, name: str, collection: str | None) -> None:
    """Make the indexes of a property."""
    with catalog(dsn) as found:
        uvloop.run(_create(found, name, collection))
    typer.echo(f"{name} has its indexes")


def drop(dsn: str | None, name: str, collection: str | None) -> None:
    """Drop the indexes of a property."""
    with catalog(dsn) as found:
        uvloop.run(_drop(found, name, collection))
    typer.echo(f"The indexes of {name} are dropped")


@contextmanager
def deferring(dsn: str | None, *, force: bool) -> Generator[None]:
    """Do without the indexes of items, and build them in the end, whether a load succeeds or not."""
    with catalog(dsn) as found:
        uvloop.run(_defer(found, force=force))
    try:
        yield
    except (SatapiError, typer.Exit):
        build(dsn)
        raise
    build(dsn)


def build(dsn: str | None) -> None:
    """Build the indexes that a load deferred."""
    with catalog(dsn) as found:
        built = uvloop.run(_build(found))
    say(f"{built} indexes are built" if built else "No index is deferred")


async def _defer(found: Target, *, force: bool) -> None:
    async with found.connected() as connection:
        await deferred.defer(connection, force=force)


async def _build(found: Target) -> int:
    async with found.connected() as connection:
        return await deferred.build(connection, lambda name: say(f"Building {name}"))


async def _all(found: Target) -> list[indexes.Index]:
    async with found.connected() as connection:
        return await indexes.indexes(connection)


async def _create(found: Target, name: str, collection: str | None) -> None:
    async with AsyncExitStack() as stack:
        connection, beside = [await stack.enter_async_context(found.connected()) for _ in range(2)]
        if not await indexes.has(connection, name, collection):
            say(f"No item that was loaded has the property {name}; its indexes are made all the same")
        await indexes.create(connection, beside, name, collection, _progress())


async def _drop(found: Target, name: str, collection: str | None) -> None:
    async with found.connected() as connection:
        await indexes.drop(connection, name, collection)


def _progress() -> Callable[[indexes.Progress], None]:
    due = monotonic() + _PROGRESS_INTERVAL_S

    def tell(progress: indexes.Progress) -> None:
        nonlocal due
        if monotonic() >= due:
            due = monotonic() + _PROGRESS_INTERVAL_S
            of = f", {progress.done:,} of {progress.total:,}" if progress.total else ""
            say(f"{progress.table}: {progress.phase}{of}")

    return tell

"""`satapi partitions`: which collections have a partition of their own, and moving one out or back."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import msgspec
import typer
import uvloop

from satapi.cli.database import Target, catalog, say
from satapi.cli.progress import plain_times
from satapi.db import partitions
from satapi.errors import SatapiError

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg


def show(dsn: str | None, *, json: bool) -> None:
    """List the partitions."""
    with catalog(dsn) as found:
        rows = uvloop.run(_all(found))
    if json:
        typer.echo(msgspec.json.encode(rows))
        return
    for row in rows:
        of = "shared" if row.collection is None else row.collection
        typer.echo(f"{row.items:>14,} items {row.bytes / 1e6:>12,.1f} MB  {of}")


def separate(dsn: str | None, collection: str) -> None:
    """Give a collection a partition of its own."""
    with catalog(dsn) as found:
        moved = uvloop.run(_separate(found, [collection]))
    typer.echo(f"{moved:,} items of {collection} have a partition of their own")


def merge(dsn: str | None, collection: str) -> None:
    """Move a collection back."""
    with catalog(dsn) as found:
        moved = uvloop.run(_merge(found, collection))
    typer.echo(f"{moved:,} items of {collection} are in the shared partition")


async def separate_large(found: Target, connection: asyncpg.Connection) -> None:
    """Give each collection that has grown past the setting a partition of its own, after a load.

    The load is done by then, so what is in the way of a move is told, and the next load tries again.
    """
    try:
        if names := await partitions.large(connection, found.settings.partition_items):
            await _separate(found, names)
    except SatapiError as error:
        say(f"Everything is loaded, but not each large collection has a partition of its own: {error.description}")


async def _all(found: Target) -> list[partitions.Partition]:
    async with found.connected() as connection:
        return await partitions.partitions(connection)


async def _separate(found: Target, names: list[str]) -> int:
    moved = 0
    async with AsyncExitStack() as stack:
        connection, beside = [await stack.enter_async_context(found.connected()) for _ in range(2)]
        for name in names:
            moved += await partitions.separate(connection, beside, name, _progress(name))
    return moved


async def _merge(found: Target, name: str) -> int:
    async with found.connected() as connection:
        return await partitions.merge(connection, name)


def _progress(name: str) -> Callable[[int, int], None]:
    is_due = plain_times()

    def tell(copied: int, total: int) -> None:
        if is_due() or copied >= total:
            say(f"{name}: {copied:,} of {total:,} items are copied to a partition of their own")

    return tell

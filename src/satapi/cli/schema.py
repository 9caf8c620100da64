"""`satapi db`: the migrations of a database, applied or listed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from satapi.cli.database import Target, database, say
from satapi.db import migrate

if TYPE_CHECKING:
    from satapi.db.migrate import Status


def apply(dsn: str | None) -> None:
    """Apply what the database lacks."""
    with database(dsn) as found:
        names = asyncio.run(_apply(found))
    typer.echo(f"Applied {', '.join(names)}" if names else "Nothing to apply: the schema is up to date")


def report(dsn: str | None) -> bool:
    """List the migrations and how the database stands to them; tell whether it has exactly satapi's own."""
    with database(dsn) as found:
        status = asyncio.run(_status(found))
    for row in status.applied:
        state = "changed" if row.name in status.changed else "unknown" if row.name in status.unknown else "applied"
        typer.echo(f"{row.name}  {state} {row.applied:%Y-%m-%d %H:%M:%S}Z")
    for name in status.pending:
        typer.echo(f"{name}  pending")
    return not (status.pending or status.changed or status.unknown)


async def _apply(found: Target) -> list[str]:
    async with found.connected() as connection:
        return await migrate.migrate(connection, say)


async def _status(found: Target) -> Status:
    async with found.connected() as connection:
        return await migrate.status(connection)

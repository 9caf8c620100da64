"""The database that a command works on: the one that is given, or the embedded cluster."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import asyncpg
import msgspec
import typer

from satapi.db.cluster import running_cluster
from satapi.db.deferred import are_deferred
from satapi.db.migrate import check, migrate
from satapi.db.pool import connect
from satapi.errors import UnavailableError
from satapi.settings import Settings, from_environment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

# A connection that is in the midst of something is given this long to end it.
_CLOSE_TIMEOUT_S = 5


class Target(msgspec.Struct, frozen=True):
    """The database that a command works on; the embedded one is satapi's to migrate."""

    dsn: str
    settings: Settings
    is_embedded: bool

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[asyncpg.Connection]:
        """One connection; raises UnavailableError when the database does not answer."""
        try:
            connection = await connect(self.dsn, self.settings)
        except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise UnavailableError(f"The database cannot be connected to: {error or type(error).__name__}") from error
        try:
            yield connection
        finally:
            await connection.close(timeout=_CLOSE_TIMEOUT_S)


def say(text: str) -> None:
    """Tell the user what goes on, apart from the command's result."""
    typer.echo(text, err=True)


@contextmanager
def database(dsn: str | None) -> Generator[Target]:
    """The database of `dsn`, else of SATAPI_DSN, else the embedded one, which runs meanwhile."""
    settings = from_environment(os.environ)
    if given := dsn or settings.dsn:
        yield Target(given, settings, is_embedded=False)
    else:
        with running_cluster(settings, say) as embedded:
            yield Target(embedded, settings, is_embedded=True)


@contextmanager
def catalog(dsn: str | None) -> Generator[Target]:
    """As `database`, with the schema that this satapi knows; raises SchemaError where that is not so."""
    with database(dsn) as found:
        asyncio.run(_make_ready(found))
        yield found


async def _make_ready(found: Target) -> None:
    async with found.connected() as connection:
        if found.is_embedded:
            await migrate(connection, say)
        else:
            await check(connection)
        if await are_deferred(connection):
            say("The indexes of items are deferred, so searches are slow; `satapi index build` builds them")

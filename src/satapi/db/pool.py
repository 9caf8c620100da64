"""Connections: how satapi talks to PostgreSQL, and the pool that the server shares."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import asyncpg
import msgspec

from satapi.db import spans
from satapi.db.contents import Dictionaries
from satapi.db.extents import settle
from satapi.db.failures import translated
from satapi.db.knowledge import Memory
from satapi.db.remembered import Remembered
from satapi.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from satapi.query.sql import Sql
    from satapi.settings import Settings


class Connection(asyncpg.Connection):
    """A connection that is returned to the pool without a round trip: satapi leaves no session state behind."""

    def get_reset_query(self) -> str:
        """Nothing is to be reset."""
        return ""


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


async def _initialise(connection: asyncpg.Connection) -> None:
    # json arrives as the bytes that are sent on; bytes() of bytes is the same object, so this codec is free.
    await connection.set_type_codec("json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
    # As the loader writes it (satapi.ingest.vectors).
    await connection.set_type_codec("tsvector", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary")
    # asyncpg would take the first and the last instant that Python knows for infinite ones.
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        encoder=lambda instant: ((instant - _EPOCH) // _MICROSECOND,),
        decoder=lambda value: _EPOCH + value[0] * _MICROSECOND,
        format="tuple",
    )


async def _warm(connection: asyncpg.Connection) -> None:
    await _initialise(connection)
    # Loading PostGIS takes a backend 10 ms: here, and not in its first search.
    await connection.execute("select postgis_lib_version()")


def _server_settings(settings: Settings, timeout_s: float) -> dict[str, str]:
    return {
        "application_name": "satapi",
        "search_path": f"{settings.db_schema}, public",
        "statement_timeout": str(round(timeout_s * 1000)),
        "timezone": "UTC",
        # A plan depends on the values (the area, the window), so it is made with them.
        "plan_cache_mode": "force_custom_plan",
        # A page is read in an index's order as far as it goes; a bitmap first collects all matches of every index.
        "enable_bitmapscan": "off",
        # A statement takes milliseconds: starting a parallel worker (12 ms) or compiling it costs more than it saves.
        "max_parallel_workers_per_gather": "0",
        "jit": "off",
    }


async def connect(dsn: str, settings: Settings, *, statement_timeout_s: float = 0) -> asyncpg.Connection:
    """One connection of its own, for commands and loads; no statement timeout unless given (seconds)."""
    connection = await asyncpg.connect(
        dsn, connection_class=Connection, server_settings=_server_settings(settings, statement_timeout_s)
    )
    await _initialise(connection)
    return connection


async def fetch(connection: asyncpg.Connection, statement: Sql) -> list[asyncpg.Record]:
    """Run one statement on a connection of the caller's; raises asyncpg's own errors."""
    text, values = statement.render()
    return await connection.fetch(text, *values)


class Database(msgspec.Struct, frozen=True):
    """The server's database: a pool of connections, how long a request waits for one (seconds), and what it knows."""

    pool: asyncpg.Pool
    wait_s: float
    dictionaries: Dictionaries
    spans: spans.Known
    memory: Memory
    writers: asyncio.Semaphore
    remembered: Remembered

    async def fetch(self, statement: Sql, *, timeout_s: float | None = None) -> list[asyncpg.Record]:
        """Run one statement, for `timeout_s` seconds at most where that is less than the statement timeout.

        Raises UnavailableError, TimedOutError and InvalidError.
        """
        text, values = statement.render()
        with translated():
            # A wait with a timeout is a task of its own: not where there is nothing to wait for.
            wait_s = None if self.pool.get_idle_size() else self.wait_s
            async with self.pool.acquire(timeout=wait_s) as connection:
                try:
                    return await connection.fetch(text, *values, timeout=timeout_s)
                except TimeoutError:
                    raise asyncpg.QueryCanceledError from None

    @asynccontextmanager
    async def writer(self) -> AsyncGenerator[asyncpg.Connection]:
        """A connection to write with, in transactions that are the caller's. Raises UnavailableError, TimedOutError.

        What is kept of collections is true of what was written when it is returned.
        """
        with translated():
            try:
                # Not by wait_for, which in Python 3.11 may lose a cancellation.
                async with asyncio.timeout(self.wait_s):
                    await self.writers.acquire()
            except TimeoutError:
                raise UnavailableError("Other writers wait for each other; try again shortly") from None
            try:
                async with self.pool.acquire(timeout=self.wait_s) as connection:
                    writing = cast("asyncpg.Connection", connection)
                    yield writing
                    # What is written is written; if this fails, whoever writes next does it.
                    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError):
                        await settle(writing)
            finally:
                self.writers.release()


@asynccontextmanager
async def opened(dsn: str, settings: Settings) -> AsyncGenerator[Database]:
    """The server's database. Connections are opened when they are needed, so one that is away does not stop a start."""
    pool = await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=settings.pool_size,
        connection_class=Connection,
        init=_warm,
        server_settings=_server_settings(settings, settings.statement_timeout_s),
        timeout=settings.pool_timeout_s,
        max_inactive_connection_lifetime=0,
    )
    try:
        yield Database(
            pool,
            settings.pool_timeout_s,
            Dictionaries(),
            {},
            Memory(strict=settings.unknown_properties == "error"),
            # Writers wait for each other's rows, and readers must not wait for them.
            asyncio.Semaphore(max(1, settings.pool_size // 2)),
            Remembered(settings.remembered_max_bytes),
        )
    finally:
        try:
            await asyncio.wait_for(pool.close(), _CLOSE_TIMEOUT_S)
        except TimeoutError:
            pool.terminate()


# Longer than the statements of a server that stops.
_CLOSE_TIMEOUT_S = 5

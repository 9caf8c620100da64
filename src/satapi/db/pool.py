"""Connections: how satapi talks to PostgreSQL, and the pool that the server shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from satapi.settings import Settings


class Connection(asyncpg.Connection):
    """A connection that is returned to the pool without a round trip: satapi leaves no session state behind."""

    def get_reset_query(self) -> str:
        """Nothing is to be reset."""
        return ""


async def _initialise(connection: asyncpg.Connection) -> None:
    # json arrives as the bytes that are sent on; bytes() of bytes is the same object, so this codec is free.
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
    )


def _server_settings(settings: Settings, timeout_s: float) -> dict[str, str]:
    return {
        "application_name": "satapi",
        "search_path": f"{settings.db_schema}, public",
        "statement_timeout": str(round(timeout_s * 1000)),
        "timezone": "UTC",
        # A plan depends on the values (the area, the window), so it is made with them.
        "plan_cache_mode": "force_custom_plan",
        # Compiling to machine code takes longer than any of our statements.
        "jit": "off",
    }


async def connect(dsn: str, settings: Settings, *, statement_timeout_s: float = 0) -> asyncpg.Connection:
    """One connection of its own, for commands and loads; no statement timeout unless given (seconds)."""
    connection = await asyncpg.connect(
        dsn, connection_class=Connection, server_settings=_server_settings(settings, statement_timeout_s)
    )
    await _initialise(connection)
    return connection


async def open_pool(dsn: str, settings: Settings) -> asyncpg.Pool:
    """The server's pool. Its connections are opened when they are needed, so a missing database does not stop a start."""
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=settings.pool_size,
        connection_class=Connection,
        init=_initialise,
        server_settings=_server_settings(settings, settings.statement_timeout_s),
        max_inactive_connection_lifetime=300,
        timeout=settings.pool_timeout_s,
    )

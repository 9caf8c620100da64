"""Waiting for other sessions' transactions to end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

_POLL_S = 0.1


async def readers_ended(connection: asyncpg.Connection, table: str) -> None:
    """Wait for the end of all transactions that have read a table until now: later ones see what is in it by now."""
    held = {row[0] for row in await connection.fetch(_READERS, table)}
    while held:
        await asyncio.sleep(_POLL_S)
        held &= {row[0] for row in await connection.fetch(_READERS, table)}


_READERS = """
    select virtualtransaction from pg_locks
    where
        relation = $1::text::regclass and pid <> pg_backend_pid()
        and database = (select oid from pg_database where datname = current_database())
"""

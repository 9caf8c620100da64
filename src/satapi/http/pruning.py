"""Pruning: a server that lets clients write deletes old changes by itself, as loads do at their end."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import asyncpg

from satapi.db import changes
from satapi.errors import SatapiError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from satapi.db.pool import Database
    from satapi.settings import Settings

_INTERVAL_S = 3600.0


@asynccontextmanager
async def pruned(database: Database, settings: Settings) -> AsyncGenerator[None]:
    """Prune now and then, where clients may write; one of several servers does it at a time."""
    if settings.writes == "off" or not settings.changes_days:
        yield
        return
    task = asyncio.create_task(_now_and_then(database, settings.changes_days))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _now_and_then(database: Database, days: float) -> None:
    while True:
        await asyncio.sleep(_INTERVAL_S)
        try:
            async with database.writer() as connection:
                await changes.prune(connection, days)
        except (SatapiError, asyncpg.PostgresError) as error:
            # The next time may be better.
            logging.getLogger("satapi").warning("old changes could not be deleted: %s", error)

"""The bell: one connection that listens for changes, and wakes all who wait for some."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncpg

from satapi.db.pool import connect

if TYPE_CHECKING:
    from satapi.settings import Settings

# What the triggers of migration record_changes notify.
_CHANNEL = "satapi_changes"

# A connection may be gone without a word.
_CHECK_INTERVAL_S = 30
_CHECK_TIMEOUT_S = 10
# Where it cannot be listened, as on a replica, who waits looks again by himself.
_RETRY_FIRST_S, _RETRY_MAX_S = 1, 30


class Bell:
    """Rings after changes, and whenever some may have been missed; it listens from when it is first asked for.

    Who waits marks the time before reading, and then waits for the bell from that time on: nothing falls between.
    """

    def __init__(self, dsn: str, settings: Settings) -> None:
        self._dsn = dsn
        self._settings = settings
        self._next = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    def mark(self) -> asyncio.Event:
        """What is set when the bell rings the next time."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        return self._next

    def ring(self) -> None:
        """Wake everybody."""
        rung, self._next = self._next, asyncio.Event()
        rung.set()

    def _told(self, *_: object) -> None:
        self.ring()

    async def close(self) -> None:
        """Listen no longer."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None

    async def _listen(self) -> None:
        retry_s = _RETRY_FIRST_S
        while True:
            with suppress(
                OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
            ):
                connection = await connect(self._dsn, self._settings)
                try:
                    await connection.add_listener(_CHANNEL, self._told)
                    retry_s = _RETRY_FIRST_S
                    self.ring()
                    await _until_lost(connection)
                finally:
                    connection.terminate()
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, _RETRY_MAX_S)


async def _until_lost(connection: asyncpg.Connection) -> None:
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    while not connection.is_closed():
        if not await heard(lost, _CHECK_INTERVAL_S):
            await connection.execute("select", timeout=_CHECK_TIMEOUT_S)


async def heard(rung: asyncio.Event, timeout_s: float) -> bool:
    """Wait for the bell, for so long at most; whether it rang."""
    # Not by wait_for, which in Python 3.11 may take a cancellation for the end of what it waits for.
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await rung.wait()
    return rung.is_set()

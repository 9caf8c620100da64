"""Following: how a server process lets clients wait for changes, and ends that when it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from satapi.db.bell import Bell, heard

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

    from satapi.settings import Settings

# Where the bell cannot be heard; and where changes wait for the end of a transaction, of which nothing tells.
_LOOK_INTERVAL_S = 5.0
_HELD_INTERVAL_S = 0.2


class Following:
    """Who waits for changes in this process: at most `at_most` clients, none of which holds a connection meanwhile."""

    def __init__(self, dsn: str, settings: Settings) -> None:
        self.bell = Bell(dsn, settings)
        self.is_stopping = False
        self._at_most = settings.changes_streams_max
        self._clients = 0

    @property
    def is_full(self) -> bool:
        """Whether no other client may wait."""
        return self._clients >= self._at_most

    @contextmanager
    def client(self) -> Generator[None]:
        """A client that waits."""
        self._clients += 1
        try:
            yield
        finally:
            self._clients -= 1

    async def wait(self, rung: asyncio.Event, timeout_s: float, *, is_held: bool) -> None:
        """Wait until it is worth to look again: for the bell, for `timeout_s` at most."""
        if not self.is_stopping:
            await heard(rung, min(timeout_s, _HELD_INTERVAL_S if is_held else _LOOK_INTERVAL_S))

    def stop(self) -> None:
        """Have all who wait end."""
        self.is_stopping = True
        self.bell.ring()

    @contextmanager
    def stopped_by_signals(self) -> Generator[None]:
        """Stop as soon as the process is told to: the web server waits for the end of all answers first."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def told(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.stop)
            handler = before[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)

        # What ignores a signal, or leaves it to the system, is none of a server that stops by it.
        chained = [number for number, handler in before.items() if callable(handler)]
        for number in chained:
            signal.signal(number, told)
        try:
            yield
        finally:
            for number in chained:
                signal.signal(number, before[number])

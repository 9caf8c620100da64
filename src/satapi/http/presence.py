"""Presence: work for a client that hangs up is stopped, and its query with it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.requests import Request

T = TypeVar("T")

# Most work is done before it is worth to watch the client.
_GRACE_S = 0.1


class ClientGoneError(Exception):
    """The client closed the connection before it was answered."""


async def while_present(request: Request, work: Coroutine[object, object, T]) -> T:
    """The result of the work, which is cancelled when the client disconnects. Raises ClientGoneError then.

    The request's body must have been read. Called by the task that answers the request.
    """
    watch = _Watch(request)
    timer = asyncio.get_running_loop().call_later(_GRACE_S, watch.start)
    try:
        return await work
    except asyncio.CancelledError:
        if watch.is_gone and watch.task.uncancel() == 0:
            raise ClientGoneError from None
        raise
    finally:
        timer.cancel()
        watch.stop()


class _Watch:
    """Cancels the task that makes it when the client of a request is gone."""

    def __init__(self, request: Request) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is answered by a task")
        self.task = task
        self.is_gone = False
        self._request = request
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Watch from now on."""
        self._watching = asyncio.ensure_future(self._wait())

    def stop(self) -> None:
        """Watch no longer."""
        if self._watching is not None:
            self._watching.cancel()

    async def _wait(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        self.is_gone = True
        self.task.cancel()

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

    The request's body must have been read.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=_GRACE_S)
        if task.done():
            return task.result()
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        if task.done():
            return task.result()
        raise ClientGoneError
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

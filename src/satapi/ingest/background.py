"""Background work that ends when it has to: reading in a thread, and statements on a connection that may break."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, TypeVar, cast

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
    """Run a function in a thread that nobody waits for at exit: it may read a standard input that says nothing."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: Exception | None) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(cast("T", result))
        else:
            future.set_exception(error)

    def run() -> None:
        result: T | None = None
        error: Exception | None = None
        try:
            result = work()
        except Exception as raised:  # noqa: BLE001 - whoever awaits the future gets it
            error = raised
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(finish, result, error)

    Thread(target=run, daemon=True).start()
    return future


def started(work: Callable[[], T]) -> Future[T]:
    """Run a function in a thread of its own that nobody waits for at exit."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except Exception as raised:  # noqa: BLE001 - whoever asks for the result gets it
            future.set_exception(raised)

    Thread(target=run, daemon=True).start()
    return future


async def connected(connection: asyncpg.Connection, work: Coroutine[None, None, T]) -> T:
    """Await work on a connection; raises ConnectionDoesNotExistError when the connection breaks meanwhile.

    Without this a COPY waits for ever on a server that is gone: asyncpg waits to be allowed to write.
    """
    doing = asyncio.ensure_future(work)

    def end(_: object) -> None:
        doing.cancel()

    connection.add_termination_listener(end)
    try:
        return await doing
    except asyncio.CancelledError:
        if doing.cancelled() and connection.is_closed():
            raise _lost() from None
        raise
    except asyncpg.InternalClientError:
        # What asyncpg says between the server's last word and the end of the connection.
        raise _lost() from None
    finally:
        connection.remove_termination_listener(end)


def _lost() -> Exception:
    return asyncpg.ConnectionDoesNotExistError("the connection to the database is lost")

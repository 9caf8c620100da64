"""Delivery: each webhook is sent the changes behind its place, in their order, and its place moves when they arrived.

A message that is sent when the process dies is sent again by the next one: all arrive at least once.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
from msgspec.structs import replace

from satapi.db import changes, webhooks
from satapi.db.bell import Bell, heard
from satapi.db.failures import translated
from satapi.db.pool import connect
from satapi.errors import GoneError, NotFoundError, SatapiError
from satapi.query.inventory import ITEMS
from satapi.stac.search import Search
from satapi.webhooks import messages, sending

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

    from satapi.db.pool import Database
    from satapi.db.webhooks import Webhook
    from satapi.settings import Settings
    from satapi.webhooks.messages import Message

_LOG = logging.getLogger("satapi.webhooks")

_PAGE_CHANGES = 1_000
_LOOK_INTERVAL_S = 5.0
_HELD_INTERVAL_S = 0.2
_RECONCILE_INTERVAL_S = 2.0
_AWAY_S = 2.0
# As long it takes at most until another process goes on.
_STANDBY_INTERVAL_S = 5.0


class _OvertakenError(Exception):
    """The place of a webhook is not where this process has left it: it was removed, or another process delivers."""


class _Post(NamedTuple):
    """What delivers to all webhooks."""

    database: Database
    settings: Settings
    bell: Bell
    sender: httpx.AsyncClient

    @property
    def source(self) -> str:
        """What events say that they are from: a URI reference."""
        return self.settings.url or "/"


async def run(database: Database, dsn: str, settings: Settings) -> None:
    """Deliver for ever, while no other process does; the database may come and go."""
    bell = Bell(dsn, settings)
    try:
        async with sending.client() as sender:
            post = _Post(database, settings, bell, sender)
            while True:
                try:
                    async with _alone(dsn, settings) as is_alone:
                        if is_alone is not None:
                            await _deliver_while(post, is_alone)
                except (SatapiError, OSError, asyncpg.PostgresError) as error:
                    _LOG.warning("webhooks wait for the database: %s", error)
                await asyncio.sleep(_STANDBY_INTERVAL_S)
    finally:
        await bell.close()


@asynccontextmanager
async def delivered(database: Database, dsn: str, settings: Settings) -> AsyncGenerator[None]:
    """Deliver meanwhile, where servers do."""
    if settings.webhooks == "off":
        yield
        return
    task = asyncio.create_task(run(database, dsn, settings))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def _alone(dsn: str, settings: Settings) -> AsyncGenerator[asyncio.Event | None]:
    """Be the one that delivers, until the event that is given; None where another one is."""
    with translated():
        connection = await connect(dsn, settings)
    ended = asyncio.Event()
    connection.add_termination_listener(lambda _: ended.set())
    try:
        yield ended if await connection.fetchval(webhooks.LOCK) else None
    finally:
        connection.terminate()


async def _deliver_while(post: _Post, ended: asyncio.Event) -> None:
    """A task for each active webhook, as long as this is the one process that delivers."""
    tasks: dict[str, tuple[Webhook, asyncio.Task[None]]] = {}
    try:
        while not ended.is_set():
            async with post.database.writer() as connection:
                found = {hook.name: hook for hook in await webhooks.webhooks(connection) if hook.active}
            for name, (hook, task) in list(tasks.items()):
                now = found.get(name)
                if now is None or now.version != hook.version or task.done():
                    task.cancel()
                    _tell(name, *await asyncio.gather(task, return_exceptions=True))
                    del tasks[name]
            for name in found.keys() - tasks.keys():
                tasks[name] = found[name], asyncio.create_task(_deliver(post, found[name]))
            await heard(ended, _RECONCILE_INTERVAL_S)
    finally:
        for _, task in tasks.values():
            task.cancel()
        await asyncio.gather(*(task for _, task in tasks.values()), return_exceptions=True)


def _tell(name: str, ended: BaseException | None) -> None:
    """What has ended a task is a fault of ours, unless it was cancelled: it is begun anew."""
    if ended is not None and not isinstance(ended, asyncio.CancelledError):
        _LOG.error("webhook %s failed and begins anew", name, exc_info=ended)


async def _deliver(post: _Post, hook: Webhook) -> None:
    """Deliver to one webhook, until it is removed or wants no more."""
    while True:
        try:
            hook = await _page(post, hook)
        except _OvertakenError:
            return
        except NotFoundError:
            await asyncio.sleep(_LOOK_INTERVAL_S)
        except (SatapiError, OSError) as error:
            _LOG.warning("webhook %s waits for the database: %s", hook.name, error)
            await asyncio.sleep(_AWAY_S)


async def _page(post: _Post, hook: Webhook) -> Webhook:
    """Deliver a page of changes, or wait for some; gives the webhook as it is then."""
    rung = post.bell.mark()
    search = Search(limit=_PAGE_CHANGES, collections=hook.collections)
    try:
        page = await changes.page(post.database.fetch, hook.place, search, ITEMS)
    except GoneError as error:
        behind = await changes.place_of(post.database.fetch, changes.OLDEST)
        batched = hook.batch > 1
        message = messages.of_restart(error.description, post.source, datetime.now(UTC), behind, batched=batched)
        return await _send(post, hook, message)
    for at in range(0, len(page.changes), hook.batch):
        some = page.changes[at : at + hook.batch]
        behind = some[-1].place
        message = messages.of_changes(some, post.source, behind, batched=hook.batch > 1)
        hook = await _send(post, hook, message)
    if page.place != hook.place:
        async with post.database.writer() as connection:
            if not await webhooks.moved(connection, hook, page.place, 0):
                raise _OvertakenError
        hook = replace(hook, place=page.place)
    if page.is_last:
        await heard(rung, _HELD_INTERVAL_S if page.is_held else _LOOK_INTERVAL_S)
    return hook


async def _send(post: _Post, hook: Webhook, message: Message) -> Webhook:
    """Send a message until it has arrived, or is given up; gives the webhook as it is then."""
    while True:
        if hook.next_attempt is not None:
            await asyncio.sleep(max(0.0, (hook.next_attempt - datetime.now(UTC)).total_seconds()))
        outcome = await sending.send(post.sender, hook.url, hook.secret, message)
        async with post.database.writer() as connection:
            if outcome.error is None:
                is_ours = await webhooks.moved(connection, hook, message.behind, message.events)
            elif outcome.is_refused:
                await webhooks.failed(connection, hook, outcome.error, 0, datetime.now(UTC), active=False)
                _LOG.warning("webhook %s wants no more: %s", hook.name, outcome.error)
                raise _OvertakenError
            elif hook.attempts + 1 < post.settings.webhook_attempts:
                tried = hook.attempts + 1
                due = datetime.now(UTC) + timedelta(seconds=sending.delay_s(tried))
                if not await webhooks.failed(connection, hook, outcome.error, tried, due, active=True):
                    raise _OvertakenError
                hook = replace(hook, attempts=tried, next_attempt=due)
                continue
            else:
                _LOG.warning("webhook %s: %s is given up: %s", hook.name, message.id, outcome.error)
                is_ours = await webhooks.bury(connection, hook, _letter(hook, message, outcome.error), message.behind)
        if not is_ours:
            raise _OvertakenError
        return replace(hook, place=message.behind, attempts=0, next_attempt=None)


def _letter(hook: Webhook, message: Message, error: str) -> webhooks.DeadLetter:
    now = datetime.now(UTC)
    return webhooks.DeadLetter(0, hook.name, now, message.id, message.content_type, message.body, error)

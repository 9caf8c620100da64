"""Webhooks as they are kept: who is sent changes, how far, and what could not be delivered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import msgspec

from satapi.errors import ConflictError, NotFoundError
from satapi.stac.changes import Place

if TYPE_CHECKING:
    from collections.abc import Sequence


class Webhook(msgspec.Struct, frozen=True):
    """Where changes are sent, and how far that has come; `collections` None: of all.

    `version` is another one after an operator has changed something.
    """

    name: str
    url: str
    secret: str
    collections: tuple[str, ...] | None
    batch: int
    place: Place
    active: bool = True
    delivered: int = 0
    attempts: int = 0
    next_attempt: datetime | None = None
    error: str | None = None
    version: int = 0
    dead_letters: int = 0


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that could not be delivered, and why."""

    id: int
    webhook: str
    time: datetime
    message: str
    content_type: str
    body: bytes
    error: str


async def webhooks(connection: asyncpg.Connection) -> list[Webhook]:
    """All webhooks, by name."""
    return [_webhook(row) for row in await connection.fetch(_ALL)]


def _webhook(row: asyncpg.Record) -> Webhook:
    name, url, secret, collections, batch, feed, number, index, *rest = row
    named = None if collections is None else tuple(collections)
    return Webhook(name, url, secret, named, batch, Place(feed, number, index), *rest)


_ALL = """
    select
        name, url, secret, collections, batch, feed, number, index, active, delivered, attempts, next_attempt, error,
        version,
        (select count(*) from dead_letters where webhook = webhooks.name)
    from webhooks
    order by name
"""


async def add(connection: asyncpg.Connection, hook: Webhook) -> None:
    """Add one. Raises ConflictError where there is one of this name."""
    try:
        await connection.execute(
            "insert into webhooks (name, url, secret, collections, batch, feed, number, index) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8)",
            hook.name,
            hook.url,
            hook.secret,
            hook.collections,
            hook.batch,
            hook.place.feed,
            hook.place.number,
            hook.place.index,
        )
    except asyncpg.UniqueViolationError:
        raise ConflictError(f"There is a webhook {hook.name!r} already; remove it first") from None


async def remove(connection: asyncpg.Connection, name: str) -> None:
    """Remove one with its dead letters. Raises NotFoundError."""
    if await connection.fetchval("delete from webhooks where name = $1 returning true", name) is None:
        raise unknown(name)


async def activate(connection: asyncpg.Connection, name: str, *, active: bool) -> None:
    """Have it sent changes from where it was, or no longer; what failed is tried again now. Raises NotFoundError."""
    if await connection.fetchval(_ACTIVATE, name, active) is None:
        raise unknown(name)


_ACTIVATE = """
    update webhooks set active = $2, attempts = 0, next_attempt = null, version = version + 1
    where name = $1
    returning true
"""


def unknown(name: str) -> NotFoundError:
    """What is raised where there is no such webhook."""
    return NotFoundError(f"There is no webhook {name!r}; `satapi webhooks list` lists them")


async def moved(connection: asyncpg.Connection, hook: Webhook, behind: Place, delivered: int) -> bool:
    """Move the place of a webhook; False where it is not where it was, since somebody else has moved or removed it."""
    return await connection.fetchval(_MOVE, hook.name, *_place(hook.place), *_place(behind), delivered) is not None


_MOVE = """
    update webhooks
    set
        feed = $5, number = $6, index = $7, delivered = delivered + $8,
        attempts = 0, next_attempt = null, error = case when $8 > 0 then null else error end
    where name = $1 and (feed, number, index) = ($2, $3, $4)
    returning true
"""


async def failed(
    connection: asyncpg.Connection, hook: Webhook, error: str, attempts: int, next_attempt: datetime, *, active: bool
) -> bool:
    """Note a failure, and when to try again; False as in `moved`."""
    return (
        await connection.fetchval(_FAIL, hook.name, *_place(hook.place), attempts, next_attempt, error, active) or False
    )


_FAIL = """
    update webhooks set attempts = $5, next_attempt = $6, error = $7, active = active and $8
    where name = $1 and (feed, number, index) = ($2, $3, $4)
    returning true
"""


def _place(place: Place) -> tuple[int, int, int]:
    return place.feed, place.number, place.index


async def bury(connection: asyncpg.Connection, hook: Webhook, letter: DeadLetter, behind: Place) -> bool:
    """Keep what cannot be delivered, and go on behind it; False as in `moved`."""
    async with connection.transaction():
        if not await moved(connection, hook, behind, 0):
            return False
        await connection.execute(
            "insert into dead_letters (webhook, message, content_type, body, error) values ($1, $2, $3, $4, $5)",
            hook.name,
            letter.message,
            letter.content_type,
            letter.body,
            letter.error,
        )
        await connection.execute("update webhooks set error = $2 where name = $1", hook.name, letter.error)
        return True


async def dead_letters(connection: asyncpg.Connection, name: str, at_most: int) -> Sequence[DeadLetter]:
    """What could not be delivered, the oldest first."""
    rows = await connection.fetch(
        "select id, webhook, time, message, content_type, body, error from dead_letters "
        "where webhook = $1 order by id limit $2",
        name,
        at_most,
    )
    return [DeadLetter(*row) for row in rows]


async def forget(connection: asyncpg.Connection, letter: DeadLetter) -> None:
    """Forget what has been delivered after all."""
    await connection.execute("delete from dead_letters where id = $1", letter.id)


LOCK = "select pg_try_advisory_lock('webhooks'::regclass::oid::bigint)"
"""Who has this lock delivers."""

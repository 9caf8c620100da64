"""Changes: pages of the change feed, and what an operator does with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from satapi.db.move import patiently
from satapi.errors import GoneError, InvalidError, NotFoundError, UnavailableError
from satapi.query import changes as statements
from satapi.stac.changes import Change, Place, place
from satapi.stac.times import format_instant, parse_instant

if TYPE_CHECKING:
    import asyncpg

    from satapi.db.contents import Fetch
    from satapi.query.inventory import Inventory
    from satapi.stac.search import Search

OLDEST, NOW = "oldest", "now"

SINCE = (
    "allowed are a token of the change feed, a time such as 2024-01-01T00:00:00Z, oldest (all that is kept) and now "
    "(what is yet to come)"
)

# An id has no limit but that of its document, and many make a page.
_PAGE_CHARACTERS = 4_000_000


class State(NamedTuple):
    """The feed as it is: what was pruned last, and when it was written."""

    feed: int
    pruned: Place
    pruned_time: datetime | None


class Page(msgspec.Struct, frozen=True):
    """Changes in order, and the place behind them and all that were looked at.

    `is_last`: there are no more that can be read now; `is_held`: some are there that can, when others have ended.
    """

    changes: list[Change]
    place: Place
    is_last: bool
    is_held: bool


def _state(row: asyncpg.Record) -> State:
    """Raises NotFoundError where nothing is recorded."""
    feed, number, ids, time = row[:4]
    if feed is None:
        raise NotFoundError("Changes are not recorded here; `satapi changes on` has them recorded")
    return State(feed, Place(feed, number, ids), time)


async def _settled(fetch: Fetch) -> tuple[int, int]:
    """The number up to which nothing more will come, and the last one. Raises UnavailableError on a replica."""
    settled, last, is_replica = (await fetch(statements.SETTLED))[0]
    if is_replica:
        raise UnavailableError("This database is a replica, and changes can be read from its primary only")
    return settled, last


async def place_of(fetch: Fetch, since: str) -> Place:
    """The place that a reader names: a token, a time, oldest or now.

    Raises InvalidError, GoneError for a time before what is kept, and NotFoundError where nothing is recorded.
    """
    try:
        return place(since)
    except ValueError:
        pass
    moment = None if since in {OLDEST, NOW} else _moment(since)
    settled, _ = await _settled(fetch)
    now = _state((await fetch(statements.STATE))[0])
    if since == OLDEST:
        return now.pruned
    first = None
    if moment is not None:
        if now.pruned_time is not None and moment <= now.pruned_time:
            kept = f"changes are kept from {format_instant(now.pruned_time)} on"
            raise GoneError(f"Changes since {since} are not all there: {kept}; {_ANEW}")
        first = (await fetch(statements.since(now.feed, moment)))[0][0]
    return Place(now.feed, settled + 1 if first is None else min(first, settled + 1))


def _moment(text: str) -> datetime:
    try:
        return parse_instant(text.replace(" ", "+"))
    except ValueError:
        raise InvalidError("since", text, SINCE) from None


async def page(fetch: Fetch, behind: Place, search: Search, inventory: Inventory) -> Page:
    """Changes behind a place, as `satapi.query.changes.page` has them; with few that pass it may have none.

    Raises GoneError where there were changes that cannot be read any more, and NotFoundError where none are recorded.
    """
    settled, last = await _settled(fetch)
    rows = await fetch(statements.page(behind, settled, search, inventory))
    now = _state(rows[0])
    is_held, examined, last_id, scanned, last_row = rows[0][4:9]
    if behind.feed != now.feed or behind.number > last + 1:
        raise GoneError(f"The token is of another record of changes, which ended or was replaced; {_ANEW}")
    if behind < now.pruned:
        raise GoneError(f"Changes since this token are pruned; {_ANEW}")
    found = [_change(now.feed, row) for row in rows if row[9] is not None]
    shown = _within(found, _PAGE_CHARACTERS)
    conditions = search.area is not None or search.filter is not None
    if shown and (len(shown) < len(found) or len(shown) == search.limit):
        return Page(shown, shown[-1].place, is_last=False, is_held=is_held)
    if conditions and examined == statements.SCANNED_MAX:
        return Page(shown, Place(now.feed, *last_id), is_last=False, is_held=is_held)
    if search.collections is not None and scanned == statements.SCANNED_MAX:
        return Page(shown, max(behind, Place(now.feed, *last_row)), is_last=False, is_held=is_held)
    return Page(shown, max(behind, Place(now.feed, settled + 1)), is_last=True, is_held=is_held)


async def first_page(fetch: Fetch, since: str, search: Search, inventory: Inventory) -> tuple[Place, Page]:
    """The place that a reader names, and the page behind it; raises what `place_of` and `page` do.

    What was the oldest may be pruned before it is read: then it is another one.
    """
    for _ in range(_OLDEST_ATTEMPTS):
        behind = await place_of(fetch, since)
        try:
            return behind, await page(fetch, behind, search, inventory)
        except GoneError:
            if since != OLDEST:
                raise
    raise UnavailableError("Changes are pruned faster than they can be read; try again shortly")


_OLDEST_ATTEMPTS = 5

_ANEW = (
    "take the token of since=now, read the catalog anew (by /search or an export), and go on from that token; "
    "since=oldest has all that is kept"
)


def _change(feed: int, row: asyncpg.Record) -> Change:
    number, index, *rest = row[9:]
    return Change(Place(feed, number, index), *rest)


def _within(changes: list[Change], characters: int) -> list[Change]:
    """The first changes that have so many characters together; at least one."""
    for at, change in enumerate(changes):
        characters -= len(change.id) + len(change.collection)
        if characters < 0:
            return changes[: max(at, 1)]
    return changes


# What an operator does ----------------------------------------------------------------------------------------------


class Status(msgspec.Struct, frozen=True):
    """How the feed stands: what it keeps, and how many of these changes wait for the end of a transaction.

    `token` is the place behind those that do not.
    """

    recording: bool
    token: str | None
    rows: int
    changes: int
    waiting: int
    bytes: int
    oldest: datetime | None
    newest: datetime | None


async def status(connection: asyncpg.Connection) -> Status:
    """How the feed stands."""
    settled: int = await connection.fetchval("select settled from changes_settled()")
    feed, *rest = await connection.fetchrow(_STATUS, settled) or (None,)
    return Status(feed is not None, None if feed is None else Place(feed, settled + 1).token, *rest)


_STATUS = """
    with state as materialized (select change_feed_id() as feed)
    select
        state.feed,
        count(c.feed),
        coalesce(sum(cardinality(c.ids)), 0)::bigint,
        coalesce(sum(cardinality(c.ids)) filter (where c.number > $1), 0)::bigint,
        pg_total_relation_size('changes'),
        min(c.time),
        max(c.time)
    from state
    left join changes as c on c.feed = state.feed
    group by state.feed
"""


async def prune(connection: asyncpg.Connection, days: float) -> int | None:
    """Delete what is older, some at a time; gives how many rows, None while another does. Keeps all for 0 days."""
    if not days:
        return 0
    before = datetime.now(UTC) - timedelta(days=days)
    pruned = 0
    while done := await connection.fetchval("select prune_changes($1, $2)", before, _PRUNED_ROWS):
        pruned += done
    return None if done is None and not pruned else pruned


_PRUNED_ROWS = 10_000


async def switch(connection: asyncpg.Connection, *, recording: bool) -> bool:
    """Have changes recorded or not; gives whether that is another state. Waits for writers, who then wait for it.

    Raises ConflictError where they never end.
    """
    async with connection.transaction():
        await patiently(connection, "lock table items, collections in share row exclusive mode")
        changed = await connection.fetchval(_SWITCH, recording)
    return changed is not None


# What is recorded from then on is another feed, since what came between is not.
_SWITCH = "update change_feed set recording = $1, generation = generation + 1 where recording <> $1 returning true"

"""Loading: documents from sources into the catalog, batch by batch, each batch whole or not at all."""

from __future__ import annotations

import asyncio
from functools import partial
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple

import asyncpg
from msgspec import Struct

from satapi.db.extents import settle
from satapi.errors import LoadError, SatapiError
from satapi.ingest import replace
from satapi.ingest.background import connected, in_thread
from satapi.ingest.batches import BadItem, Batch, Place, RowT, batches
from satapi.ingest.prepare import prepare_collections, prepare_items
from satapi.ingest.rules import Rules
from satapi.ingest.sources import Reading, documents
from satapi.ingest.store import Method, store_collections, store_items

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence

    from satapi.ingest.prepare import Key
    from satapi.ingest.split import Mark
    from satapi.ingest.store import Stored

__all__ = ["BadItem", "ItemMethod", "Method", "OnError", "Report", "load_collections", "load_items"]

ItemMethod = Literal[Method, "replace"]
OnError = Literal["stop", "skip"]

BATCH_SIZE = 1_000
"""Documents in a batch, unless the caller says otherwise."""

_NO_RULES = Rules()

_FAILURES = (SatapiError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Report(Struct):
    """What a load did so far, in documents; `bytes` is what they are as read, `seconds` wall-clock time."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    ignored: int = 0
    deleted: int = 0
    bad: int = 0
    batches: int = 0
    bytes: int = 0
    seconds: float = 0.0


async def load_items(
    connection: asyncpg.Connection,
    sources: Sequence[str],
    *,
    beside: Sequence[asyncpg.Connection] = (),
    method: ItemMethod = "upsert",
    on_error: OnError = "stop",
    batch_size: int = BATCH_SIZE,
    rules: Rules = _NO_RULES,
    reading: Reading | None = None,
    collection: str | None = None,
    on_progress: Callable[[Report], None] | None = None,
    on_bad: Callable[[BadItem], None] | None = None,
    on_stored: Callable[[int, Mark | None], None] | None = None,
) -> Report:
    """Load the items of sources (`satapi.ingest.sources` has what they may be), into `collection` if that is given.

    `on_progress` gets one and the same report after each batch, `on_stored` the number and the mark of each that is
    stored. Each connection in `beside` stores one more batch at the same time. Raises LoadError at the first bad item,
    unless they are to be skipped, and when a source or the database fails; it says what is in the database then and
    where to go on. The `rules` say what makes an item bad beside its envelope. InvalidError where a part of a source
    is to replace the whole.
    """
    reading = reading or Reading()
    put = {} if collection is None else {"collection": collection}
    checks = rules.checks()
    prepare = partial(prepare_items, check=checks and checks.item, put=put)
    prepared = batches(documents(sources, "items", reading), prepare, batch_size)
    store = partial(store_items, stamp=rules.item_stamp)
    if method == "replace":
        replace.check(reading)
        seen = replace.Seen(connection, store)
        await seen.begin()
        load = _Load(prepared, seen.store, "upsert", on_error, on_progress, on_bad, on_stored)
        await load.run(beside or (connection,))
        if not load.has_failed and not load.report.bad:
            load.report.deleted = await seen.sweep()
    else:
        load = _Load(prepared, store, method, on_error, on_progress, on_bad, on_stored)
        await load.run((connection, *beside))
    try:
        await connected(connection, _analyze(connection, load.report))
        await connected(connection, _fold(connection))
        await connected(connection, settle(connection, _READ_ITEMS_MAX))
    except _FAILURES:
        # A load that the database has stopped tells of that.
        if not load.has_failed:
            raise
    return load.result()


async def load_collections(
    connection: asyncpg.Connection,
    sources: Sequence[str],
    *,
    method: Method = "upsert",
    on_error: OnError = "stop",
    batch_size: int = BATCH_SIZE,
    reading: Reading | None = None,
    rules: Rules = _NO_RULES,
    on_progress: Callable[[Report], None] | None = None,
    on_bad: Callable[[BadItem], None] | None = None,
) -> Report:
    """Load the collections of sources; everything is as in `load_items`."""
    checks = rules.checks()
    found = documents(sources, "collections", reading or Reading())
    prepared = batches(found, partial(prepare_collections, check=checks and checks.collection), batch_size)
    store = partial(store_collections, stamp=rules.collection_stamp)
    load = _Load(prepared, store, method, on_error, on_progress, on_bad)
    await load.run((connection,))
    try:
        await connected(connection, settle(connection))
    except _FAILURES:
        if not load.has_failed:
            raise
    return load.result()


class _Running(NamedTuple):
    keys: set[Key]
    finished: asyncio.Event


class _Span(NamedTuple):
    read: int
    first: Place
    last: Place


class _Load(Generic[RowT]):
    """A load as it goes: batches from one reader to several connections."""

    def __init__(
        self,
        batches: Generator[Batch[RowT]],
        store: Callable[[asyncpg.Connection, Sequence[RowT], Method], Awaitable[Stored]],
        method: Method,
        on_error: OnError,
        on_progress: Callable[[Report], None] | None,
        on_bad: Callable[[BadItem], None] | None,
        on_stored: Callable[[int, Mark | None], None] | None = None,
    ) -> None:
        self.report = Report()
        self._batches = batches
        self._store = store
        self._method: Method = method
        self._on_error = on_error
        self._on_progress = on_progress
        self._on_bad = on_bad
        self._on_stored = on_stored
        self._begun = perf_counter()
        self._taking = asyncio.Lock()
        self._upcoming: asyncio.Future[Batch[RowT] | None]
        self._running: dict[int, _Running] = {}
        # By the number of the batch: what is in the database, and where and why something is not.
        self._stored: dict[int, _Span] = {}
        self._failed: dict[float, tuple[Place | None, Exception]] = {}

    async def run(self, connections: Sequence[asyncpg.Connection]) -> None:
        """Store all batches, as many at a time as there are connections, while a thread prepares the next one."""
        self._upcoming = self._read_on()
        try:
            async with asyncio.TaskGroup() as workers:
                for connection in connections:
                    workers.create_task(self._work(connection))
        finally:
            self._upcoming.cancel()

    @property
    def has_failed(self) -> bool:
        """Whether the load stopped before its end."""
        return bool(self._failed)

    def result(self) -> Report:
        """Give the report of a load that came to its end; raise LoadError for one that did not."""
        if not self._failed:
            return self.report
        number = min(self._failed)
        place, error = self._failed[number]
        raise LoadError(f"{error}\n{self._state(number, place)}") from error

    def _read_on(self) -> asyncio.Future[Batch[RowT] | None]:
        return in_thread(partial(next, self._batches, None))

    async def _work(self, connection: asyncpg.Connection) -> None:
        while (batch := await self._take()) is not None:
            try:
                await connected(connection, self._store_batch(connection, batch))
            except _FAILURES as error:
                self._failed[batch.number] = batch.first, error
            finally:
                self._running.pop(batch.number).finished.set()

    async def _take(self) -> Batch[RowT] | None:
        """Wait for the next batch, and for those before it that hold a key of it: the last version is to win."""
        async with self._taking:
            try:
                batch = None if self._failed else await self._upcoming
            except _FAILURES as error:
                self._failed[inf] = None, error
                return None
            if batch is None:
                return None
            self._upcoming = self._read_on()
            keys = {row.key for row in batch.rows}
            for other in [other for other in self._running.values() if not other.keys.isdisjoint(keys)]:
                await other.finished.wait()
            if self._failed:
                return None
            self._running[batch.number] = _Running(keys, asyncio.Event())
            return batch

    async def _store_batch(self, connection: asyncpg.Connection, batch: Batch[RowT]) -> None:
        self._tell(batch.bad)
        async with connection.transaction():
            stored = await self._store(connection, batch.rows, self._method)
            refused = [
                BadItem(*batch.places[at], batch.rows[at].id, refused.reason)
                for at, refused in sorted(stored.refused.items())
            ]
            self._tell(refused)
        self._stored[batch.number] = _Span(batch.read, batch.first, batch.last)
        if self._on_stored is not None:
            self._on_stored(batch.number, batch.mark)
        report = self.report
        report.read += batch.read
        report.inserted += stored.inserted
        report.updated += stored.updated
        report.unchanged += stored.unchanged
        report.ignored += stored.ignored
        report.bad += len(batch.bad) + len(refused)
        report.batches += 1
        report.bytes += batch.bytes
        report.seconds = perf_counter() - self._begun
        if self._on_progress is not None:
            self._on_progress(report)

    def _tell(self, bad: Sequence[BadItem]) -> None:
        """Tell of bad items; unless they are to be skipped, the first one ends the load and undoes its batch."""
        for item in bad:
            if self._on_bad is not None:
                self._on_bad(item)
            if self._on_error == "stop":
                raise LoadError(str(item))

    def _state(self, number: float, place: Place | None) -> str:
        """Say what is in the database, and where to go on when batch `number`, at `place`, is not."""
        stored = sorted(self._stored.items())
        before = [span for at, span in stored if at < number]
        if before:
            count = sum(span.read for span in before)
            batches = f"whole batches: {len(before):,}"
            state = f"In the database are {count:,} documents, up to {before[-1].last} ({batches})"
        else:
            state = "In the database is no batch"
        later = [f", and the batch from {span.first} to {span.last}" for at, span in stored if at > number]
        return "".join((state, *later, "." if place is None else f". Go on from {place}."))


async def _analyze(connection: asyncpg.Connection, report: Report) -> None:
    """Renew the statistics that searches are planned with, if a tenth has changed: autovacuum does not do it.

    It knows the partitions only. What other loads left undone counts too, by the rows that there are by now.
    """
    known, found = await connection.fetchrow(_KNOWN_AND_FOUND) or (0, 0)
    changed = max(report.inserted + report.updated, abs(found - known))
    if changed > known * _CHANGED_SHARE:
        await connection.execute("analyze items")


async def _fold(connection: asyncpg.Connection) -> None:
    """Add up what has changed, so that readers of the counts need not."""
    await connection.execute("select fold_item_changes()")


# A collection of so many items is read in some seconds, where one at the edge of its extent is gone.
_READ_ITEMS_MAX = 1_000_000

_CHANGED_SHARE = 0.1
_KNOWN_AND_FOUND = """
    select greatest(known.reltuples, 0), coalesce(sum(found.n_live_tup), 0)::float8
    from pg_class as known
    cross join pg_partition_tree('items') as part
    left join pg_stat_all_tables as found on found.relid = part.relid and part.isleaf
    where known.oid = 'items'::regclass
    group by known.reltuples
"""

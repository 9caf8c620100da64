"""Loading: documents from sources into the catalog, batch by batch, each batch whole or not at all."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from functools import partial
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, Literal

import asyncpg
from msgspec import Struct, field

from satapi.db.extents import settle
from satapi.errors import LoadError, SatapiError
from satapi.ingest import replace
from satapi.ingest.background import connected, in_thread
from satapi.ingest.batches import BadItem, Batch, Place, batches
from satapi.ingest.helper import Begin
from satapi.ingest.prepare import Key
from satapi.ingest.processes import helping
from satapi.ingest.report import Report, Span, state
from satapi.ingest.rules import Rules
from satapi.ingest.sources import Reading, documents
from satapi.ingest.statistics import renew
from satapi.ingest.store import Method
from satapi.ingest.writer import LocalWriter, OnError, Outcome, Prepared, of_collections, of_items
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence
    from contextlib import AbstractAsyncContextManager

    from satapi.ingest.split import Mark
    from satapi.ingest.writer import Bad, Writer

__all__ = ["BadItem", "Helpers", "ItemMethod", "Method", "OnError", "Report", "load_collections", "load_items"]

ItemMethod = Literal[Method, "replace"]

BATCH_SIZE = 1_000
"""Documents in a batch, unless the caller says otherwise."""

_NO_RULES = Rules()

# From this batch on it is worth starting processes.
_LONG_BATCHES = 3

# A collection of so many items is read in some seconds, where one at the edge of its extent is gone.
_READ_ITEMS_MAX = 1_000_000

_FAILURES = (SatapiError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Helpers(Struct, frozen=True):
    """Processes to load with: how many, and their way to the database."""

    processes: int
    dsn: str
    settings: Settings


async def load_items(
    connection: asyncpg.Connection,
    sources: Sequence[str],
    *,
    helpers: Helpers | None = None,
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
    stored. Where there are more than a few batches, `helpers` take over as soon as they are ready. The `rules` say what
    makes an item bad beside its envelope. Raises LoadError at the first bad item, unless they are to be skipped, and
    when a source or the database fails, which says what is in the database; InvalidError where a part replaces a whole.
    """
    reading = reading or Reading()
    load = _Load(batches(documents(sources, "items", reading), batch_size), on_error, on_progress, on_bad, on_stored)
    if seen := replace.Seen(connection, reading) if method == "replace" else None:
        await seen.begin()
        load.keep = seen.add
    way: Method = "upsert" if method == "replace" else method
    # Two, so that one prepares while the other stores.
    writers = [LocalWriter(of_items(rules, collection), connection, way, on_error) for _ in range(2)]
    others = None
    if helpers is not None:
        begin = Begin(helpers.dsn, helpers.settings, way, on_error, rules, collection)
        others = helping(begin, helpers.processes)
    await load.run(writers, others)
    if seen is not None and not load.has_failed and not load.report.bad:
        load.report.deleted = await seen.sweep()
    try:
        await connected(connection, renew(connection, load.report.inserted + load.report.updated))
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
    found = documents(sources, "collections", reading or Reading())
    load = _Load(batches(found, batch_size), on_error, on_progress, on_bad)
    await load.run([LocalWriter(of_collections(rules), connection, method, on_error)])
    try:
        await connected(connection, settle(connection))
    except _FAILURES:
        if not load.has_failed:
            raise
    return load.result()


class _Taken(Struct):
    """A batch that a writer has; its keys are there once it is prepared."""

    keys: set[Key] = field(default_factory=set[Key])
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)


class _Load:
    """A load as it goes: batches from one reader to several writers."""

    def __init__(
        self,
        batches: Generator[Batch],
        on_error: OnError,
        on_progress: Callable[[Report], None] | None,
        on_bad: Callable[[BadItem], None] | None,
        on_stored: Callable[[int, Mark | None], None] | None = None,
    ) -> None:
        self.report = Report()
        self.keep: Callable[[Sequence[Key]], Awaitable[None]] | None = None
        self._batches = batches
        self._on_error = on_error
        self._on_progress = on_progress
        self._on_bad = on_bad
        self._on_stored = on_stored
        # That which the writers of this process share, and `keep`.
        self._connection = asyncio.Lock()
        self._begun = perf_counter()
        self._taking = asyncio.Lock()
        self._upcoming: asyncio.Future[Batch | None]
        self._taken: dict[int, _Taken] = {}
        self._is_long = asyncio.Event()
        self._is_helped = False
        self._starting: asyncio.Task[None] | None = None
        # By the number of the batch: what is in the database, and where and why something is not.
        self._stored: dict[int, Span] = {}
        self._failed: dict[float, tuple[Place | None, Exception]] = {}

    async def run(
        self, writers: Sequence[Writer], helping: AbstractAsyncContextManager[Sequence[Writer]] | None = None
    ) -> None:
        """Store all batches while a thread reads the next one: `writers`, who share a connection, one at a time."""
        self._upcoming = self._read_on()
        try:
            async with asyncio.TaskGroup() as tasks:
                for writer in writers:
                    tasks.create_task(self._work(writer, is_helper=False))
                if helping is not None:
                    self._starting = tasks.create_task(self._help(helping))
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
        raise LoadError(f"{error}\n{state(self._stored, number, place)}") from error

    def _read_on(self) -> asyncio.Future[Batch | None]:
        return in_thread(partial(next, self._batches, None))

    async def _help(self, helping: AbstractAsyncContextManager[Sequence[Writer]]) -> None:
        """Let others work in place of those who began, if there is enough to do."""
        await self._is_long.wait()
        try:
            async with helping as writers, asyncio.TaskGroup() as tasks:
                self._starting = None
                for writer in writers:
                    tasks.create_task(self._work(writer, is_helper=True))
                self._is_helped = True
        except _FAILURES as error:
            self._failed[inf] = None, error

    async def _work(self, writer: Writer, *, is_helper: bool) -> None:
        while (is_helper or not self._is_helped) and (batch := await self._take()) is not None:
            try:
                await self._write(batch, writer, in_order=not is_helper)
            except _FAILURES as error:
                self._failed[batch.number] = batch.first, error
            finally:
                taken = self._taken.pop(batch.number)
                taken.prepared.set()
                taken.finished.set()

    async def _take(self) -> Batch | None:
        async with self._taking:
            try:
                batch = None if self._failed else await self._upcoming
            except _FAILURES as error:
                self._failed[inf] = None, error
                batch = None
            if batch is None:
                if self._starting is not None:
                    self._starting.cancel()
                return None
            self._upcoming = self._read_on()
            self._taken[batch.number] = _Taken()
            if batch.number == _LONG_BATCHES:
                self._is_long.set()
            return batch

    async def _write(self, batch: Batch, writer: Writer, *, in_order: bool) -> None:
        prepared = await writer.prepare(batch.raws) if batch.raws else Prepared([], [])
        await self._turn(batch.number, set(prepared.keys), in_order=in_order)
        if min(self._failed, default=inf) < batch.number:
            return
        self._tell(batch.missing)
        self._tell(_described(batch, prepared.bad))
        outcome = await self._store(writer, prepared, is_local=in_order) if batch.raws else Outcome(0, 0, 0, 0, [])
        self._tell(_described(batch, outcome.bad))
        self._stored[batch.number] = Span(len(batch.raws), batch.first, batch.last)
        if self._on_stored is not None:
            self._on_stored(batch.number, batch.mark)
        self._count(batch, outcome, len(batch.missing) + len(prepared.bad) + len(outcome.bad))

    async def _store(self, writer: Writer, prepared: Prepared, *, is_local: bool) -> Outcome:
        async with self._connection if is_local else nullcontext():
            outcome = await writer.store()
        if self.keep is not None:
            async with self._connection:
                await self.keep(prepared.keys)
        return outcome

    async def _turn(self, number: int, keys: set[Key], *, in_order: bool) -> None:
        """Wait for those before it that hold a key of a batch: the last version is to win; or for all before it."""
        taken = self._taken[number]
        taken.keys = keys
        taken.prepared.set()
        for other in [other for before, other in self._taken.items() if before < number]:
            await other.prepared.wait()
            if in_order or not other.keys.isdisjoint(keys):
                await other.finished.wait()

    def _count(self, batch: Batch, outcome: Outcome, bad: int) -> None:
        report = self.report
        report.read += len(batch.raws)
        report.inserted += outcome.inserted
        report.updated += outcome.updated
        report.unchanged += outcome.unchanged
        report.ignored += outcome.ignored
        report.bad += bad
        report.batches += 1
        report.bytes += batch.size
        report.seconds = perf_counter() - self._begun
        if self._on_progress is not None:
            self._on_progress(report)

    def _tell(self, bad: Sequence[BadItem]) -> None:
        """Tell of bad items; unless they are to be skipped, the first one ends the load, its batch not stored."""
        for item in bad:
            if self._on_bad is not None:
                self._on_bad(item)
            if self._on_error == "stop":
                raise LoadError(str(item))


def _described(batch: Batch, bad: Sequence[Bad]) -> list[BadItem]:
    return [BadItem(*batch.places[one.at], one.id, one.reason) for one in bad]

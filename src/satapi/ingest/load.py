"""Loading: documents from files into the catalog, batch by batch, each batch whole or not at all."""

from __future__ import annotations

import asyncio
from functools import partial
from math import inf
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import asyncpg
from msgspec import Struct, field

from satapi.errors import LoadError, SatapiError
from satapi.ingest.background import connected, in_thread
from satapi.ingest.batches import BadItem, Batch, Place, batches
from satapi.ingest.helper import Begin
from satapi.ingest.prepare import Key
from satapi.ingest.processes import helping
from satapi.ingest.rules import Rules
from satapi.ingest.statistics import renew
from satapi.ingest.store import Method
from satapi.ingest.writer import LocalWriter, OnError, of_collections, of_items
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from contextlib import AbstractAsyncContextManager

    from satapi.ingest.writer import Bad, Outcome, Writer

__all__ = ["BadItem", "Helpers", "Method", "OnError", "Report", "load_collections", "load_items"]

BATCH_SIZE = 1_000
"""Documents in a batch, unless the caller says otherwise."""

_NO_RULES = Rules()

# From this batch on it is worth starting processes.
_LONG_BATCHES = 3

_FAILURES = (SatapiError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Report(Struct):
    """What a load did so far, in documents; `bytes` is what they are as read, `seconds` wall-clock time."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    ignored: int = 0
    bad: int = 0
    batches: int = 0
    bytes: int = 0
    seconds: float = 0.0


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
    method: Method = "upsert",
    on_error: OnError = "stop",
    batch_size: int = BATCH_SIZE,
    rules: Rules = _NO_RULES,
    on_progress: Callable[[Report], None] | None = None,
    on_bad: Callable[[BadItem], None] | None = None,
) -> Report:
    """Load the items of files ("-" is standard input); `on_progress` gets one and the same report after each batch.

    Where there are more than a few batches, `helpers` take over as soon as they are ready. The `rules` say what makes
    an item bad beside its envelope. Raises LoadError at the
    first bad item, unless they are to be skipped, and when a file or the database fails; it says what is in the
    database then and where to go on.
    """
    # Two, so that one prepares while the other stores.
    writers = [LocalWriter(of_items(rules), connection, method, on_error) for _ in range(2)]
    load = _Load(batches(sources, batch_size), on_error, on_progress, on_bad)
    if helpers is None:
        await load.run(writers)
    else:
        await load.run(
            writers, helping(Begin(helpers.dsn, helpers.settings, method, on_error, rules), helpers.processes)
        )
    try:
        await connected(connection, renew(connection, load.report.inserted + load.report.updated))
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
    rules: Rules = _NO_RULES,
    on_progress: Callable[[Report], None] | None = None,
    on_bad: Callable[[BadItem], None] | None = None,
) -> Report:
    """Load the collections of files; everything is as in `load_items`."""
    load = _Load(batches(sources, batch_size), on_error, on_progress, on_bad)
    await load.run([LocalWriter(of_collections(rules), connection, method, on_error)])
    return load.result()


class _Taken(Struct):
    """A batch that a writer has; its keys are there once it is prepared."""

    keys: set[Key] = field(default_factory=set[Key])
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    finished: asyncio.Event = field(default_factory=asyncio.Event)


class _Span(NamedTuple):
    read: int
    first: Place
    last: Place


class _Load:
    """A load as it goes: batches from one reader to several writers."""

    def __init__(
        self,
        batches: Generator[Batch],
        on_error: OnError,
        on_progress: Callable[[Report], None] | None,
        on_bad: Callable[[BadItem], None] | None,
    ) -> None:
        self.report = Report()
        self._batches = batches
        self._on_error = on_error
        self._on_progress = on_progress
        self._on_bad = on_bad
        self._begun = perf_counter()
        self._taking = asyncio.Lock()
        self._upcoming: asyncio.Future[Batch | None]
        self._taken: dict[int, _Taken] = {}
        self._is_long = asyncio.Event()
        self._is_helped = False
        self._starting: asyncio.Task[None] | None = None
        # By the number of the batch: what is in the database, and where and why something is not.
        self._stored: dict[int, _Span] = {}
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
        raise LoadError(f"{error}\n{self._state(number, place)}") from error

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
                self._failed[batch.number] = batch.places[0], error
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
        prepared = await writer.prepare(batch.raws)
        await self._turn(batch.number, set(prepared.keys), in_order=in_order)
        if min(self._failed, default=inf) < batch.number:
            return
        self._tell(batch, prepared.bad)
        outcome = await writer.store()
        self._tell(batch, outcome.bad)
        self._stored[batch.number] = _Span(len(batch.raws), batch.places[0], batch.places[-1])
        self._count(batch, outcome, len(prepared.bad) + len(outcome.bad))

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

    def _tell(self, batch: Batch, bad: Sequence[Bad]) -> None:
        """Tell of bad items; unless they are to be skipped, the first one ends the load, its batch not stored."""
        for one in bad:
            item = BadItem(*batch.places[one.at], one.id, one.reason)
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

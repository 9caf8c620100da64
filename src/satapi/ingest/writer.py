"""Writers: who prepares a batch of documents and stores it, one batch at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from satapi.errors import InvalidError
from satapi.ingest.background import connected, in_thread
from satapi.ingest.prepare import CollectionRow, Row, identify, prepare_collections, prepare_items
from satapi.ingest.store import store_collections, store_items

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import asyncpg

    from satapi.ingest.rules import Rules
    from satapi.ingest.store import Method, Stored

RowT = TypeVar("RowT", Row, CollectionRow)

OnError = Literal["stop", "skip"]


class Bad(Struct, frozen=True, array_like=True):
    """A document that is not stored: its place in the batch, its id if it has one, and why."""

    at: int
    id: str | None
    reason: str


class Prepared(Struct, tag=True):
    """What is known of a batch before it is stored: the keys of its documents, and the documents that are bad."""

    keys: list[tuple[str, ...]]
    bad: list[Bad]


class Outcome(Struct, tag=True):
    """What became of a batch, in documents; where bad ones stop the load and there are any, nothing of it is stored."""

    inserted: int
    updated: int
    unchanged: int
    ignored: int
    bad: list[Bad]


class Writer(Protocol):
    """Prepares a batch, and then stores it; raises what the database or the way to it raises."""

    async def prepare(self, raws: Sequence[bytes]) -> Prepared:
        """Make rows of documents."""
        ...

    async def store(self) -> Outcome:
        """Store, in one transaction, what was prepared."""
        ...


class Kind(NamedTuple, Generic[RowT]):
    """How documents of a kind become rows, and how these are stored."""

    prepare: Callable[[Sequence[bytes]], list[RowT | InvalidError]]
    store: Callable[[asyncpg.Connection, Sequence[RowT], Method], Awaitable[Stored]]


def of_items(rules: Rules, collection: str | None = None) -> Kind[Row]:
    """Items that keep to the rules, put into a collection if that is given.

    Raises InvalidError for schemas that cannot be used.
    """
    checks = rules.checks()
    put = {} if collection is None else {"collection": collection}
    prepare = partial(prepare_items, check=checks and checks.item, put=put)
    return Kind(prepare, partial(store_items, stamp=rules.item_stamp))


def of_collections(rules: Rules) -> Kind[CollectionRow]:
    """Collections that keep to the rules; raises InvalidError for schemas that cannot be used."""
    checks = rules.checks()
    return Kind(
        partial(prepare_collections, check=checks and checks.collection),
        partial(store_collections, stamp=rules.collection_stamp),
    )


class _UndoneError(Exception):
    """Undoes a transaction of which there is an outcome all the same."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class LocalWriter(Generic[RowT]):
    """A writer in this process."""

    def __init__(self, kind: Kind[RowT], connection: asyncpg.Connection, method: Method, on_error: OnError) -> None:
        self._kind = kind
        self._connection = connection
        self._method: Method = method
        self._on_error = on_error
        self._rows: list[tuple[int, RowT]] = []

    async def prepare(self, raws: Sequence[bytes]) -> Prepared:
        """Make rows in a thread."""
        made = await in_thread(partial(self._kind.prepare, raws))
        bad = [
            Bad(at, identify(raws[at]), row.description) for at, row in enumerate(made) if isinstance(row, InvalidError)
        ]
        self._rows = [(at, row) for at, row in enumerate(made) if not isinstance(row, InvalidError)]
        return Prepared([row.key for _, row in self._rows], bad)

    async def store(self) -> Outcome:
        """Store the rows."""
        try:
            return await connected(self._connection, self._store())
        except _UndoneError as undone:
            return undone.outcome

    async def _store(self) -> Outcome:
        async with self._connection.transaction():
            stored = await self._kind.store(self._connection, [row for _, row in self._rows], self._method)
            bad = [
                Bad(self._rows[number][0], self._rows[number][1].id, refused.reason)
                for number, refused in sorted(stored.refused.items())
            ]
            outcome = Outcome(stored.inserted, stored.updated, stored.unchanged, stored.ignored, bad)
            if bad and self._on_error == "stop":
                raise _UndoneError(outcome)
        return outcome

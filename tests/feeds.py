"""The change feed for tests: how it is read, and what a follower of it must come to know."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from satapi.db import changes
from satapi.db.pool import fetch
from satapi.ingest.prepare import prepare_collection, prepare_item
from satapi.query.inventory import ITEMS
from satapi.stac.search import Search
from serving import collection, item

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from satapi.db.changes import Page
    from satapi.ingest.prepare import CollectionRow, Row
    from satapi.stac.changes import Place

Told = tuple[str, str, str, str]


async def place_of(connection: asyncpg.Connection, since: str) -> Place:
    """The place that a reader names."""
    return await changes.place_of(partial(fetch, connection), since)


async def one_page(connection: asyncpg.Connection, place: Place, limit: int = 1_000, names: Sequence[str] = ()) -> Page:
    """One page of changes."""
    search = Search(limit=limit, collections=tuple(names) or None)
    return await changes.page(partial(fetch, connection), place, search, ITEMS)


async def read(
    connection: asyncpg.Connection, behind: Place | str = "oldest", limit: int = 1_000, names: Sequence[str] = ()
) -> tuple[list[Told], Place]:
    """All changes behind a place, page after page, as (kind, operation, collection, id), and the place behind them."""
    place = await place_of(connection, behind) if isinstance(behind, str) else behind
    found: list[Told] = []
    while True:
        page = await one_page(connection, place, limit, names)
        found += [(each.kind, each.operation, each.collection, each.id) for each in page.changes]
        place = page.place
        if page.is_last:
            return found, place


def row(name: str, identifier: str, version: int = 0) -> Row:
    """An item."""
    return prepare_item(msgspec.json.encode(item(name, identifier, properties={"version": version})))


def collection_row(name: str, version: int = 0) -> CollectionRow:
    """A collection."""
    return prepare_collection(msgspec.json.encode(collection(name, version=version)))


class Copy:
    """What a follower knows of the catalog; an operation that cannot be next of its item is an error."""

    def __init__(self) -> None:
        self.keys: set[tuple[str, str, str]] = set()
        self.changes = 0

    def take(self, told: Told) -> None:
        """Do what a change says."""
        kind, operation, name, identifier = told
        key = (kind, name, identifier)
        assert (operation == "insert") == (key not in self.keys), told
        if operation == "delete":
            self.keys.remove(key)
        else:
            self.keys.add(key)
        self.changes += 1

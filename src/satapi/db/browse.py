"""Browsing: what there is of a collection in a time, and of many collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.query import browse
from satapi.stac.periods import Place

if TYPE_CHECKING:
    from datetime import datetime

    from satapi.db.pool import Database
    from satapi.stac.periods import Stretch, Unit


async def keys(database: Database, stretch: Stretch, at_most: int) -> list[str]:
    """The ids of the items of a stretch, in order."""
    return [record["id"] for record in await database.fetch(browse.keys(stretch, at_most))]


async def parts(database: Database, stretch: Stretch, size: int) -> list[Place]:
    """The places where the parts of a stretch begin, each of so many items but for the last, which has all others."""
    return [Place(*record) for record in await database.fetch(browse.parts(stretch, size))]


async def periods(database: Database, stretch: Stretch, unit: Unit) -> list[datetime]:
    """A moment of each period in a stretch that has items, the latest first."""
    return [record["datetime"] for record in await database.fetch(browse.periods(stretch, unit))]


async def groups(database: Database, size: int, first: str | None = None, end: str | None = None) -> list[str]:
    """The ids that groups of so many collections begin with."""
    return [record["id"] for record in await database.fetch(browse.groups(size, first, end))]

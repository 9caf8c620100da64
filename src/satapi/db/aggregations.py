"""Aggregations: running their statement."""

from __future__ import annotations

import asyncio
import time
from threading import Event
from typing import TYPE_CHECKING

from satapi.db import spans
from satapi.errors import TimedOutError
from satapi.query.aggregate import SPANS_DO_NOT_HOLD, Limits, statement
from satapi.query.aggregated import Row, answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.db.pool import Database
    from satapi.query.measures import Measure
    from satapi.stac.aggregation import Aggregation
    from satapi.stac.search import Search


async def aggregate(
    database: Database, search: Search, measures: Sequence[Measure], limits: Limits
) -> list[Aggregation]:
    """The answers to measures of all items that match. Raises TimedOutError, and TooLargeError over a limit."""
    if not measures:
        return []
    given = spans.known(database, search)
    inventory = database.memory.inventory(search.collections)
    records = await database.fetch(statement(search, inventory, given, measures, limits))
    rows = [Row(*record) for record in records]
    if any(row.place == SPANS_DO_NOT_HOLD for row in rows):
        await spans.have_grown(database, search, given)
        return await aggregate(database, search, measures, limits)
    return await worked_out(measures, rows, limits)


async def worked_out(measures: Sequence[Measure], rows: Sequence[Row], limits: Limits) -> list[Aggregation]:
    """The answers of rows, by a thread, since many buckets, and hexagons above all, take a while.

    The thread ends when the caller is cancelled. Raises TimedOutError, and TooLargeError over a limit.
    """
    until, is_given_up = time.monotonic() + limits.seconds, Event()

    def go_on() -> None:
        if is_given_up.is_set() or time.monotonic() > until:
            raise TimedOutError(f"The aggregation took longer than {limits.seconds:g} seconds")

    try:
        return await asyncio.to_thread(answers, measures, rows, limits, go_on)
    finally:
        is_given_up.set()

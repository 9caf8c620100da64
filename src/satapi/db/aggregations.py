"""Aggregations: running their statement."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from satapi.db import spans
from satapi.query.aggregate import SPANS_DO_NOT_HOLD, Limits, statement
from satapi.query.aggregated import Row, answers
from satapi.query.inventory import ITEMS

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
    records = await database.fetch(statement(search, ITEMS, given, measures, limits))
    rows = [Row(*record) for record in records]
    if any(row.place == SPANS_DO_NOT_HOLD for row in rows):
        await spans.have_grown(database, search, given)
        return await aggregate(database, search, measures, limits)
    # Many buckets, and hexagons above all, take a while, which others need not wait for.
    return await asyncio.to_thread(answers, measures, rows, limits)

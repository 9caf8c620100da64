"""The collections of a batch of items: what a batch changes in them, and what it takes from them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from satapi.db.contents import Compressor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import asyncpg

    from satapi.ingest.prepare import Row

# A dictionary is as long as an item, so it is worth its place from this many items in a batch.
_DICTIONARY_ROWS_MIN = 16
# What a longer item would add to a dictionary is not worth reading it.
_DICTIONARY_BYTES_MAX = 128 << 10


async def hold(connection: asyncpg.Connection, rows: Sequence[Row]) -> dict[str, Compressor]:
    """Hold the rows' collections until the transaction ends, and give how their items' contents are compressed.

    Spans are widened where a row needs it, and a collection that has no dictionary gets one where it is worth it; in
    the order of the ids, as all writers do. Unknown collections are left out.
    """
    of = Counter(row.collection for row in rows)
    records = await connection.fetch(_HOLD, sorted(of))
    spans = _spans(rows)
    compressors: dict[str, Compressor] = {}
    for name, before, after, number, dictionary in records:
        wanted = spans.get(name, (before, after))
        if wanted[0] > before or wanted[1] > after:
            await connection.execute(_WIDEN, name, *wanted)
        compressors[name] = (
            await _with_dictionary(connection, name, next(row.content for row in rows if row.collection == name))
            if number is None and of[name] >= _DICTIONARY_ROWS_MIN
            else Compressor(number, dictionary)
        )
    return compressors


_HOLD = """
    select c.id, c.span_before, c.span_after, c.dictionary, d.content
    from collections as c
    left join dictionaries as d on c.dictionary = d.number
    where c.id = any($1::text[])
    order by c.id
    for key share of c
"""

_WIDEN = """
    update collections
    set span_before = greatest(span_before, $2), span_after = greatest(span_after, $3)
    where id = $1
"""


def _spans(rows: Iterable[Row]) -> dict[str, tuple[timedelta, timedelta]]:
    """How far the items of each collection begin before, and end after, their datetime, at most."""
    spans: dict[str, tuple[int, int]] = {}
    for row in rows:
        if row.start_datetime is not None and row.end_datetime is not None:
            before, after = spans.get(row.collection, (0, 0))
            before = max(before, row.datetime - row.start_datetime)
            spans[row.collection] = before, max(after, row.end_datetime - row.datetime)
    return {
        name: (timedelta(microseconds=before), timedelta(microseconds=after)) for name, (before, after) in spans.items()
    }


async def _with_dictionary(connection: asyncpg.Connection, collection: str, content: bytes) -> Compressor:
    """Make an item the dictionary of its collection, unless another writer has just done so."""
    record = await connection.fetchrow(_MAKE_DICTIONARY, collection, content[:_DICTIONARY_BYTES_MAX])
    if record is None:
        record = await connection.fetchrow(_DICTIONARY, collection)
    return Compressor(*(record or (None, None)))


# Waits for another writer's change of the collection; where it made the dictionary there is nothing left to make.
_MAKE_DICTIONARY = """
    with without as (
        select id from collections where id = $1 and dictionary is null for no key update
    ), made as (
        insert into dictionaries (content) select $2 from without returning number, content
    ), taken as (
        update collections set dictionary = made.number from made where collections.id = $1
    )
    select number, content from made
"""

_DICTIONARY = """
    select d.number, d.content
    from collections as c
    inner join dictionaries as d on c.dictionary = d.number
    where c.id = $1
"""

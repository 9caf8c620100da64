"""The collections of a batch of items: what a batch changes in them, and what it takes from them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from satapi.db.contents import Dictionary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import asyncpg

    from satapi.ingest.prepare import Row

# A dictionary is as long as an item, so it is worth its place from this many items in a batch.
_DICTIONARY_ROWS_MIN = 16
# What a longer item would add to a dictionary is not worth reading it.
_DICTIONARY_BYTES_MAX = 128 << 10


def by_collection(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each collection, in their order."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.collection, []).append(row)
    return groups


async def hold(connection: asyncpg.Connection, groups: Mapping[str, Sequence[Row]]) -> dict[str, Dictionary | None]:
    """Hold the collections of rows until the transaction ends, and give what their contents are compressed against.

    Spans are widened where a row needs it, and a collection that has no dictionary gets one where it is worth it; in
    the order of the ids, as all writers do. Unknown collections are left out.
    """
    held: dict[str, Dictionary | None] = {}
    for name, before, after, number, content in await connection.fetch(_HOLD, sorted(groups)):
        rows = groups[name]
        wanted = _spans(rows)
        if wanted[0] > before or wanted[1] > after:
            await connection.execute(_WIDEN, name, *wanted)
        if number is not None:
            held[name] = Dictionary(number, content)
        elif len(rows) >= _DICTIONARY_ROWS_MIN:
            held[name] = await _made(connection, name, rows[0].content)
        else:
            held[name] = None
    return held


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


def _spans(rows: Iterable[Row]) -> tuple[timedelta, timedelta]:
    """How far the rows begin before, and end after, their datetime, at most."""
    before, after = 0, 0
    for row in rows:
        if row.start_datetime is not None and row.end_datetime is not None:
            before = max(before, row.datetime - row.start_datetime)
            after = max(after, row.end_datetime - row.datetime)
    return timedelta(microseconds=before), timedelta(microseconds=after)


async def _made(connection: asyncpg.Connection, collection: str, content: bytes) -> Dictionary | None:
    """Make an item the dictionary of its collection, unless another writer has just done so."""
    record = await connection.fetchrow(_MAKE_DICTIONARY, collection, content[:_DICTIONARY_BYTES_MAX])
    if record is None:
        record = await connection.fetchrow(_DICTIONARY, collection)
    return None if record is None else Dictionary(*record)


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

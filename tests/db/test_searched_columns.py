"""The columns that searches of collections read: made of old rows too, and of whatever a collection holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

from satapi.db.migrate import migrate, own_migrations
from satapi.db.pool import connect
from satapi.settings import Settings
from serving import collection

if TYPE_CHECKING:
    import asyncpg

_NUMBER = 5
_VALUES = (
    None,
    True,
    0,
    -1.5,
    1e300,
    10**400,
    540,
    541,
    "",
    "2020-01-01T00:00:00Z",
    "2020-13-01",
    "0000-00-00T00:00:00Z",
    "\0",
    "\ud83d\ude00",
    "bbox",
    [],
    {},
)


async def test_collections_that_were_there_before_are_searched_like_new_ones(empty_database: str) -> None:
    connection = await connect(empty_database, Settings())
    said: list[str] = []
    try:
        await migrate(connection, said.append, [each for each in own_migrations() if each.number < _NUMBER])
        content = json.dumps(collection("old", title="Old", description="Long ago")).encode()
        await connection.execute("insert into collections (id, content) values ('old', $1)", content)
        await migrate(connection, said.append)
        found = await connection.fetchrow(
            "select document ->> 'title', description #>> '{}', st_area(geometry), start_datetime, end_datetime, "
            "content from collections"
        )
    finally:
        await connection.close()
    ends = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    assert tuple(found) == ("Old", "Long ago", 360 * 180, *ends, content)


async def test_a_collection_is_stored_whatever_its_extent_is(connection: asyncpg.Connection) -> None:
    random = Random(5)
    documents = [{"id": "x", "extent": _odd(random, 5)} for _ in range(2_000)]
    for place, keys in enumerate((("spatial", "bbox"), ("temporal", "interval")) * 1_000):
        documents.append({"id": f"{place}", "extent": {keys[0]: {keys[1]: [[_odd(random, 1) for _ in range(4)]]}}})
    await connection.executemany(
        "insert into collections (id, content) values ($1, $2)",
        [(f"{number}", json.dumps(document).encode()) for number, document in enumerate(documents)],
    )
    assert await connection.fetchval("select count(*) from collections where document ? 'extent'") > len(documents) / 2


def _odd(random: Random, depth: int) -> object:
    """A value of JSON, of members that an extent may have."""
    if depth == 0 or random.random() < 0.3:
        return random.choice(_VALUES)
    if random.random() < 0.5:
        return [_odd(random, depth - 1) for _ in range(random.randrange(7))]
    names = ("spatial", "temporal", "bbox", "interval", "\0", "type")
    return {random.choice(names): _odd(random, depth - 1) for _ in range(random.randrange(1, 5))}

"""What PostgreSQL reads back of the rows that are copied in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from satapi.db.contents import Content
from satapi.ingest.copy import COLUMNS, HEADER, TRAILER, stream
from satapi.ingest.prepare import Row
from satapi.ingest.vectors import vector

if TYPE_CHECKING:
    import asyncpg

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
# PostgreSQL's own driver knows the years 1 to 9999 too.
moments = st.integers(-63_082_281_600_000_000, 252_455_615_999_999_999)
values = texts | st.integers(-(10**30), 10**30) | st.booleans() | st.none() | st.lists(texts, max_size=3)
objects = st.dictionaries(texts, values, max_size=6)
points = st.builds(shapely.Point, st.floats(-180, 180), st.floats(-90, 90))
rows = st.builds(
    Row,
    collection=texts,
    id=texts,
    geometry=st.none() | points.map(lambda point: shapely.to_wkb(shapely.set_srid(point, 4326), include_srid=True)),
    datetime=moments,
    start_datetime=st.none() | moments,
    end_datetime=st.none() | moments,
    created=st.none() | moments,
    updated=st.none() | moments,
    properties=objects.map(json.dumps).map(str.encode),
    content=objects.map(lambda members: json.dumps(members, ensure_ascii=False)).map(str.encode),
)


def moment(microseconds: int | None) -> datetime | None:
    if microseconds is None:
        return None
    return datetime(2000, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows, max_size=20, unique_by=lambda row: row.key))
async def test_postgresql_reads_what_was_written(connection: asyncpg.Connection, written: list[Row]) -> None:
    transaction = connection.transaction()
    await transaction.start()
    contents = [Content(place % 3 or None, row.content) for place, row in enumerate(written)]
    copied = stream((row, content, vector([row.id])) for row, content in zip(written, contents, strict=True))
    await connection.copy_to_table("items", source=copied, columns=COLUMNS, format="binary")
    found = {
        (record["collection"], record["id"]): record
        for record in await connection.fetch(
            "select *, st_asewkb(geometry) as ewkb, properties::text as properties_text from items"
        )
    }
    await transaction.rollback()
    assert len(found) == len(written)
    for row, content in zip(written, contents, strict=True):
        record = found[row.key]
        for name in ("datetime", "start_datetime", "end_datetime", "created", "updated"):
            assert record[name] == moment(getattr(row, name))
        assert record["ewkb"] == row.geometry
        assert (record["dictionary"], record["content"]) == content
        assert json.loads(record["properties_text"]) == json.loads(row.properties)


async def test_a_long_stream_comes_in_chunks_that_are_one_copy_file_together() -> None:
    row = Row("c", "i", None, 0, None, None, None, None, b"{}", b'"' + b"x" * 100_000 + b'"')
    chunks = [chunk async for chunk in stream([(row, Content(None, row.content), vector([]))] * 50)]
    assert len(chunks) > 3
    assert max(map(len, chunks)) < 2_000_000
    whole = b"".join(chunks)
    assert whole.startswith(HEADER)
    assert whole.endswith(TRAILER)
    assert whole.count(row.content) == 50

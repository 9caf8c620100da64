"""Contents: compressed against a dictionary of their collection, and read back as they were given."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from satapi.db.contents import Content, Dictionaries, Dictionary, compress
from satapi.db.pool import connect
from satapi.ingest.collections import by_collection, hold
from satapi.ingest.load import load_collections, load_items
from satapi.ingest.prepare import prepare_item
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import asyncpg

    from satapi.query.sql import Sql

documents = st.dictionaries(st.text(), st.text() | st.floats() | st.lists(st.integers())).map(
    lambda members: json.dumps(members).encode()
)


class Reader:
    """Reads dictionaries out of a mapping, and counts how often."""

    def __init__(self, dictionaries: dict[int, bytes]) -> None:
        self.dictionaries = dictionaries
        self.reads = 0

    async def fetch(self, statement: Sql) -> Sequence[tuple[int, bytes]]:
        """Answer the statement that asks for dictionaries."""
        self.reads += 1
        (numbers,) = statement.render()[1]
        return [(number, self.dictionaries[number]) for number in numbers]


def plain(dictionaries: Dictionaries, contents: list[Content], reader: Reader) -> list[bytes]:
    return list(asyncio.run(dictionaries.plain(contents, reader.fetch)))


@given(st.lists(st.tuples(st.none() | st.integers(1, 3), documents)), st.lists(documents, min_size=3, max_size=3))
def test_what_is_compressed_comes_back(given: list[tuple[int | None, bytes]], made: list[bytes]) -> None:
    reader = Reader(dict(enumerate(made, 1)))
    contents = [compress([document], number and Dictionary(number, made[number - 1]))[0] for number, document in given]
    assert plain(Dictionaries(), contents, reader) == [document for _, document in given]


def test_plain_json_is_a_content_too() -> None:
    assert plain(Dictionaries(), [Content(None, b'{"id":"a"}'), Content(7, b"{}")], Reader({7: b"x"})) == [
        b'{"id":"a"}',
        b"{}",
    ]


def test_a_dictionary_is_read_once() -> None:
    reader = Reader({1: b'{"like":"this"}', 2: b'{"like":"that"}'})
    contents = [compress([b'{"like":"so"}'], Dictionary(*made))[0] for made in reader.dictionaries.items()]
    known = Dictionaries()
    for _ in range(3):
        assert plain(known, contents, reader) == [b'{"like":"so"}'] * 2
    assert reader.reads == 1


def test_more_dictionaries_than_are_kept_are_read_again() -> None:
    made = {number: b'{"number":"%d"}' % number * 9 for number in range(1, 700)}
    contents = [compress([dictionary], Dictionary(number, dictionary))[0] for number, dictionary in made.items()]
    reader, known = Reader(made), Dictionaries()
    assert plain(known, contents, reader) == list(made.values())
    assert plain(known, contents[:5], reader) == list(made.values())[:5]
    assert reader.reads == 2


def test_a_wrong_dictionary_is_an_error_and_never_another_item() -> None:
    one, other = b'{"a":"one item of the kind"}', b'{"b":"two item of the mind"}'
    (content,) = compress([one], Dictionary(1, one))
    assert len(content.stored) < len(one)
    with pytest.raises(zstandard.ZstdError):
        plain(Dictionaries(), [content], Reader({1: other}))


# In a load --------------------------------------------------------------------------------------------------------


def document(number: int, collection: str = "c") -> bytes:
    item = {
        "type": "Feature",
        "id": f"i{number}",
        "collection": collection,
        "geometry": None,
        "properties": {"datetime": "2020-01-01T00:00:00Z", "description": "long and always the same " * 9},
        "assets": {},
    }
    return json.dumps(item).encode()


def write(folder: Path, count: int, collections: Sequence[str] = ("c",), start: int = 0) -> str:
    """The name of a file of items, in turn of each collection."""
    file = folder / f"items-{start}.ndjson"
    numbers = range(start, start + count)
    file.write_bytes(b"\n".join(document(number, collections[number % len(collections)]) for number in numbers))
    return str(file)


@pytest.fixture
async def catalog(connection: asyncpg.Connection, tmp_path: Path) -> asyncpg.Connection:
    file = tmp_path / "collections.ndjson"
    file.write_text("".join(f'{{"type":"Collection","id":"{name}"}}\n' for name in "cd"))
    await load_collections(connection, [str(file)])
    return connection


async def numbers(connection: asyncpg.Connection) -> dict[str, int | None]:
    return dict(await connection.fetch("select id, dictionary from collections"))


async def test_a_load_of_many_items_makes_a_dictionary_and_later_loads_use_it(
    catalog: asyncpg.Connection, tmp_path: Path
) -> None:
    await load_items(catalog, [write(tmp_path, 30)])
    made = await numbers(catalog)
    assert made["c"] is not None
    assert made["d"] is None
    await load_items(catalog, [write(tmp_path, 30, start=30)])
    assert await numbers(catalog) == made
    assert await catalog.fetchval("select count(*) from dictionaries") == 1
    assert await catalog.fetchval("select count(*) from items where dictionary = $1", made["c"]) == 60
    assert await catalog.fetchval("select max(octet_length(content)) from items") < 100


async def test_what_a_batch_is_compressed_against_is_known_of_each_of_its_collections(
    catalog: asyncpg.Connection, tmp_path: Path
) -> None:
    await load_items(catalog, [write(tmp_path, 30)])
    rows = [prepare_item(document(1)), prepare_item(document(2)), prepare_item(document(1, "d"))]
    async with catalog.transaction():
        held = await hold(catalog, by_collection(rows))
    first = prepare_item(document(0)).content
    assert held == {"c": Dictionary((await numbers(catalog))["c"], first), "d": None}


async def test_a_few_items_are_not_worth_a_dictionary(catalog: asyncpg.Connection, tmp_path: Path) -> None:
    await load_items(catalog, [write(tmp_path, 20, "cd")])
    assert await numbers(catalog) == {"c": None, "d": None}
    assert await catalog.fetchval("select count(*) from dictionaries") == 0


async def test_loads_at_once_make_one_dictionary(catalog: asyncpg.Connection, database: str, tmp_path: Path) -> None:
    others = [await connect(database, Settings()) for _ in range(3)]
    files = [write(tmp_path, 200, "cd", start=place * 200) for place in range(3)]
    loads = [load_items(other, [file], batch_size=50) for other, file in zip(others, files, strict=True)]
    reports = await asyncio.gather(*loads)
    for other in others:
        await other.close()
    assert sum(report.inserted for report in reports) == 600
    assert await catalog.fetchval("select count(*) from dictionaries") == 2
    assert await catalog.fetchval("select count(*) from items where dictionary is not null") == 600

"""Pages: nothing repeated, nothing lost, whatever else is written; large ones in pieces; tokens that are not ours."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import serving
from satapi.errors import InvalidError
from satapi.query import keyset
from satapi.query.inventory import ITEMS
from satapi.settings import Settings
from satapi.stac.search import Position, SortKey

if TYPE_CHECKING:
    from collections.abc import Callable

# Few times, so that most items share theirs with others.
_TIMES = [f"2024-01-0{day}T00:00:00Z" for day in range(1, 5)]


def _item(number: int, kind: str) -> dict[str, object]:
    properties = {"datetime": _TIMES[number % 4], **({"n": number % 7} if number % 3 else {})}
    x = number % 20
    return serving.item(
        f"c{number % 2}",
        f"{kind}-{number:04}",
        properties=properties,
        geometry={"type": "Point", "coordinates": [x, 50]},
        bbox=[x, 50, x, 50],
    )


@pytest.fixture(scope="module")
def dsn(make_database: Callable[[], str]) -> str:
    found = make_database()
    serving.store(found, [serving.collection("c0"), serving.collection("c1")], [_item(n, "kept") for n in range(120)])
    return found


@pytest.mark.parametrize(
    "query",
    [
        "limit=7",
        "limit=7&sortby=datetime",
        "limit=7&bbox=0,40,30,60",
        "limit=5&bbox=0,40,30,60&sortby=datetime",
        "limit=7&sortby=n",
        "limit=7&sortby=-n,datetime",
        "limit=7&collections=c1",
        "limit=7&datetime=2024-01-02T00:00:00Z/..&sortby=-id",
    ],
)
async def test_what_is_there_all_the_time_is_on_exactly_one_page(dsn: str, query: str) -> None:
    async with serving.in_process(Settings(dsn=dsn)) as client:
        whole = (await client.get("/search?" + re.sub("limit=[0-9]+", "limit=1000", query))).json()["features"]
        expected = [(one["collection"], one["id"]) for one in whole if one["id"].startswith("kept")]
        writer = asyncio.ensure_future(_write(dsn))
        try:
            url, seen = "/search?" + query, []
            while url:
                page = (await client.get(url)).json()
                seen += [(one["collection"], one["id"]) for one in page["features"] if one["id"].startswith("kept")]
                url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
        finally:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
    assert seen == expected


async def _write(dsn: str) -> None:
    """Inserts and deletes others, before and after every place in the order, until it is cancelled."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "satapi, public"})
    numbers = random.Random(1)
    try:
        while True:
            number = numbers.randrange(1000)
            await connection.execute(
                "insert into items (collection, id, geometry, datetime, properties, content) "
                "select collection, 'other-' || id || $1, geometry, datetime, properties, convert_to(json_build_object("
                "'id', 'other-' || id, 'collection', collection, 'links', json_build_array())::text, 'UTF8') "
                "from items where id like 'kept-%' "
                "order by random() limit 5 on conflict do nothing",
                f"-{number}",
            )
            await connection.execute("delete from items where id like 'other-%' and random() < 0.3")
            await asyncio.sleep(0)
    finally:
        await connection.close()


@settings(deadline=None, max_examples=100, derandomize=True)
@given(
    st.lists(st.sampled_from(["datetime", "n", "id", "created", "a.b"]), unique=True, max_size=3),
    st.text(max_size=8),
    st.data(),
)
def test_a_token_gives_back_its_position_and_no_other_order_takes_it(
    names: list[str], identifier: str, data: st.DataObject
) -> None:
    sortby = tuple(SortKey(name, data.draw(st.booleans())) for name in names)
    kinds = {"datetime": st.just(_TIMES[0]), "created": st.sampled_from([None, _TIMES[1]])}
    drawn = [
        data.draw(kinds.get(key.column.name, st.sampled_from([None, "1", '"x"'])))
        for key in keyset.order(sortby, ITEMS).values
    ]
    identifier = identifier.replace("\0", "")
    position = Position(tuple(drawn), "c", identifier, data.draw(st.booleans()))
    token = keyset.encode(sortby, ITEMS, position)
    assert keyset.decode(token, sortby, ITEMS) == position
    with pytest.raises(InvalidError):
        keyset.decode(token, (*sortby, SortKey("something")) if sortby else (SortKey("something"),), ITEMS)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")), st.integers(0, 60))
def test_a_token_that_is_not_ours_is_refused_or_harmless(text: str, cut: int) -> None:
    ours = keyset.encode((), ITEMS, Position((_TIMES[0],), "c", "item"))
    for token in (text, ours[:cut] + text, text + ours[cut:]):
        with contextlib.suppress(InvalidError):
            keyset.decode(token, (), ITEMS)


@pytest.fixture(scope="module")
def large(make_database: Callable[[], str]) -> str:
    """A thousand items of 60 KB, which hardly compress."""
    found = make_database()
    text = "".join(random.Random(2).choices("0123456789abcdef", k=60_000))
    items = (serving.item("c", f"i{n:04}", properties={"text": text[n:] + text[:n]}) for n in range(1000))
    serving.store(found, [serving.collection("c")], items)
    return found


def _memory_bytes(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


async def test_a_large_page_costs_little_memory_and_a_slow_client_no_connection(large: str) -> None:
    with serving.served(large) as process:
        async with httpx.AsyncClient(base_url=process.url, timeout=60) as client:
            assert (await client.get("/search?limit=200")).status_code == 200
            before = _memory_bytes(process.process_id)
            page = (await client.get("/search?limit=1000")).json()
            assert [one["id"] for one in page["features"]] == [f"i{n:04}" for n in range(1000)]
            assert page["numberReturned"] == 1000
            assert _memory_bytes(process.process_id) - before < 60_000_000
        address = urlsplit(process.url)
        with socket.create_connection((address.hostname, address.port)) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.sendall(b"GET /search?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert slow.recv(12) == b"HTTP/1.1 200"
            await asyncio.sleep(0.5)
            assert await _busy(large, "select") == 0


async def test_a_client_that_hangs_up_stops_its_query(dsn: str) -> None:
    locker = await asyncpg.connect(dsn, server_settings={"search_path": "satapi, public"})
    try:
        with serving.served(dsn) as process:
            address = urlsplit(process.url)
            async with locker.transaction():
                await locker.execute("lock table items in access exclusive mode")
                with socket.create_connection((address.hostname, address.port)) as client:
                    client.sendall(b"GET /search HTTP/1.1\r\nHost: x\r\n\r\n")
                    await _until(dsn, busy=1)
                await _until(dsn, busy=0)
    finally:
        await locker.close()


async def _until(dsn: str, *, busy: int) -> None:
    for _ in range(500):
        if await _busy(dsn, "select") == busy:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{await _busy(dsn, 'select')} statements run, not {busy}")


async def _busy(dsn: str, verb: str) -> int:
    """How many statements of the server are running."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(
            "select count(*) from pg_stat_activity where application_name = 'satapi' and state <> 'idle' "
            "and datname = current_database() and query ilike $1 || '%'",
            verb,
        )
    finally:
        await connection.close()

"""Large pages in pieces: the same as small ones, while items and the database come and go between the pieces."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import asyncpg
import pytest

import serving
from satapi.errors import SchemaError
from satapi.http import search, streaming
from satapi.http.app import build_app
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx
    from starlette.types import Message

IDS = [f"i{number}" for number in range(9)]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "WHOLE_ITEMS_MAX", 5)
    monkeypatch.setattr(streaming, "_PIECE_ITEMS", 3)


@pytest.fixture
def dsn(database: str) -> str:
    serving.store(database, [serving.collection("c")], [serving.item("c", name) for name in IDS])
    return database


async def in_pieces(dsn: str, query: str, between: Callable[[int, asyncpg.Pool], Awaitable[None]]) -> list[bytes]:
    """The pieces of an answer; what is to happen between two of them gets how many were sent, and the connections."""
    app = build_app(Settings(dsn=dsn))
    pieces: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            pieces.append(message["body"])
            if message.get("more_body"):
                await between(len(pieces), app.state.server.database.pool)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/search",
        "raw_path": b"/search",
        "query_string": query.encode(),
        "headers": [(b"host", b"stac.test")],
    }
    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
    return pieces


async def test_a_page_in_pieces_is_the_same_as_a_whole_one(
    dsn: str, open_client: Callable[..., httpx.AsyncClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await open_client(dsn=dsn)
    for query in ("limit=6", "limit=100", "limit=8&sortby=-id&fields=id,-links", "limit=7&ids=nobody"):
        cut = await client.get(f"/search?{query}")
        monkeypatch.setattr(search, "WHOLE_ITEMS_MAX", 10_000)
        whole = await client.get(f"/search?{query}")
        monkeypatch.setattr(search, "WHOLE_ITEMS_MAX", 5)
        assert cut.content == whole.content
        assert cut.headers["content-type"] == whole.headers["content-type"]
        assert "content-length" not in cut.headers


async def test_a_head_of_a_page_in_pieces_tells_no_length(
    dsn: str, open_client: Callable[..., httpx.AsyncClient]
) -> None:
    client = await open_client(dsn=dsn)
    response = await client.head("/search?limit=100")
    assert response.status_code == 200
    assert "content-length" not in response.headers


async def test_items_that_are_deleted_meanwhile_are_left_out_and_the_number_is_right(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "satapi, public"})

    async def delete(sent: int, _: asyncpg.Pool) -> None:
        if sent == 1:
            await connection.execute("delete from items where id = any($1)", ["i0", "i3", "i4", "i5", "i7"])

    try:
        page = json.loads(b"".join(await in_pieces(dsn, "limit=8", delete)))
    finally:
        await connection.close()
    assert [item["id"] for item in page["features"]] == ["i0", "i1", "i2", "i6"]
    assert page["numberReturned"] == 4


async def test_a_database_that_restarts_between_two_pieces_is_connected_to_again(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)

    async def restart(__: int, pool: asyncpg.Pool) -> None:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'satapi' and datname = current_database()"
        )
        for _ in range(500):
            if pool.get_idle_size() == 0:
                break
            await asyncio.sleep(0.01)

    try:
        page = json.loads(b"".join(await in_pieces(dsn, "limit=9", restart)))
    finally:
        await connection.close()
    assert [item["id"] for item in page["features"]] == IDS


async def test_an_answer_that_cannot_be_finished_is_cut_off_and_not_closed(dsn: str) -> None:
    async def break_it(_: int, __: asyncpg.Pool) -> None:
        connection = await asyncpg.connect(dsn, server_settings={"search_path": "satapi, public"})
        await connection.execute("alter table items rename to gone")
        await connection.close()

    with pytest.raises(SchemaError):
        await in_pieces(dsn, "limit=9", break_it)

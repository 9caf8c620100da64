"""What surrounds every answer: ids and log lines of requests, CORS, timings, and failures of our own."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import TYPE_CHECKING

import asyncpg
import pytest

import serving
from satapi.settings import Settings

if TYPE_CHECKING:
    import httpx


@pytest.mark.parametrize("given", ["abc-123", "x" * 128])
async def test_a_request_id_comes_back(client: httpx.AsyncClient, given: str) -> None:
    assert (await client.get("/health", headers={"X-Request-ID": given})).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "with space", "x" * 129, "tab\t", "\u00e9"])
async def test_a_request_id_that_would_spoil_a_log_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    response = await client.get("/health", headers={"X-Request-ID": given.encode("latin-1")})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["x-request-id"])


async def test_each_request_is_one_line_of_json_in_the_log(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "satapi.request"):
        response = await client.get("/search?limit=3", headers={"X-Request-ID": "mine"})
        await client.get("/nowhere?a=%0A")
    first, second = [json.loads(record.getMessage()) for record in caplog.records if record.name == "satapi.request"]
    assert (first["id"], first["method"], first["path"], first["status"]) == ("mine", "GET", "/search?limit=3", 200)
    assert first["bytes"] == int(response.headers["content-length"])
    assert {"time", "ms", "parse_ms", "plan_ms", "db_ms", "render_ms"} <= set(first)
    assert (second["path"], second["status"]) == ("/nowhere?a=%0A", 404)


async def test_the_log_is_silent_above_its_level(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "satapi.request"):
        await client.get("/search")
    assert caplog.records == []


async def test_every_answer_of_a_search_tells_its_stages_in_milliseconds(client: httpx.AsyncClient) -> None:
    for request in (client.get("/search"), client.post("/search", json={}), client.get("/search?limit=300")):
        stages = dict(re.findall(r"(\w+);dur=([0-9.]+)", (await request).headers["server-timing"]))
        assert list(stages) == ["parse", "plan", "db", "render"]
        assert 0 <= sum(map(float, stages.values())) < 60_000
    refused = await client.get("/search?limit=0")
    assert refused.headers["server-timing"].startswith("parse;dur=")


async def test_browsers_may_read_what_they_need_of_every_answer(client: httpx.AsyncClient) -> None:
    exposed = (await client.get("/search", headers={"Origin": "https://map.example"})).headers
    shown = {name.strip().lower() for name in exposed["access-control-expose-headers"].split(",")}
    assert {"etag", "retry-after", "server-timing", "x-request-id"} <= shown


async def test_a_preflight_of_any_path_allows_any_header(client: httpx.AsyncClient) -> None:
    for path in ("/", "/search", "/collections/x/items/y"):
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match,x-request-id"}
        response = await client.options(path, headers={"Origin": "https://map.example", **asked})
        assert response.status_code == 204
        assert response.headers["access-control-allow-origin"] == "*"
        assert response.headers["access-control-allow-headers"] == "if-none-match,x-request-id"
        assert {"GET", "POST"} <= set(re.split(", *", response.headers["access-control-allow-methods"]))


async def test_a_fault_of_ours_is_a_problem_document_with_everything_that_answers_have(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    # What no release ships: a column of another type than the code expects.
    serving.store(database, [serving.collection("c")], [serving.item("c", "i")])
    serving.execute(
        database,
        "alter table collections drop column content cascade",
        """alter table collections add column content text default '{"links":[]}'""",
    )
    async with serving.in_process(Settings(dsn=database)) as client:
        response = await client.get("/collections", headers={"X-Request-ID": "mine"})
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"] == "mine"
    assert response.headers["access-control-allow-origin"] == "*"
    problem = response.json()
    assert problem["code"] == "InternalError"
    assert "Traceback" not in response.text
    assert any(record.exc_info for record in caplog.records)


async def test_a_connection_that_the_database_ends_is_replaced(sample: str) -> None:
    connection = await asyncpg.connect(sample)
    try:
        async with serving.in_process(Settings(dsn=sample, pool_size=1)) as client:
            # The end is noticed at another moment each time.
            for _ in range(10):
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where application_name = 'satapi' and datname = current_database()"
                )
                statuses = [(await client.get("/search")).status_code for _ in range(3)]
                assert set(statuses) <= {200, 503}
                assert statuses[-1] == 200
    finally:
        await connection.close()


async def test_a_request_that_finds_no_free_connection_in_time_is_a_503(database: str) -> None:
    locker = await asyncpg.connect(database, server_settings={"search_path": "satapi, public"})
    try:
        async with serving.in_process(Settings(dsn=database, pool_size=1, pool_timeout_s=0.3)) as client:
            transaction = locker.transaction()
            await transaction.start()
            await locker.execute("lock table items in access exclusive mode")
            waiting = asyncio.ensure_future(client.get("/search"))
            await asyncio.sleep(0.1)
            refused = await client.get("/collections")
            assert (refused.status_code, refused.json()["code"]) == (503, "Unavailable")
            assert refused.headers["retry-after"]
            await transaction.rollback()
            assert (await waiting).status_code == 200
    finally:
        await locker.close()

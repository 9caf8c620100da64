"""GET /changes: pages, waiting and streams of events, over ASGI and over TCP."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
import writers

import serving
from satapi.db import bell
from satapi.settings import Settings
from serving import collection, execute, item, store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

FEED = "/changes"


@pytest.fixture
def dsn(database: str) -> str:
    """The DSN of a catalog with a collection and two items."""
    store(
        database,
        [collection("c")],
        [item("c", "a"), item("c", "b", geometry={"type": "Point", "coordinates": [-60, 0]})],
    )
    return database


@pytest.fixture
async def client(dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may write."""
    async with writers.writing(dsn, changes_wait_max_s=20) as client:
        yield client


def told(answer: httpx.Response) -> list[str]:
    """The changes of a page, each as operation and id."""
    assert answer.status_code == 200, answer.text
    return [f"{change['operation']} {change['id']}" for change in answer.json()["changes"]]


async def token(client: httpx.AsyncClient, since: str = "now") -> str:
    """Where to go on."""
    return (await client.get(FEED, params={"since": since})).json()["token"]


def following(answer: httpx.Response) -> str:
    """The next link."""
    return next(link["href"] for link in answer.json()["links"] if link["rel"] == "next")


async def test_a_page_has_changes_with_tokens_and_a_next_link_that_goes_on(client: httpx.AsyncClient) -> None:
    answer = await client.get(FEED, params={"limit": 2})
    assert told(answer) == ["insert c", "insert a"]
    assert answer.headers["cache-control"] == "no-store"
    page = answer.json()
    assert [change["kind"] for change in page["changes"]] == ["collection", "item"]
    assert {*page["changes"][1]} == {"token", "time", "kind", "operation", "collection", "id"}
    assert page["token"] == page["changes"][1]["token"]
    assert [link["rel"] for link in page["links"]] == ["self", "root", "next"]
    rest = await client.get(following(answer))
    assert told(rest) == ["insert b"]
    end = await client.get(following(rest))
    assert told(end) == []
    await client.delete(f"{writers.ITEMS}/a")
    assert told(await client.get(following(end))) == ["delete a"]
    assert told(await client.get(FEED, params={"since": page["changes"][0]["token"]})) == [
        "insert a",
        "insert b",
        "delete a",
    ]
    assert told(await client.get(FEED, params={"since": "now"})) == []
    assert len(told(await client.get(FEED, params={"since": "2000-01-01T00:00:00Z"}))) == 4
    head = await client.head(FEED)
    assert (head.status_code, head.headers["content-type"]) == (200, "application/json")


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"since": "yesterday"}, "since"),
        ({"since": ""}, None),
        ({"wait": "soon"}, "wait"),
        ({"wait": "-1"}, "wait"),
        ({"limit": "0"}, "limit"),
        ({"bbox": "1,2"}, "bbox"),
        ({"filter": "nonsense ("}, "filter"),
        ({"ids": "a"}, "ids"),
    ],
)
async def test_what_is_not_allowed_is_named(
    client: httpx.AsyncClient, parameters: dict[str, str], named: str | None
) -> None:
    answer = await client.get(FEED, params=parameters)
    if named is None:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.json()["parameter"]) == (400, named)


async def test_what_is_gone_says_how_to_start_anew(client: httpx.AsyncClient, dsn: str) -> None:
    start = (await client.get(FEED, params={"limit": 1})).json()["token"]
    execute(
        dsn,
        "update satapi.changes set time = now() - interval '9 days'",
        "select satapi.prune_changes(now() - interval '7 days', 100)",
    )
    answer = await client.get(FEED, params={"since": start})
    assert (answer.status_code, answer.json()["code"]) == (410, "Gone")
    assert "since=now" in answer.json()["description"]
    streamed = await client.get(FEED, params={"since": start}, headers={"accept": "text/event-stream"})
    assert streamed.status_code == 410
    execute(dsn, "update satapi.change_feed set recording = false")
    assert (await client.get(FEED)).status_code == 404


async def test_filters_ask_the_item_as_it_is_and_let_through_what_is_gone(client: httpx.AsyncClient) -> None:
    await client.post("/collections", json=collection("d"))
    start = await token(client)
    for number in range(4):
        place = {"type": "Point", "coordinates": [10 * number, 50]}
        body = item("d", f"i{number}", geometry=place, properties={"eo:cloud_cover": number})
        assert (await client.post("/collections/d/items", json=body)).status_code == 201
    await client.delete("/collections/d/items/i3")
    await client.delete(f"{writers.ITEMS}/a")

    async def asked(**parameters: str) -> list[str]:
        return told(await client.get(FEED, params={"since": start, **parameters}))

    assert await asked(bbox="5,40,15,60") == ["insert i1", "delete i3", "delete a"]
    assert await asked(bbox="5,40,15,60", collections="d") == ["insert i1", "delete i3"]
    assert await asked(filter="eo:cloud_cover >= 1", limit="2") == ["insert i1", "insert i2"]
    assert await asked(filter='{"op":"=","args":[{"property":"id"},"i0"]}', **{"filter-lang": "cql2-json"}) == [
        "insert i0",
        "delete i3",
        "delete a",
    ]
    assert await asked(bbox="-180,-90,180,90", collections="d") == ["insert i0", "insert i1", "insert i2", "delete i3"]
    assert await asked(collections="c") == ["delete a"]
    assert await asked(collections="no") == []


async def test_a_filter_that_lets_little_through_goes_on_page_by_page(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("satapi.query.changes.SCANNED_MAX", 3)
    start = await token(client)
    features = [item("c", f"n{number:02}", properties={"eo:cloud_cover": number}) for number in range(11)]
    body = {"type": "FeatureCollection", "features": features}
    assert (await client.post(writers.ITEMS, json=body)).status_code == 201
    answer = await client.get(FEED, params={"since": start, "filter": "eo:cloud_cover = 9"})
    pages = 0
    while not told(answer):
        answer = await client.get(following(answer))
        pages += 1
    assert told(answer) == ["insert n09"]
    assert pages == 3
    # Who waits need not ask for each of them.
    waited = await client.get(FEED, params={"since": start, "filter": "eo:cloud_cover = 9", "wait": "10"})
    assert told(waited) == ["insert n09"]


async def test_a_request_waits_for_a_change_and_no_longer_than_it_says(client: httpx.AsyncClient) -> None:
    start = await token(client)
    assert told(await client.get(FEED, params={"since": start, "wait": "1"})) == []
    waiting = asyncio.create_task(client.get(FEED, params={"since": start, "wait": "1000"}))
    await asyncio.sleep(0.2)
    await client.delete(f"{writers.ITEMS}/b")
    assert told(await waiting) == ["delete b"]


async def test_changes_are_found_where_nothing_can_be_listened_to(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "_CHANNEL", "another")
    monkeypatch.setattr("satapi.http.following._LOOK_INTERVAL_S", 0.1)
    start = await token(client)
    waiting = asyncio.create_task(client.get(FEED, params={"since": start, "wait": "20"}))
    await asyncio.sleep(0.3)
    await client.delete(f"{writers.ITEMS}/b")
    assert told(await waiting) == ["delete b"]


async def test_the_bell_is_heard_again_after_its_connection_broke(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "_RETRY_FIRST_S", 0.05)
    heard = bell.Bell(dsn, Settings())
    try:
        assert await bell.heard(heard.mark(), 10)
        rung = heard.mark()
        execute(
            dsn,
            "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%' "
            "and datname = current_database()",
        )
        # It rings when it listens again: something may have been missed.
        assert await bell.heard(rung, 10)
        rung = heard.mark()
        execute(dsn, "delete from satapi.items where id = 'a'")
        assert await bell.heard(rung, 10)
    finally:
        await heard.close()


async def test_a_server_that_lets_clients_write_deletes_old_changes(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("satapi.http.pruning._INTERVAL_S", 0.02)
    execute(dsn, "update satapi.changes set time = now() - interval '8 days'")
    async with serving.in_process(Settings(dsn=dsn)) as reading:
        await asyncio.sleep(0.2)
        assert len(told(await reading.get(FEED))) == 3
    async with writers.writing(dsn) as client:
        for _ in range(500):
            if not told(await client.get(FEED)):
                break
            await asyncio.sleep(0.02)
        assert told(await client.get(FEED)) == []


# Events -------------------------------------------------------------------------------------------------------------


class Event(NamedTuple):
    """An event as a browser reads it."""

    id: str
    data: dict[str, str]

    def __str__(self) -> str:
        return f"{self.data['operation']} {self.data['id']}"


class Events:
    """A stream of events as it arrives."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last = ""
        self._lines = response.aiter_lines()

    async def next(self) -> Event | None:
        """The next event, or None at the end."""
        kind, data = "", ""
        async for line in self._lines:
            name, _, value = line.partition(": ")
            match name:
                case "id":
                    self.last = value
                case "event":
                    kind = value
                case "data":
                    data = value
                case "" if data:
                    return Event(self.last, {"operation": kind, "id": data} if kind else json.loads(data))
                case _:
                    pass
        return None


@asynccontextmanager
async def events(url: str, last: str | None = None, **parameters: str) -> AsyncGenerator[Events]:
    """A stream."""
    headers = {"accept": "text/event-stream"} | ({} if last is None else {"last-event-id": last})
    async with (
        httpx.AsyncClient(base_url=url, timeout=20) as client,
        client.stream("GET", FEED, params=parameters, headers=headers) as response,
    ):
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in response.headers
        assert response.headers["access-control-allow-origin"] == "*"
        yield Events(response)


@pytest.fixture
def server(dsn: str) -> Iterator[serving.Served]:
    """A server process that lets everybody write, with a small pool."""
    with serving.served(dsn, writes="open", pool_size="2", changes_streams_max="12") as found:
        yield found


async def test_events_arrive_as_they_happen_and_are_gone_on_with(server: serving.Served) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        async with events(server.url) as stream:
            assert [str(await stream.next()) for _ in range(3)] == ["insert c", "insert a", "insert b"]
            await client.delete(f"{writers.ITEMS}/a")
            event = await stream.next()
            assert str(event) == "delete a"
            assert event is not None
            assert event.data["token"] == event.id
        # Nothing is lost between the end of one and the next.
        await client.delete(f"{writers.ITEMS}/b")
        async with events(server.url, event.id, since="oldest") as stream:
            assert str(await stream.next()) == "delete b"
        async with events(server.url, since="now", collections="c") as stream:
            await client.post("/collections", json=collection("d"))
            await client.post(writers.ITEMS, json=item("c", "later"))
            assert str(await stream.next()) == "insert later"
        head = await client.head(FEED, headers={"accept": "text/event-stream"})
        assert (head.status_code, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


async def test_idle_streams_hold_no_connection_and_more_than_the_limit_are_refused(server: serving.Served) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        streams = [events(server.url, since="now") for _ in range(12)]
        opened = [await stream.__aenter__() for stream in streams]
        try:
            answer = await client.get(FEED, headers={"accept": "text/event-stream"})
            assert (answer.status_code, "limit" in answer.json()["description"]) == (503, True)
            assert int(answer.headers["retry-after"]) > 0
            # Pages are answered all the same, at once.
            assert told(await client.get(FEED, params={"since": "now", "wait": "60"})) == []
            await asyncio.gather(*(client.get("/search") for _ in range(20)))
            await client.delete(f"{writers.ITEMS}/a")
            assert [str(await stream.next()) for stream in opened] == ["delete a"] * 12
        finally:
            for stream in streams:
                await stream.__aexit__(None, None, None)
        for _ in range(100):
            answer = await client.send(
                client.build_request("GET", FEED, headers={"accept": "text/event-stream"}), stream=True
            )
            await answer.aclose()
            if answer.status_code == 200:
                break
            await asyncio.sleep(0.1)
        assert answer.status_code == 200


async def test_streams_end_cleanly_when_the_server_stops(dsn: str) -> None:
    with serving.served(dsn) as server:
        async with events(server.url, since="now") as stream, httpx.AsyncClient(base_url=server.url) as client:
            waiting = asyncio.create_task(client.get(FEED, params={"since": "now", "wait": "60"}, timeout=60))
            await asyncio.sleep(0.5)
            os.kill(server.process_id, signal.SIGTERM)
            # One that is cut off is an error to the client.
            assert await stream.next() is None
            assert told(await waiting) == []


async def test_a_stream_outlives_a_database_that_is_away(server: serving.Served, dsn: str) -> None:
    async with events(server.url, since="now") as stream:
        execute(
            dsn,
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'satapi' and datname = current_database()",
            "delete from satapi.items where id = 'a'",
        )
        assert str(await stream.next()) == "delete a"


async def test_a_stream_says_when_its_place_is_gone(server: serving.Served, dsn: str) -> None:
    async with events(server.url, since="now") as stream:
        execute(dsn, "truncate satapi.items")
        event = await stream.next()
        assert event is not None
        assert event.data["operation"] == "gone"
        assert await stream.next() is None


async def test_a_follower_of_events_that_reconnects_sees_each_change_of_a_load_once(
    server: serving.Served, dsn: str
) -> None:
    loading = asyncio.to_thread(
        lambda: [store(dsn, (), [item("c", f"{batch}-{number}") for number in range(40)]) for batch in range(12)]
    )
    task = asyncio.create_task(loading)
    seen: list[str] = []
    last: str | None = None
    while len(seen) < 480:
        async with events(server.url, last, since="2000-01-01T00:00:00Z", filter="id LIKE '%-%'") as stream:
            for _ in range(min(70, 480 - len(seen))):
                event = await stream.next()
                assert event is not None
                seen.append(event.data["id"])
                last = event.id
                if event.data["kind"] == "collection":
                    seen.pop()
    await task
    assert len(set(seen)) == 480

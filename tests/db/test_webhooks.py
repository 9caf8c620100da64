"""Webhooks: changes arrive at least once and in order, whatever receivers and processes do."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from feeds import Copy
from receivers import Receiver, is_signed
from satapi.db.pool import opened
from satapi.errors import InvalidError
from satapi.settings import Settings
from satapi.webhooks import delivery, messages, sending
from serving import collection, execute, in_process, item, store

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator


class Ran(NamedTuple):
    """What came of a command."""

    code: int
    out: str
    err: str


SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo0NTY3ODk="


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server that gets webhooks."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def command(database: str) -> Callable[..., Ran]:
    """A function that runs `satapi webhooks` as a process: tests are in a loop of their own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SATAPI_")}

    def run(*arguments: str) -> Ran:
        line = [sys.executable, "-m", "satapi", "webhooks", *arguments, "--dsn", database]
        done = subprocess.run(line, env=clean, capture_output=True, text=True, check=False)
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def add(command: Callable[..., Ran], receiver: Receiver) -> Callable[..., Ran]:
    """A function that adds a webhook of that receiver."""

    def add(*options: str) -> Ran:
        ran = command("add", "h", receiver.url + "/hook", "--secret", SECRET, *options)
        assert ran.code == 0, ran.err
        return ran

    return add


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries and looks that take no time."""
    monkeypatch.setattr(sending, "_RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(delivery, "_RECONCILE_INTERVAL_S", 0.05)
    monkeypatch.setattr(delivery, "_STANDBY_INTERVAL_S", 0.1)
    monkeypatch.setattr(delivery, "_AWAY_S", 0.1)


@asynccontextmanager
async def delivering(dsn: str, **given: object) -> AsyncGenerator[None]:
    """Deliver meanwhile."""
    settings = Settings(dsn=dsn, **given)
    async with opened(dsn, settings) as database:
        task = asyncio.create_task(delivery.run(database, dsn, settings))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_changes_arrive_as_signed_cloudevents(add: Callable[..., Ran], receiver: Receiver, database: str) -> None:
    add()
    store(database, [collection("c")], [item("c", "a/b")])
    async with delivering(database, url="https://stac.test"):
        await asyncio.to_thread(receiver.wait, 2)
        execute(database, "delete from satapi.items")
        await asyncio.to_thread(receiver.wait, 3)
    assert receiver.events() == [
        "satapi.collection.created c",
        "satapi.item.created a/b",
        "satapi.item.deleted a/b",
    ]
    got = receiver.got[1]
    assert got.path == "/hook"
    assert got.headers["content-type"] == "application/cloudevents+json"
    assert all(is_signed(each, SECRET) for each in receiver.got)
    (event,) = got.events
    assert event["id"] == got.headers["webhook-id"]
    del event["id"], event["time"]
    assert event == {
        "specversion": "1.0",
        "source": "https://stac.test",
        "type": "satapi.item.created",
        "datacontenttype": "application/json",
        "subject": "collections/c/items/a%2Fb",
        "data": {"kind": "item", "operation": "insert", "collection": "c", "id": "a/b"},
    }


async def test_many_changes_arrive_in_batches_of_the_collections_that_are_asked_for(
    add: Callable[..., Ran], receiver: Receiver, database: str
) -> None:
    store(database, map(collection, "cd"), [item(name, str(number)) for name in "cd" for number in range(25)])
    add("--batch", "10", "--collection", "c", "--since", "oldest")
    async with delivering(database):
        await asyncio.to_thread(receiver.wait_for_events, 26)
    assert [len(got.events) for got in receiver.got] == [10, 10, 6]
    assert {got.headers["content-type"] for got in receiver.got} == {"application/cloudevents-batch+json"}
    assert {event["data"]["collection"] for got in receiver.got for event in got.events} == {"c"}


async def test_what_fails_is_tried_again_and_keeps_its_order_and_id(
    add: Callable[..., Ran], receiver: Receiver, database: str
) -> None:
    add()
    receiver.answers = [500, 302, 404, 204, 429]
    store(database, [collection("c")], [item("c", "1")])
    async with delivering(database):
        await asyncio.to_thread(receiver.wait, 6)
    assert [got.status for got in receiver.got] == [500, 302, 404, 204, 429, 204]
    # A redirection is not followed.
    assert {got.path for got in receiver.got} == {"/hook"}
    assert len({got.headers["webhook-id"] for got in receiver.got[:4]}) == 1
    assert receiver.events() == ["satapi.collection.created c", "satapi.item.created 1"]


async def test_what_is_given_up_is_kept_and_can_be_sent_again(
    add: Callable[..., Ran], receiver: Receiver, database: str, command: Callable[..., Ran]
) -> None:
    add()
    store(database, [collection("c")], [item("c", "1")])
    receiver.answers = [500, 500, 500]
    async with delivering(database, webhook_attempts=3):
        await asyncio.to_thread(receiver.wait, 4)
        await noted(database, "delivered")
    assert receiver.events() == ["satapi.item.created 1"]

    (shown,) = json.loads(command("list", "--json").out)
    assert (shown["name"], shown["dead_letters"], shown["delivered"], shown["active"]) == ("h", 1, 1, True)
    assert "secret" not in shown
    assert "1 messages are given up" in command("list").out
    receiver.answers = [500]
    ran = await asyncio.to_thread(command, "retry", "h")
    assert (ran.code, ran.out) == (1, "0 messages have arrived; then the answer was 500\n")
    ran = await asyncio.to_thread(command, "retry", "h")
    assert (ran.code, ran.out) == (0, "1 messages have arrived\n")
    assert receiver.events() == ["satapi.item.created 1", "satapi.collection.created c"]
    assert is_signed(receiver.got[-1], SECRET)
    assert "given up" not in command("list").out


async def test_who_answers_410_is_sent_no_more_until_it_is_resumed(
    add: Callable[..., Ran], receiver: Receiver, database: str, command: Callable[..., Ran]
) -> None:
    add()
    receiver.answers = [410]
    async with delivering(database):
        store(database, [collection("c")])
        await asyncio.to_thread(receiver.wait, 1)
        for _ in range(500):
            shown = (await asyncio.to_thread(command, "list")).out
            if "paused" in shown:
                break
        assert "paused" in shown
        store(database, [collection("d")])
        await asyncio.sleep(0.3)
        assert len(receiver.got) == 1
        assert (await asyncio.to_thread(command, "resume", "h")).code == 0
        await asyncio.to_thread(receiver.wait_for_events, 2)
    assert receiver.events() == ["satapi.collection.created c", "satapi.collection.created d"]


async def test_a_receiver_that_is_away_or_silent_gets_everything_later(
    add: Callable[..., Ran], receiver: Receiver, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "_TIMEOUT_S", 0.3)
    add()
    store(database, [collection("c")])
    # Who connects is not answered.
    silent = socket.create_server(("127.0.0.1", 0))
    await point(database, f"http://127.0.0.1:{silent.getsockname()[1]}/")
    async with delivering(database):
        assert await noted(database, "error") == "there was no answer within 0.3 seconds"
        silent.close()
        await point(database, receiver.url)
        await asyncio.to_thread(receiver.wait, 1)
    assert receiver.events() == ["satapi.collection.created c"]


async def point(dsn: str, url: str) -> None:
    """Have the webhook sent elsewhere."""
    async with opened(dsn, Settings(dsn=dsn)) as database, database.writer() as connection:
        await connection.execute("update webhooks set url = $1, version = version + 1", url)


async def noted(dsn: str, column: str) -> object:
    """Wait for what is told of the webhook."""
    async with opened(dsn, Settings(dsn=dsn)) as database, database.writer() as connection:
        for _ in range(1_000):
            row = await connection.fetchrow("select * from webhooks")
            if row[column]:
                return row[column]
            await asyncio.sleep(0.02)
    raise AssertionError(column)


async def test_who_has_missed_changes_is_told(add: Callable[..., Ran], receiver: Receiver, database: str) -> None:
    store(database, [collection("c")])
    add("--since", "oldest")
    execute(
        database,
        "update satapi.changes set time = now() - interval '9 days'",
        "select satapi.prune_changes(now() - interval '7 days', 10)",
    )
    store(database, [collection("d")])
    async with delivering(database):
        await asyncio.to_thread(receiver.wait, 2)
    assert receiver.events() == ["satapi.feed.restarted ", "satapi.collection.created d"]
    assert "pruned" in receiver.got[0].events[0]["data"]["reason"]


async def test_of_several_processes_one_delivers_and_another_goes_on(
    add: Callable[..., Ran], receiver: Receiver, database: str
) -> None:
    """Servers too, as a setting has them do; killed while they deliver, nothing is lost."""
    add("--batch", "3")
    random = Random(1)
    line = [sys.executable, "-m", "satapi", "webhooks", "run", "--dsn", database]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SATAPI_")}
    store(database, map(collection, "ab"))
    processes = [await asyncio.create_subprocess_exec(*line, env=clean, stderr=subprocess.DEVNULL) for _ in "12"]
    try:
        for number in range(6):
            items = [item(random.choice("ab"), str(random.randrange(30)), properties={"v": number}) for _ in range(30)]
            await asyncio.to_thread(store, database, (), items)
            execute(database, "delete from satapi.items where id like '%3'")
            if number == 3:
                await asyncio.to_thread(receiver.wait, 1)
                processes[0].kill()
        async with in_process(Settings(dsn=database, webhooks="on")):
            await asyncio.to_thread(receiver.wait, 30)
            processes[1].kill()
            await _all_arrive(database, receiver)
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    copy, seen = Copy(), set()
    for got in receiver.got:
        for event in got.events:
            if event["id"] not in seen:
                seen.add(event["id"])
                data = event["data"]
                copy.take((data["kind"], data["operation"], data["collection"], data["id"]))
    # Only what was on its way when a process was killed came twice.
    assert sum(len(got.events) for got in receiver.got) - len(seen) <= 2 * 3


async def _all_arrive(dsn: str, receiver: Receiver) -> None:
    async with opened(dsn, Settings(dsn=dsn)) as database, database.writer() as connection:
        everything = await connection.fetchval("select sum(cardinality(ids)) from changes")
    for _ in range(1_500):
        if len({event["id"] for got in receiver.got for event in got.events}) == everything:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{everything} changes did not arrive: {len(receiver.events())}")


@pytest.mark.parametrize("url", ["ftp://x.test/", "file:///etc/passwd", "x.test", "http://", "http://x:y/"])
def test_only_web_addresses_are_webhooks(command: Callable[..., Ran], url: str) -> None:
    ran = command("add", "h", url)
    assert (ran.code, "allowed are http:// and https:// addresses" in ran.err) == (1, True)


def test_a_secret_is_made_and_told_once(command: Callable[..., Ran]) -> None:
    made = command("add", "h", "http://x.test/").out.strip()
    assert messages.checked(made) == made
    assert made not in command("list").out
    assert "There is a webhook 'h' already" in command("add", "h", "http://x.test/").err
    assert command("pause", "h").out == "h is paused\n"
    assert command("remove", "h").code == 0
    for name in ("remove", "pause", "resume", "retry"):
        ran = command(name, "h")
        assert (ran.code, "There is no webhook 'h'" in ran.err) == (1, True)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_AAAA", "whsec_" + "!" * 40, "QUJD" * 10])
def test_a_weak_secret_is_refused(secret: str) -> None:
    with pytest.raises(InvalidError, match="allowed is whsec_ and 24 to 64 bytes"):
        messages.checked(secret)


def test_retries_wait_twice_as_long_each_time_up_to_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for attempts in range(1, 40):
        longest = min(5 * 2 ** (attempts - 1), 3_600)
        assert all(longest / 2 <= sending.delay_s(attempts) <= longest for _ in range(20))

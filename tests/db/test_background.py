"""Work in the background ends when it has to: with its connection, and with its command."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from math import inf
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from satapi.db.pool import connect
from satapi.errors import LoadError
from satapi.ingest.background import in_thread
from satapi.ingest.load import load_collections, load_items
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from pathlib import Path

MEGABYTE = 1 << 20


def item(number: int) -> str:
    return json.dumps(
        {
            "type": "Feature",
            "id": f"i{number}",
            "collection": "c",
            "geometry": None,
            "properties": {"datetime": "2020-01-01T00:00:00Z", "much": "x" * 20_000},
            "links": [],
            "assets": {},
        }
    )


@pytest.fixture
async def files(connection: asyncpg.Connection, tmp_path: Path) -> str:
    """The name of a file of 20 MB of items; their collection is loaded."""
    (tmp_path / "collection.json").write_text('{"type": "Collection", "id": "c", "links": []}')
    await load_collections(connection, [str(tmp_path / "collection.json")])
    (tmp_path / "items.ndjson").write_text("".join(item(number) + "\n" for number in range(1000)))
    return str(tmp_path / "items.ndjson")


@asynccontextmanager
async def way(dsn: str, folder: Path, at_most: int) -> AsyncGenerator[str]:
    """A DSN that leads to the same server until so many bytes were sent: nothing more is read then, and it breaks."""
    server = parse_qs(urlsplit(dsn).query)["host"][0] + "/.s.PGSQL.5432"

    serving: list[asyncio.Task[None]] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, at_most: float) -> None:
        passed = 0
        while passed < at_most and (data := await reader.read(MEGABYTE)):
            writer.write(data)
            passed += len(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(server)
        answering = asyncio.ensure_future(pass_on(there, writer, inf))
        await pass_on(reader, back, at_most)
        await asyncio.sleep(0.2)
        answering.cancel()
        for each in (writer, back):
            each.transport.abort()

    def start(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.ensure_future(serve(reader, writer)))

    async with await asyncio.start_unix_server(start, folder / ".s.PGSQL.5432"):
        yield urlsplit(dsn)._replace(query=f"host={folder}").geturl()
        await asyncio.gather(*serving)


async def test_a_server_that_is_gone_in_the_middle_of_a_copy_stops_the_load(
    database: str, short_folder: Path, files: str, connection: asyncpg.Connection
) -> None:
    async with way(database, short_folder, 12 * MEGABYTE) as breaking:
        loading = await connect(breaking, Settings())
        with pytest.raises(LoadError, match=r"In the database are \d+ documents"):
            await asyncio.wait_for(load_items(loading, [files], batch_size=250), 20)
        loading.terminate()
    assert await connection.fetchval("select count(*) from items") in {250, 500}


async def test_work_in_a_thread_gives_its_result_or_its_error() -> None:
    assert await in_thread(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def until_connected(dsn: str, connections: int) -> None:
    """Wait until so many others are connected to the database."""
    counting = "select count(*) from pg_stat_activity where datname = current_database()"
    connection = await asyncpg.connect(dsn)
    while await connection.fetchval(counting) <= connections:  # noqa: ASYNC110 - the other process gives no sign
        await asyncio.sleep(0.1)
    await connection.close()


@pytest.fixture
def heeded() -> Iterator[None]:
    """SIGHUP, which this run of the tests may have been told to ignore, as processes that it starts then do too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize("shell", ["exec", "trap '' INT; exec", "trap '' HUP; exec"])
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_load_from_a_silent_standard_input_can_be_interrupted(
    database: str, shell: str, sent: signal.Signals
) -> None:
    # Shells have SIGINT ignored by what they run in the background, and nohup SIGHUP, which alone stays so.
    command = [
        "sh",
        "-c",
        f'{shell} "$@"',
        "sh",
        sys.executable,
        "-m",
        "satapi",
        "load",
        "items",
        "-",
        "--dsn",
        database,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as loading:
        asyncio.run(until_connected(database, 1))
        time.sleep(0.1)
        loading.send_signal(sent)
        if "HUP" in shell and sent == signal.SIGHUP:
            with pytest.raises(subprocess.TimeoutExpired):
                loading.wait(0.5)
            loading.send_signal(signal.SIGTERM)
        try:
            loading.wait(10)
        finally:
            loading.kill()
        said = loading.stderr.read()
    assert loading.returncode == 130
    assert b"Traceback" not in said

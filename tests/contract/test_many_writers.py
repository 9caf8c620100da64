"""Loads and clients that write the same catalog at the same time, some of them killed: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

import serving
from satapi.db.pool import connect
from satapi.settings import Settings
from serving import collection, item

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import asyncpg

# Ids that all writers write.
SHARED = 1_500
LOADS = 3
CLIENTS = 2
ROUNDS = 8
OWN = 15

COUNTS = """
    with kept as (
        select collection, sum(items)::bigint as items
        from (
            select collection, items from item_counts where day is null and collection is not null
            union all
            select collection, items from item_changes
        ) as each
        group by 1
    )
    select coalesce(kept.items, 0) = count(i.id)
    from collections as c
    left join kept on c.id = kept.collection
    left join items as i on c.id = i.collection
    group by c.id, kept.items
"""


def version(writer: str, number: int, at: int) -> dict[str, object]:
    """What a writer makes of an item that others write too; its links tell whether it is whole."""
    links = [{"rel": "via", "href": f"https://{writer}.test/{at}"}]
    members = {"properties": {"writer": writer, "at": at}, "links": links}
    return item("ab"[number % 2], f"shared-{number}", **members)


def shuffled(seed: int) -> list[int]:
    numbers = list(range(SHARED))
    random.Random(seed).shuffle(numbers)
    return numbers


@pytest.fixture
async def url(database: str) -> AsyncIterator[str]:
    serving.store(database, [collection("a"), collection("b")])
    with serving.served(database, writes="open", pool_size="4") as server:
        yield server.url


class Load:
    """`satapi load items` of a file, in a process of its own."""

    def __init__(self, dsn: str, folder: Path, number: int) -> None:
        self.name = f"load{number}"
        self._dsn = dsn
        self._file = folder / f"{self.name}.ndjson"
        lines = [json.dumps(version(self.name, shared, at)) for at in range(4) for shared in shuffled(number)]
        self._file.write_text("".join(line + "\n" for line in lines))

    async def start(self) -> asyncio.subprocess.Process:
        """The process."""
        command = ["-m", "satapi", "load", "items", str(self._file), "--dsn", self._dsn, "--json", "--jobs", "2"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SATAPI_")}
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable, *command, "--batch-size", "100", env=environment, stdout=pipe, stderr=pipe
        )

    async def run(self) -> None:
        """To its end; each line of the file is accounted for."""
        process = await self.start()
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        report = json.loads(out)
        assert report["read"] == 4 * SHARED
        assert report["inserted"] + report["updated"] + report["unchanged"] + report["ignored"] == report["read"]

    async def run_killed(self, connection: asyncpg.Connection) -> None:
        """Killed in the middle, and then again from the start."""
        process = await self.start()
        mine = "select count(*) from items where properties ->> 'writer' = $1"
        few = SHARED // 20
        while await connection.fetchval(mine, self.name) < few:  # noqa: ASYNC110 - the other process gives no sign
            await asyncio.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
        assert process.returncode == -signal.SIGKILL
        await self.run()


async def edit(url: str, name: str) -> dict[str, dict[str, object]]:
    """Write items of one's own and shared ones; gives those of one's own that are left, as they were acknowledged."""
    left: dict[str, dict[str, object]] = {}
    chance = random.Random(name)
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        for at in range(ROUNDS):
            mine = [item("a", f"{name}-{at}-{number}", properties={"writer": name}) for number in range(OWN)]
            others = [version(name, number, at) for number in chance.sample(range(SHARED), OWN)]
            some = {"type": "FeatureCollection", "features": mine}
            assert (await client.post("/collections/a/items", json=some)).status_code == 201
            left.update((document["id"], document) for document in mine)
            for document in others:
                path = f"/collections/{document['collection']}/items/{document['id']}"
                answer = await client.put(path, json=document)
                # It is not there before a load has brought it.
                assert answer.status_code in {200, 204, 404}, answer.text
            gone = mine[at]["id"]
            assert (await client.delete(f"/collections/a/items/{gone}")).status_code in {200, 204}
            del left[gone]
            changed = mine[-1 - at]["id"]
            if changed in left:
                patch = {"properties": {"round": at}}
                answer = await client.patch(f"/collections/a/items/{changed}", json=patch)
                assert answer.status_code in {200, 204}, answer.text
                left[changed] = {**left[changed], "properties": {**left[changed]["properties"], "round": at}}
    return left


async def served(url: str) -> dict[str, dict[str, object]]:
    """All items as the API gives them, by id; none twice."""
    found: dict[str, dict[str, object]] = {}
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        following: str | None = "/search?limit=1000"
        while following:
            page = (await client.get(following)).json()
            for document in page["features"]:
                assert document["id"] not in found
                found[document["id"]] = document
            following = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    return found


async def test_what_many_writers_were_told_is_stored_and_nothing_else(
    database: str, url: str, tmp_path: Path, connection: asyncpg.Connection
) -> None:
    loads = [Load(database, tmp_path, number) for number in range(LOADS)]
    beside = await connect(database, Settings())
    try:
        killed = loads[0].run_killed(connection), loads[1].run_killed(beside)
        clients = [edit(url, f"client{number}") for number in range(CLIENTS)]
        *left, _, _, _ = await asyncio.gather(*clients, *killed, loads[2].run())
    finally:
        await beside.close()

    found = await served(url)
    own = {name: document for documents in left for name, document in documents.items()}
    assert found.keys() == {f"shared-{number}" for number in range(SHARED)} | own.keys()
    for name, document in own.items():
        assert found[name]["properties"] == document["properties"]
    for number in range(SHARED):
        document = found[f"shared-{number}"]
        writer, at = document["properties"]["writer"], document["properties"]["at"]
        (via,) = [link["href"] for link in document["links"] if link["rel"] == "via"]
        assert via == f"https://{writer}.test/{at}"
        # Nobody is left with an earlier version of his own than his last.
        assert at == 3 or not writer.startswith("load")
    assert [row[0] for row in await connection.fetch(COUNTS)] == [True, True]
    deadlocks = "select deadlocks from pg_stat_database where datname = current_database()"
    assert await connection.fetchval(deadlocks) == 0

"""`satapi changes`: following in a shell, killed and resumed, and what operators do with the record of changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from random import Random
from typing import TYPE_CHECKING

import pytest

from feeds import Copy
from satapi.settings import Settings
from serving import collection, execute, item, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Ran

NAMES = ("a", "b")


@pytest.fixture
def follow(database: str) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """A function that starts a follower."""
    started: list[subprocess.Popen[bytes]] = []
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SATAPI_")}

    def start(*options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "satapi", "changes", "follow", "--dsn", database, *options]
        # Unbuffered, since communicate() leaves out what readline() has read beyond its line.
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
        started.append(subprocess.Popen(command, env=environment, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_it_prints_what_has_changed_and_what_changes(
    follow: Callable[..., subprocess.Popen[bytes]], database: str
) -> None:
    store(database, map(collection, NAMES), [item("a", "1"), item("b", "1")])
    process = follow("--since", "oldest", "--collection", "a")
    assert process.stdout is not None
    lines = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [(line["kind"], line["operation"], line["collection"], line["id"]) for line in lines] == [
        ("collection", "insert", "a", "a"),
        ("item", "insert", "a", "1"),
    ]
    assert list(lines[0]) == ["token", "time", "kind", "operation", "collection", "id"]
    # Whatever becomes of its connections.
    execute(
        database,
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where application_name = 'satapi' and datname = current_database()",
        "delete from satapi.items",
    )
    assert json.loads(process.stdout.readline())["operation"] == "delete"
    process.terminate()
    process.communicate(timeout=30)
    again = follow("--since", lines[0]["token"], "--once")
    found = [json.loads(line) for line in again.communicate(timeout=30)[0].splitlines()]
    told = [f"{line['operation']} {line['collection']}" for line in found]
    assert sorted(told) == sorted(["insert b", "insert a", "insert b", "delete a", "delete b"])
    assert [each.split()[0] for each in told] == ["insert"] * 3 + ["delete"] * 2


@pytest.mark.parametrize("seed", range(2))
def test_a_follower_that_is_killed_goes_on_where_its_file_says(
    follow: Callable[..., subprocess.Popen[bytes]], database: str, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    state, output = tmp_path / "place.txt", []
    store(database, map(collection, NAMES))
    for number in range(5):
        items = [
            item(random.choice(NAMES), str(random.randrange(40)), properties={"version": number}) for _ in range(60)
        ]
        store(database, (), items)
        execute(database, "delete from satapi.items where id like '%3'")
    for _ in range(4):
        process = follow("--since", "oldest", "--state", str(state))
        assert process.stdout is not None
        output += [process.stdout.readline() for _ in range(random.randrange(1, 40))]
        process.kill()
        output += process.communicate()[0].splitlines(keepends=True)
    output += follow("--state", str(state), "--once").communicate()[0].splitlines()
    lines = [json.loads(line) for line in output if line.strip()]
    copy = Copy()
    last = ""
    for line in lines:
        # The line at which it was killed may come twice.
        if line["token"] != last:
            copy.take((line["kind"], line["operation"], line["collection"], line["id"]))
        last = line["token"]
    kept = follow("--since", "oldest", "--once").communicate()[0].splitlines()
    assert copy.changes == len(kept)


def test_what_is_wrong_is_told(satapi: Callable[..., Ran], database: str, tmp_path: Path) -> None:
    ran = satapi("changes", "follow", "--dsn", database, "--since", "yesterday")
    assert (ran.code, "since: 'yesterday' is not allowed" in ran.err) == (1, True)
    ran = satapi("changes", "follow", "--dsn", database, "--once", "--state", str(tmp_path))
    assert (ran.code, "cannot be read" in ran.err) == (1, True)
    (tmp_path / "state").write_text("0000000000000000-1-1\n")
    ran = satapi("changes", "follow", "--dsn", database, "--once", "--state", str(tmp_path / "state"))
    assert (ran.code, "another record of changes" in ran.err) == (1, True)


def test_the_record_is_shown_pruned_and_turned_off_and_on(satapi: Callable[..., Ran], database: str) -> None:
    store(database, [collection("a")], [item("a", str(number)) for number in range(5)])
    status = json.loads(satapi("changes", "status", "--json", "--dsn", database).out)
    assert (status["recording"], status["rows"], status["changes"], status["waiting"]) == (True, 2, 6, 0)
    shown = satapi("changes", "status", "--dsn", database).out
    assert "6 changes in 2 rows" in shown
    assert status["token"] in shown
    execute(database, "update satapi.changes set time = now() - interval '10 days' where kind = 'item'")
    assert satapi("changes", "prune", "--days", "20", "--dsn", database).out == "0 rows of changes are deleted\n"
    execute(database, "update satapi.changes set time = now() - interval '10 days'")
    assert satapi("changes", "prune", "--dsn", database).out == "2 rows of changes are deleted\n"
    assert satapi("changes", "off", "--dsn", database).out == "Changes are not recorded from now on\n"
    assert satapi("changes", "off", "--dsn", database).out == "Changes were not recorded already\n"
    assert "`satapi changes on`" in satapi("changes", "status", "--dsn", database).out
    assert satapi("changes", "on", "--dsn", database).out == "Changes are recorded from now on\n"


def test_a_load_deletes_changes_that_are_too_old(satapi: Callable[..., Ran], database: str, tmp_path: Path) -> None:
    assert Settings().changes_days == 7
    store(database, [collection("a")])
    execute(database, "update satapi.changes set time = now() - interval '8 days'")
    file = tmp_path / "item.json"
    file.write_text(json.dumps(item("a", "1")))
    assert satapi("load", "items", str(file), "--dsn", database).code == 0
    status = json.loads(satapi("changes", "status", "--json", "--dsn", database).out)
    assert (status["rows"], status["changes"]) == (1, 1)

"""`satapi serve`: the process, its signals, its worker processes and the database that it runs."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Ran


class Served:
    """A process that serves; `url` is where, once it does."""

    def __init__(self, *options: str, **settings: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SATAPI_")}
        command = [sys.executable, "-m", "satapi", "serve", "--port", "0", *options]
        # A group of its own, so that nothing of it outlives the test.
        self.process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=clean | settings, start_new_session=True
        )
        assert self.process.stderr
        for line in self.process.stderr:
            if found := re.search(r"serves (http://\S+)", line):
                self.url = found[1]
                return
        raise AssertionError(f"it does not serve, but exited with {self.process.wait()}")

    def ended_by(self, number: int) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """A function that starts a server, which is gone after the test."""
    started: list[Served] = []

    def start(*options: str, **settings: str) -> Served:
        started.append(Served(*options, **settings))
        return started[-1]

    yield start
    for served in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(served.process.pid, signal.SIGKILL)
        served.process.communicate()


def listens(url: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", httpx.URL(url).port)) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_serves_until_a_signal(
    serve: Callable[..., Served], database: str, number: signal.Signals, workers: str
) -> None:
    served = serve("--workers", workers, "--dsn", database)
    assert httpx.get(served.url).json()["type"] == "Catalog"
    assert served.ended_by(number) == 0
    assert not listens(served.url)


def test_with_the_embedded_database_one_command_makes_everything_and_ctrl_c_stops_it(
    serve: Callable[..., Served], short_folder: Path
) -> None:
    home = short_folder / "served"
    served = serve(SATAPI_DATA_DIR=str(home), SATAPI_TITLE="Everything")
    assert httpx.get(served.url).json()["title"] == "Everything"
    assert httpx.get(served.url + "collections").json()["collections"] == []
    assert served.ended_by(signal.SIGINT) == 0
    assert not (home / "data" / "postmaster.pid").exists()


def test_the_answers_name_no_server_software(serve: Callable[..., Served], database: str) -> None:
    answer = httpx.get(serve("--dsn", database).url)
    assert "server" not in answer.headers
    assert "date" in answer.headers


def test_a_port_in_use_is_told_in_one_line(satapi: Callable[..., Ran], database: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = satapi("serve", "--port", port, "--dsn", database)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == (
        f"satapi: Nothing can listen on 127.0.0.1 port {port}: Address already in use; "
        "choose others with --host and --port\n"
    )


def test_workers_end_with_a_killed_supervisor_so_that_another_can_take_their_place(
    serve: Callable[..., Served], database: str
) -> None:
    served = serve("--workers", "2", "--dsn", database)
    assert httpx.get(served.url).is_success
    served.process.kill()
    deadline = time.monotonic() + 20
    while listens(served.url):
        assert time.monotonic() < deadline, "the workers go on without their supervisor"
        time.sleep(0.05)

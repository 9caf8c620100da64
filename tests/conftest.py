"""What the tests share: one real PostgreSQL for the whole run, and databases in it that cost a copy."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import pytest

from satapi.cli import main
from satapi.db.cluster import running_cluster
from satapi.db.migrate import migrate
from satapi.db.pool import connect
from satapi.settings import Settings
from serving import execute, run_apart

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterator

    import asyncpg

ROOT = Path(__file__).parent.parent

_numbers = itertools.count(1)


def silent(_: str) -> None:
    """Say nothing."""


def with_database(dsn: str, name: str) -> str:
    """Give the DSN of another database of the same server."""
    return urlsplit(dsn)._replace(path="/" + name).geturl()


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder that user postgres can reach (pytest's own are closed) and whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="satapi-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def cluster_dsn(short_folder: Path) -> Iterator[str]:
    """The DSN of a PostgreSQL for this run of the tests; it is fast and would not survive a power cut."""
    with running_cluster(Settings(data_dir=str(short_folder / "shared")), silent) as dsn:
        execute(
            dsn,
            "alter system set fsync = off",
            "alter system set full_page_writes = off",
            "alter system set synchronous_commit = off",
            "select pg_reload_conf()",
        )
        yield dsn


@pytest.fixture(scope="session")
def template(cluster_dsn: str) -> str:
    """The name of a migrated, empty database to copy."""

    async def make() -> None:
        connection = await connect(with_database(cluster_dsn, "template"), Settings())
        try:
            await migrate(connection, silent)
        finally:
            await connection.close()

    execute(cluster_dsn, "create database template")
    run_apart(make())
    return "template"


@contextmanager
def _copied(cluster_dsn: str, template: str) -> Generator[str]:
    name = f"copy_{next(_numbers)}"
    execute(cluster_dsn, f"create database {name} template {template}")
    try:
        yield with_database(cluster_dsn, name)
    finally:
        execute(cluster_dsn, f"drop database {name} with (force)")


@pytest.fixture
def database(cluster_dsn: str, template: str) -> Iterator[str]:
    """The DSN of a migrated, empty database of the test's own."""
    with _copied(cluster_dsn, template) as dsn:
        yield dsn


@pytest.fixture
def empty_database(cluster_dsn: str) -> Iterator[str]:
    """The DSN of a database without anything in it, of the test's own."""
    with _copied(cluster_dsn, "template0") as dsn:
        yield dsn


@pytest.fixture(scope="module")
def make_database(cluster_dsn: str, template: str) -> Iterator[Callable[[], str]]:
    """A function that gives the DSN of another migrated database, which lives as long as the module's tests."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(_copied(cluster_dsn, template))


@pytest.fixture
async def connection(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to `database`, as satapi's own commands have it."""
    connection = await connect(database, Settings())
    yield connection
    await connection.close()


@pytest.fixture
async def beside(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A second one, of another session."""
    connection = await connect(database, Settings())
    yield connection
    await connection.close()


class Ran(NamedTuple):
    """What came of a command: its exit code, and what it wrote to standard output and error."""

    code: object
    out: str
    err: str


@pytest.fixture
def satapi(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Ran]]:
    """A function that runs the command line satapi with its arguments, in this process."""
    # The width of help; and no settings but those that the test makes.
    monkeypatch.setenv("COLUMNS", "200")
    for name in os.environ:
        if name.startswith("SATAPI_"):
            monkeypatch.delenv(name)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["satapi", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Ran(ended.value.code, *capsys.readouterr())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real items and filters that lies beside some checkouts."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"needs the shared data in {folder}")
    return folder

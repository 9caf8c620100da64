"""The private PostgreSQL that both sides of a benchmark use, with one set of settings."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Iterator

BENCH = Path(__file__).resolve().parent
REPOSITORY = BENCH.parent
SERVER_USER = "postgres"
PORT = 54329
SOCKET_PATH_MAX_BYTES = 90

# What an operator sets on a server of its own; durability stays as PostgreSQL ships it. The defaults that matter and
# are left alone: default_toast_compression (pglz), synchronous_commit (on), fsync (on), autovacuum (on).
FIXED_SETTINGS = {
    "max_connections": "60",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "200",
    "wal_compression": "lz4",
    "max_wal_size": "8GB",
    "min_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "maintenance_work_mem": "512MB",
    "work_mem": "32MB",
    "synchronous_commit": "on",
}


class Cluster(NamedTuple):
    """A running PostgreSQL: the folder of its socket, which also names it in DSNs."""

    socket_folder: Path

    def dsn(self, database: str) -> str:
        """The DSN of a database, in the form that libpq and asyncpg both read."""
        host = str(self.socket_folder).replace("/", "%2F")
        return f"postgresql://{_owner()}@{host}:{PORT}/{database}"


def work_folder() -> Path:
    """The folder for everything a benchmark makes: bench/.work, or /var/tmp where PostgreSQL's user cannot reach it."""
    folder = Path(os.environ.get("BENCH_WORK", BENCH / ".work"))
    folder.mkdir(parents=True, exist_ok=True)
    reachable = subprocess.run(_as_owner("test", "-x", str(folder)), check=False).returncode == 0
    if not reachable or len(str(folder)) > SOCKET_PATH_MAX_BYTES:
        folder = Path("/var/tmp/satapi-bench")  # noqa: S108 - our own data, nothing that others may not read
        folder.mkdir(exist_ok=True)
    return folder


def server_settings() -> dict[str, str]:
    """The server's settings: a twelfth of the memory as shared buffers (2 of 24 GB), two thirds counted on as cache."""
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    sizes = {"shared_buffers": f"{memory_mb // 12}MB", "effective_cache_size": f"{memory_mb * 2 // 3}MB"}
    return FIXED_SETTINGS | sizes


def version() -> str:
    """The server's version."""
    return subprocess.run(
        [_program("postgres"), "--version"], check=True, capture_output=True, text=True
    ).stdout.strip()


@contextmanager
def running() -> Iterator[Cluster]:
    """Start the server, initialising it the first time; stop it in the end. One that runs already is used and left."""
    data = work_folder() / "postgresql"
    socket_folder = work_folder() / "socket"
    if not (data / "PG_VERSION").exists():
        _initialise(data, socket_folder)
    status = subprocess.run(_pg_ctl(data, "status"), check=False, capture_output=True)
    if status.returncode == 0:
        yield Cluster(socket_folder)
        return
    options = " ".join(f"-c {name}={value}" for name, value in server_settings().items())
    options += f" -c listen_addresses='' -c unix_socket_directories={socket_folder} -c port={PORT}"
    log = data.parent / "postgresql.log"
    subprocess.run(_pg_ctl(data, "start", "-w", "-l", str(log), "-o", options), check=True, stdout=subprocess.DEVNULL)
    try:
        yield Cluster(socket_folder)
    finally:
        subprocess.run(_pg_ctl(data, "stop", "-w", "-m", "fast"), check=True, stdout=subprocess.DEVNULL)


def _initialise(data: Path, socket_folder: Path) -> None:
    for folder in (data, socket_folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        shutil.chown(folder, _owner())
    log = data.parent / "postgresql.log"
    log.touch()
    shutil.chown(log, _owner())
    # Anyone who can reach the socket is let in; its folder is closed to all but the server's user.
    options = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", "-U", _owner()]
    subprocess.run(_as_owner(_program("initdb"), "-D", str(data), *options), check=True, stdout=subprocess.DEVNULL)


async def make_database(cluster: Cluster, name: str) -> str:
    """Make an empty database, dropping one of that name, and return its DSN."""
    connection = await asyncpg.connect(cluster.dsn("postgres"))
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
        await connection.execute(f'create database "{name}"')
        # Dirty pages of what ran before would be written while the next load is timed.
        await connection.execute("checkpoint")
    finally:
        await connection.close()
    return cluster.dsn(name)


async def has_database(cluster: Cluster, name: str) -> bool:
    """Whether a database of that name exists."""
    connection = await asyncpg.connect(cluster.dsn("postgres"))
    try:
        return await connection.fetchval("select exists (select from pg_database where datname = $1)", name)
    finally:
        await connection.close()


async def warm(dsn: str, schema: str) -> None:
    """Read all relations of a schema into memory, indexes last: a server that has just started has nothing there."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("create extension if not exists pg_prewarm schema public")
        await connection.execute(
            "select public.pg_prewarm(oid) from (select oid from pg_class where relnamespace = "
            f"'{schema}'::regnamespace and relkind in ('r', 'm') union all select reltoastrelid from pg_class where "
            f"relnamespace = '{schema}'::regnamespace and reltoastrelid <> 0) as tables (oid)"
        )
        await connection.execute(
            "select public.pg_prewarm(oid) from pg_class "
            f"where relnamespace = '{schema}'::regnamespace and relkind = 'i'"
        )
    finally:
        await connection.close()


def _owner() -> str:
    return SERVER_USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def _as_owner(*command: str) -> list[str]:
    return ["runuser", "-u", SERVER_USER, "--", *command] if os.geteuid() == 0 else list(command)


def _pg_ctl(data: Path, *command: str) -> list[str]:
    return _as_owner(_program("pg_ctl"), "-D", str(data), *command)


def _program(name: str) -> str:
    newest = max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), default=None)
    found = shutil.which(name) or newest
    if found is None:
        raise SystemExit(f"PostgreSQL's {name} is not found; install PostgreSQL 15 or newer with PostGIS.")
    return str(found)

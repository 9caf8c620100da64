"""satapi itself: the commands and the server of this repository's environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import cluster
from processes import free_port, serving

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from processes import Server

DATABASE = "bench_satapi"
SCHEMA = "satapi"
PROGRAM = Path(sys.executable).with_name("satapi")


def migrate(dsn: str) -> None:
    """Make satapi's schema in an empty database."""
    subprocess.run([PROGRAM, "db", "migrate", "--dsn", dsn], check=True, stdout=2)


def load(dsn: str, table: str, file: Path, *options: str) -> list[str]:
    """The command that loads a file of collections or items, with satapi's defaults but for the options."""
    return [str(PROGRAM), "load", table, str(file), "--dsn", dsn, *options]


def server(dsn: str, workers: int) -> AbstractContextManager[Server]:
    """The server with its defaults."""
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--dsn", dsn]
    return serving([str(PROGRAM), "serve", *options], port, cluster.work_folder() / "satapi.log", {})


async def make_database(running: cluster.Cluster, name: str = DATABASE) -> str:
    """A new database with satapi's schema; returns its DSN."""
    dsn = await cluster.make_database(running, name)
    migrate(dsn)
    return dsn

"""The peer: pgstac and stac-fastapi-pgstac from PyPI, in an environment and a database of their own."""

from __future__ import annotations

import argparse
import subprocess
import venv
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

import cluster
from processes import free_port, serving

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from processes import Server

PACKAGES = ("pypgstac[psycopg]", "stac-fastapi-pgstac[server]")
SHOWN_PACKAGES = ("pypgstac", "stac-fastapi-pgstac", "uvicorn", "asyncpg", "psycopg", "pydantic")
DATABASE = "bench_peer"
SCHEMA = "pgstac"

# No response validation and no counting are its defaults. Hydration in Python, and answers that skip FastAPI's second
# serialisation, are documented options that made it 2.5 to 4 times faster than its defaults. Connections as satapi's.
SERVER_SETTINGS = {
    "ENABLE_RESPONSE_MODELS": "false",
    "ENABLE_DIRECT_RESPONSE": "true",
    "USE_API_HYDRATE": "true",
    "DB_MIN_CONN_SIZE": "10",
    "DB_MAX_CONN_SIZE": "10",
}

# Cloud cover gets the index that satapi has too: without it the peer's filters and sorts on it only read and sort.
INDEXED_PROPERTIES = ("eo:cloud_cover",)


def environment() -> Path:
    """The folder of the peer's programs; its environment is made the first time."""
    programs = cluster.work_folder() / "peer" / "bin"
    if not (programs / "pypgstac").exists():
        venv.create(programs.parent, with_pip=True, clear=True)
        subprocess.run([programs / "python", "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return programs


def versions() -> dict[str, str]:
    """Versions of the packages that matter."""
    code = f"import importlib.metadata as m; print(*[m.version(p) for p in {SHOWN_PACKAGES!r}])"
    output = subprocess.run([environment() / "python", "-c", code], check=True, capture_output=True, text=True).stdout
    return dict(zip(SHOWN_PACKAGES, output.split(), strict=True))


def migrate(dsn: str) -> None:
    """Make pgstac's schema in an empty database."""
    subprocess.run([environment() / "pypgstac", "migrate", "--dsn", dsn], check=True, stdout=2)


def load(dsn: str, table: str, file: Path, *options: str) -> list[str]:
    """The command that loads a file of collections or items, with pypgstac's defaults but for the options."""
    return [str(environment() / "pypgstac"), "load", table, str(file), "--dsn", dsn, *options]


def index_properties(dsn: str) -> None:
    """Index the properties that satapi indexes."""
    properties = {name: {"type": "number"} for name in INDEXED_PROPERTIES}
    file = cluster.work_folder() / "queryables.json"
    file.write_bytes(orjson.dumps({"type": "object", "properties": properties}))
    indexed = orjson.dumps(INDEXED_PROPERTIES).decode()
    options = ["--index_fields", indexed, "--dsn", dsn]
    subprocess.run([environment() / "pypgstac", "load_queryables", file, *options], check=True, stdout=2)


def server(dsn: str, workers: int) -> AbstractContextManager[Server]:
    """The peer's server with the fastest settings that it documents; see SERVER_SETTINGS."""
    port = free_port()
    where = urlsplit(dsn)
    database = {
        "PGUSER": where.username or "",
        "PGPASSWORD": "none",
        # It pastes the host into a URL, so a socket's folder stays percent-encoded.
        "PGHOST": where.netloc.rpartition("@")[2].partition(":")[0],
        "PGPORT": str(where.port),
        "PGDATABASE": where.path.strip("/"),
    }
    app = ["stac_fastapi.pgstac.app:create_app", "--factory"]
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--no-access-log"]
    command = [str(environment() / "uvicorn"), *app, *options]
    return serving(command, port, cluster.work_folder() / "peer.log", SERVER_SETTINGS | database)


async def make_database(running: cluster.Cluster) -> str:
    """A new database with pgstac's schema; returns its DSN."""
    dsn = await cluster.make_database(running, DATABASE)
    migrate(dsn)
    return dsn


def main() -> None:
    """Make the environment and print its versions."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    for package, version in versions().items():
        print(package, version)


if __name__ == "__main__":
    main()

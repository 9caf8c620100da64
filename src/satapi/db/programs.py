"""PostgreSQL's server programs: where they are on this machine, and of which version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from satapi.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAJOR_MIN = 15

# Where systems put the programs that are not in PATH; of several versions in one place the newest comes first.
_USUAL_FOLDERS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # the PostgreSQL project's packages for Red Hat
    "/usr/lib64/postgresql*/bin",  # Gentoo
    "/usr/libexec/postgresql*",  # Alpine
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/opt/local/lib/postgresql*/bin",  # MacPorts
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/usr/local/pgsql/bin",  # built from source
)


class Programs(msgspec.Struct, frozen=True):
    """The folder of one PostgreSQL's server programs, and its major version."""

    folder: Path
    major: int

    def path(self, name: str) -> str:
        """The path of one program, such as pg_ctl."""
        return str(self.folder / name)


def find_programs(pg_bin: str | None, data_major: int | None) -> Programs:
    """Choose the PostgreSQL that serves the data: of major version `data_major`, or any when there is no data yet.

    `pg_bin` names the only folder to look in; without it PATH, pg_config and the usual folders are searched.
    Raises ClusterError, which says what to install.
    """
    found = list(_installed(pg_bin))
    fitting = [programs for programs in found if data_major in (None, programs.major)]
    if not fitting:
        wanted = f"{MAJOR_MIN} or newer" if data_major is None else f"{data_major}, which made its data,"
        others = ", ".join(f"{programs.major} in {programs.folder}" for programs in found)
        raise ClusterError(
            f"PostgreSQL {wanted} was not found{f' in {pg_bin}' if pg_bin else ''}"
            f"{f' (there is {others})' if others else ''}; install it with PostGIS (on Debian: postgresql-"
            f"{data_major or MAJOR_MIN}-postgis-3), set SATAPI_PG_BIN to the folder of its initdb, or give a database "
            "of your own with --dsn"
        )
    with_postgis = [programs for programs in fitting if _may_have_postgis(programs)]
    if not with_postgis:
        programs = fitting[0]
        raise ClusterError(
            f"PostgreSQL {programs.major} in {programs.folder} has no PostGIS; install it "
            f"(on Debian: postgresql-{programs.major}-postgis-3)"
        )
    return with_postgis[0]


def _installed(pg_bin: str | None) -> Iterator[Programs]:
    seen: set[Path] = set()
    for folder in [Path(pg_bin)] if pg_bin else _folders():
        # PATH and the usual folders often name one folder twice.
        real = folder.resolve()
        if real in seen or not all(os.access(real / name, os.X_OK) for name in ("initdb", "pg_ctl", "postgres")):
            continue
        seen.add(real)
        major = re.search(r"\) (\d+)", _output(str(real / "postgres"), "--version"))
        if major and int(major[1]) >= MAJOR_MIN:
            yield Programs(real, int(major[1]))


def _folders() -> Iterator[Path]:
    yield from (Path(folder) for folder in os.get_exec_path())
    if pg_config := shutil.which("pg_config"):
        yield Path(_output(pg_config, "--bindir"))
    for pattern in _USUAL_FOLDERS:
        root, _, rest = pattern[1:].partition("/")
        yield from sorted(Path("/", root).glob(rest), key=_version, reverse=True)


def _version(folder: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", str(folder))]


def _may_have_postgis(programs: Programs) -> bool:
    # Without its pg_config there is no telling; the first migration will.
    share = _output(programs.path("pg_config"), "--sharedir")
    return not share or Path(share, "extension", "postgis.control").exists()


def _output(*command: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the programs are the operator's own, the arguments are literal
            command, capture_output=True, text=True, check=True, cwd="/"
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()

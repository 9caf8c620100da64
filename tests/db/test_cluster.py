"""The embedded cluster: shared, stopped by its last user, and found again after whatever happened to it."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from satapi.db.cluster import running_cluster
from satapi.db.programs import find_programs
from satapi.errors import ClusterError
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Uses the cluster in the folder given, says so, and leaves when its standard input ends.
USER = """
import sys
from satapi.db.cluster import running_cluster
from satapi.settings import Settings

with running_cluster(Settings(data_dir=sys.argv[1]), lambda text: None) as dsn:
    print(dsn, flush=True)
    sys.stdin.read()
"""


class User:
    """Another process that uses a cluster."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-c", USER, str(folder)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def dsn(self) -> str:
        """Wait until it runs."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        """Let it end by itself."""
        self.process.communicate(timeout=60)
        assert self.process.returncode == 0

    def kill(self) -> None:
        """End it without a chance to clean up."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def made(short_folder: Path) -> Path:
    """The folder of a cluster that tests share, because making one takes longer than all else here."""
    folder = short_folder / "made"
    with running_cluster(settings(folder), silent):
        pass
    return folder


@pytest.fixture
def folder(made: Path) -> Iterator[Path]:
    """The folder of a stopped cluster."""
    yield made
    if is_running(made):
        with running_cluster(settings(made), silent):
            pass


@pytest.fixture
def user() -> Iterator[Callable[[Path], User]]:
    """A function that starts another process that uses the cluster in a folder."""
    started: list[User] = []

    def start(folder: Path) -> User:
        started.append(User(folder))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def settings(folder: Path) -> Settings:
    return Settings(data_dir=str(folder))


def silent(_: str) -> None:
    pass


def postmaster(folder: Path) -> int:
    return int((folder / "data" / "postmaster.pid").read_text().partition("\n")[0])


def is_running(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(folder / "socket" / ".s.PGSQL.5432")) == 0


def answer(dsn: str, question: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_it_is_made_started_and_stopped_and_keeps_its_data(short_folder: Path) -> None:
    said: list[str] = []
    folder = short_folder / "new" / "nested folder"
    with running_cluster(settings(folder), said.append) as dsn:
        assert answer(dsn, "create table kept as select 7 as number") is None
        assert answer(dsn, "select current_database() || ' ' || current_setting('listen_addresses')") == "satapi "
        assert answer(dsn, "select pg_encoding_to_char(encoding) from pg_database where datname = 'satapi'") == "UTF8"
        assert answer(dsn, "select upper('é')") == "É"
        assert answer(dsn, "select current_setting('fsync')") == "on"
    assert not is_running(folder)
    with running_cluster(settings(folder), said.append) as dsn:
        assert answer(dsn, "select number from kept") == 7
    assert [text.split()[0] for text in said] == ["Making", "Starting", "Starting"]


def test_only_its_own_user_can_reach_the_socket_and_the_data(folder: Path) -> None:
    for closed in (folder, folder / "data", folder / "socket"):
        assert closed.stat().st_mode & 0o077 == 0


def test_it_stops_when_the_block_fails(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError), running_cluster(settings(folder), silent):
        raise ZeroDivisionError
    assert not is_running(folder)


def test_two_processes_that_start_at_once_share_it_and_the_last_one_stops_it(
    user: Callable[[Path], User], folder: Path
) -> None:
    # The longest way: there is nothing yet but the remains of a making that was interrupted.
    (folder / "data").rename(folder / "data.new")
    (folder / "data.new" / "PG_VERSION").unlink()
    first, second = user(folder), user(folder)
    assert first.dsn() == second.dsn() != ""
    pid = postmaster(folder)
    first.leave()
    assert is_running(folder)
    assert postmaster(folder) == pid
    second.leave()
    assert not is_running(folder)
    assert not (folder / "data.new").exists()


def test_a_server_that_outlived_a_killed_user_is_used_again_and_then_stopped(
    user: Callable[[Path], User], folder: Path
) -> None:
    killed = user(folder)
    killed.dsn()
    pid = postmaster(folder)
    killed.kill()
    assert is_running(folder)
    with running_cluster(settings(folder), silent):
        assert postmaster(folder) == pid
    assert not is_running(folder)


def test_it_starts_again_after_everything_was_killed_and_lost_nothing_that_was_committed(
    user: Callable[[Path], User], folder: Path
) -> None:
    killed = user(folder)
    answer(killed.dsn(), "create table committed as select 7 as number")
    killed.kill()
    os.kill(postmaster(folder), signal.SIGKILL)
    # At once, while the processes of the killed server may still be ending.
    with running_cluster(settings(folder), silent) as dsn:
        assert answer(dsn, "select number from committed") == 7


def test_it_starts_when_only_the_server_was_killed_under_its_users(user: Callable[[Path], User], folder: Path) -> None:
    staying = user(folder)
    staying.dsn()
    os.kill(postmaster(folder), signal.SIGKILL)
    with running_cluster(settings(folder), silent) as dsn:
        assert answer(dsn, "select 1") == 1
    # The other one uses it too, so it goes on.
    assert is_running(folder)
    staying.leave()
    assert not is_running(folder)


def test_a_process_that_has_the_number_of_the_dead_server_is_not_taken_for_it(
    user: Callable[[Path], User], folder: Path
) -> None:
    killed = user(folder)
    killed.dsn()
    os.kill(postmaster(folder), signal.SIGKILL)
    killed.kill()
    while is_running(folder):
        time.sleep(0.01)
    server_user = folder.stat().st_uid if os.geteuid() == 0 else None
    other = subprocess.Popen(["sleep", "60"], user=server_user, cwd="/")
    try:
        for left in (folder / "data" / "postmaster.pid", folder / "socket" / ".s.PGSQL.5432.lock"):
            lines = left.read_text().split("\n")
            left.write_text("\n".join([str(other.pid), *lines[1:]]))
        with running_cluster(settings(folder), silent) as dsn:
            assert answer(dsn, "select 1") == 1
    finally:
        other.kill()
        other.wait()


def test_variables_of_another_server_are_not_followed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGHOST": "example.com", "PGDATA": "/nowhere", "PGDATABASE": "other"}.items():
        monkeypatch.setenv(name, value)
    with running_cluster(settings(folder), silent) as dsn:
        assert answer(dsn, "select current_database()") == "satapi"


def test_a_path_too_long_for_a_socket_is_no_matter(folder: Path) -> None:
    long = folder.with_name("long" * 30)
    folder.rename(long)
    try:
        with running_cluster(settings(long), silent) as dsn:
            listening = Path(str(answer(dsn, "select current_setting('unix_socket_directories')")))
    finally:
        long.rename(folder)
    assert long not in listening.parents
    assert listening.stat().st_mode & 0o077 == 0
    listening.rmdir()


def test_what_postgresql_says_about_a_failed_start_is_passed_on(folder: Path) -> None:
    configuration = folder / "data" / "postgresql.auto.conf"
    configuration.write_text("shared_buffers = 'plenty'\n")
    with (
        pytest.raises(ClusterError, match=r'did not start; its log .*\n.*invalid value for parameter "shared_buffers"'),
        running_cluster(settings(folder), silent),
    ):
        pass
    configuration.write_text("")


def test_a_folder_that_the_servers_user_cannot_reach_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        # PostgreSQL runs as another user, to whom pytest's folders are closed.
        unreachable = tmp_path / "cluster"
    else:
        unreachable = tmp_path / "closed"
        unreachable.mkdir(mode=0o500)
    with (
        pytest.raises(ClusterError, match=f"{unreachable} cannot be written by .*; set SATAPI_DATA_DIR"),
        running_cluster(settings(unreachable), silent),
    ):
        pass


def test_a_folder_without_postgresql_is_refused_with_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=f"was not found in {tmp_path}; install it with PostGIS"):
        find_programs(str(tmp_path), None)


def test_data_of_a_version_that_is_not_there_are_refused(folder: Path) -> None:
    version = folder / "data" / "PG_VERSION"
    kept = version.read_text()
    version.write_text("99\n")
    with (
        pytest.raises(ClusterError, match=r"PostgreSQL 99, which made its data, was not found \(there is 1\d in /"),
        running_cluster(settings(folder), silent),
    ):
        pass
    version.write_text(kept)


def test_programs_too_old_or_without_postgis_are_passed_over(tmp_path: Path) -> None:
    def pretend(name: str, version: str, share: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        said = {"postgres": f"postgres (PostgreSQL) {version}", "pg_config": share, "initdb": "", "pg_ctl": ""}
        for program, text in said.items():
            (folder / program).write_text(f"#!/bin/sh\necho '{text}'\n")
            (folder / program).chmod(0o755)
        return folder

    (tmp_path / "share" / "extension").mkdir(parents=True)
    (tmp_path / "share" / "extension" / "postgis.control").touch()
    share = str(tmp_path / "share")
    old = pretend("old", "14.11", share)
    bare = pretend("bare", "17.2 (Debian 17.2-1)", "/nowhere")
    good = pretend("good", "16beta1", share)
    with pytest.raises(ClusterError, match="15 or newer was not found"):
        find_programs(str(old), None)
    with pytest.raises(ClusterError, match=r"PostgreSQL 17 in .* has no PostGIS; install it .*postgresql-17-postgis-3"):
        find_programs(str(bare), None)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", f"{old}:{bare}:{good}")
        found = find_programs(None, None)
    assert (found.folder, found.major) == (good, 16)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
def test_root_runs_it_as_user_postgres(folder: Path) -> None:
    with running_cluster(settings(folder), silent):
        assert Path("/proc", str(postmaster(folder))).stat().st_uid == pwd.getpwnam("postgres").pw_uid

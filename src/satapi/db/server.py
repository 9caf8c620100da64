"""One PostgreSQL server: its folders, its configuration, and how it is made, started and stopped."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from satapi.db.programs import Programs
from satapi.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

DATABASE = "satapi"
# The socket's folder is the server's alone, so its number need not be.
PORT = 5432

# Recovery after a power cut reads up to max_wal_size, and a stop writes out all that is in memory.
_TIMEOUT_S = 300
# What is left of a killed server lets go of its memory at once, or at the end of its statement.
_REMAINS_TIMEOUT_S = 30
_POLL_S = 0.02
_MIB = 1 << 20


class Server(msgspec.Struct, frozen=True):
    """A PostgreSQL server with its data and log in `home`, listening on a Unix socket in `socket_folder` only.

    It trusts who can reach the socket: its folder is open to the server's user (and root) alone. Nothing here is
    locked; `satapi.db.cluster` sees to it that one process at a time calls these methods.
    """

    home: Path
    socket_folder: Path
    programs: Programs
    # Who runs the server; None is the user who runs satapi. PostgreSQL refuses to run as root.
    user: pwd.struct_passwd | None

    @property
    def dsn(self) -> str:
        """The database as superuser, in a form that asyncpg and libpq read."""
        return f"postgresql://{DATABASE}@/{DATABASE}?host={quote(str(self.socket_folder), safe='')}&port={PORT}"

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """What the server wrote since its last start; the file before it is kept as postgresql.log.1."""
        return self.home / "postgresql.log"

    @property
    def socket(self) -> Path:
        """The socket that it listens on."""
        return socket_in(self.socket_folder)

    def make_folders(self) -> None:
        """Make the missing folders for the server's user alone; raises ClusterError where that user cannot write."""
        for folder in (self.home, self.socket_folder):
            try:
                folder.parent.mkdir(parents=True, exist_ok=True)
                self._make_folder(folder)
            except OSError as error:
                raise ClusterError(f"The folder {folder} cannot be made: {error.strerror}") from error
            if self._run("test", "-w", str(folder)).returncode:
                user = self.user.pw_name if self.user else pwd.getpwuid(os.geteuid()).pw_name
                raise ClusterError(
                    f"{folder} cannot be written by {user}, who runs PostgreSQL; set SATAPI_DATA_DIR to another folder"
                )

    def start(self, say: Callable[[str], None]) -> None:
        """Start the server unless it runs, with new data if there is none; raises ClusterError with what it said."""
        if not self.data.exists():
            say(f"Making a PostgreSQL {self.programs.major} cluster in {self.home}")
            self._initialise()
        if self._is_ready():
            return
        say(f"Starting PostgreSQL {self.programs.major}")
        self._forget_dead_server()
        (self.data / "satapi.conf").write_text(_configuration(self.socket_folder))
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        deadline = time.monotonic() + _REMAINS_TIMEOUT_S
        while self._pg_ctl("start", "--log", str(self.log)).returncode:
            said = self.log.read_text(errors="replace") if self.log.exists() else ""
            if "still in use" not in said or time.monotonic() > deadline:
                raise ClusterError(f"PostgreSQL did not start; its log {self.log} says:\n{said.strip()}")
            self.log.unlink()
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Stop the server if it runs: its sessions end, what they did not commit is lost."""
        if self._listens() and self._pg_ctl("stop", "--mode", "fast").returncode and self._listens():
            raise ClusterError(f"PostgreSQL did not stop; its log is {self.log}")

    def _initialise(self) -> None:
        # Made beside its place and moved there when it is whole, so that an interruption leaves nothing half done.
        new = self.home / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        self._make_folder(new)
        initdb = [self.programs.path("initdb"), "--pgdata", str(new), "--username", DATABASE, "--auth", "trust"]
        # C.UTF-8 knows upper and lower case of all letters; where the system lacks it, C knows those of ASCII.
        made = self._run(*initdb, "--encoding", "UTF8", "--locale", "C.UTF-8")
        if made.returncode:
            made = self._run(*initdb, "--encoding", "UTF8", "--locale", "C")
        if made.returncode == 0:
            with (new / "postgresql.conf").open("a") as configuration:
                configuration.write("\n# written at each start; ALTER SYSTEM overrides it\ninclude 'satapi.conf'\n")
            (new / "satapi.conf").touch()
            single = [self.programs.path("postgres"), "--single", "-D", str(new), "-c", "exit_on_error=on", "template1"]
            made = self._run(*single, text=f"create database {DATABASE}\n")
        if made.returncode:
            raise ClusterError(f"PostgreSQL's data cannot be made in {self.home}: {made.stderr.strip()}")
        new.rename(self.data)
        home = os.open(self.home, os.O_RDONLY)
        os.fsync(home)
        os.close(home)

    def _make_folder(self, folder: Path) -> None:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        # Root takes over what it made, or what was mounted for it, but nothing that is in use.
        if self.user and folder.stat().st_uid == 0 and not any(folder.iterdir()):
            os.chown(folder, self.user.pw_uid, self.user.pw_gid)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.socket))
            except OSError:
                return False
        return True

    def _is_ready(self) -> bool:
        deadline = time.monotonic() + _TIMEOUT_S
        while self._listens():
            # The eighth line of postmaster.pid is the server's state.
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            if lines[7:] and lines[7].strip() == "ready":
                return True
            if time.monotonic() > deadline:
                raise ClusterError(f"PostgreSQL runs and does not become ready; its log is {self.log}")
            time.sleep(_POLL_S)
        return False

    def _forget_dead_server(self) -> None:
        # A killed server's number may be that of any other process by now, above all in a restarted container, or of a
        # zombie that nobody buries; PostgreSQL takes either for its server and refuses to start. Ours works in its data
        # folder. Without /proc there is no telling, and nothing is forgotten.
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists() or not Path("/proc/self").exists():
            return
        pid = pid_file.read_text().partition("\n")[0]
        with suppress(FileNotFoundError, PermissionError):
            if Path("/proc", pid, "cwd").readlink() == self.data.resolve():
                return
        for left in (pid_file, self.socket, self.socket.with_name(self.socket.name + ".lock")):
            left.unlink(missing_ok=True)

    def _pg_ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        pg_ctl = self.programs.path("pg_ctl")
        return self._run(pg_ctl, "--pgdata", str(self.data), "--timeout", str(_TIMEOUT_S), *arguments)

    def _run(self, *command: str, text: str = "") -> subprocess.CompletedProcess[str]:
        # PG* variables of the caller, such as PGPORT and PGDATA, mean another server than this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.run(  # noqa: S603 - the programs are the operator's own, and no shell reads the arguments
            command,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            # The folder we are in may be closed to the server's user.
            cwd="/",
            env=environment | {"LC_ALL": "C"},
            user=self.user and self.user.pw_uid,
            group=self.user and self.user.pw_gid,
            extra_groups=[] if self.user else None,
            umask=0o077,
            # Ctrl-C goes to all processes of a terminal; it is ours to stop the server, when its last user has left.
            start_new_session=True,
        )


def socket_in(folder: Path) -> Path:
    """The socket of a server that listens in the folder."""
    return folder / f".s.PGSQL.{PORT}"


def _configuration(socket_folder: Path) -> str:
    memory = _memory_bytes() // _MIB
    values: dict[str, str | int | float] = {
        "listen_addresses": "",
        "unix_socket_directories": str(socket_folder),
        "unix_socket_permissions": "0700",
        "port": PORT,
        # Room for the pools of many workers.
        "max_connections": 300,
        # The machine is shared with satapi and with whatever else it does.
        "shared_buffers": f"{min(max(memory // 5, 64), 8192)}MB",
        "effective_cache_size": f"{memory // 2}MB",
        "maintenance_work_mem": f"{min(max(memory // 20, 64), 1024)}MB",
        "work_mem": f"{min(max(memory // 400, 4), 64)}MB",
        # Loads write much at once: fewer, smaller and spread-out checkpoints.
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "lz4",
        # Disks without moving heads read at random as fast as in order.
        "random_page_cost": 1.1,
        "log_line_prefix": "%m [%p] %a ",
    }
    quoted = {name: str(value).replace("'", "''") for name, value in values.items()}
    return "".join(f"{name} = '{value}'\n" for name, value in quoted.items())


def _memory_bytes() -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # The limit of the container, if any; "max" is none.
    with suppress(OSError, ValueError):
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return memory

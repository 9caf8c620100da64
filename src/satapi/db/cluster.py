"""The embedded cluster: a private PostgreSQL server that satapi processes share, and the last of them stops."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from satapi.db.programs import find_programs
from satapi.db.server import Server, socket_in
from satapi.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from satapi.settings import Settings

# The address of a socket holds 104 bytes on macOS and 108 on Linux, with the zero that ends it.
_SOCKET_PATH_MAX_BYTES = 103


@contextmanager
def running_cluster(settings: Settings, say: Callable[[str], None]) -> Generator[str]:
    """Make and start the embedded cluster if need be, yield the DSN of its database, and stop it after its last user.

    Each user holds a shared lock on the file `users`, which the system releases even when the process is killed; starts
    and stops happen under the exclusive one on `lock`. A server that outlived its users is used again.
    Raises ClusterError, which says what to install or what PostgreSQL said.
    """
    server = _server(settings)
    server.make_folders()
    with _open(server.home / "users") as users:
        try:
            with _alone(server.home, say):
                fcntl.flock(users, fcntl.LOCK_SH)
                server.start(say)
            yield server.dsn
        finally:
            with _alone(server.home, say):
                if _lock_now(users):
                    server.stop()


def _server(settings: Settings) -> Server:
    user = _server_user()
    if settings.data_dir:
        home = Path(settings.data_dir).expanduser()
    elif user:
        home = Path("/var/lib/satapi")
    else:
        home = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "satapi"
    home = home.resolve()
    return Server(home, _socket_folder(home, user), find_programs(settings.pg_bin, _data_major(home)), user)


def _server_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise ClusterError(
            "PostgreSQL does not run as root, and there is no user postgres to run it; run satapi as another user"
        ) from None


def _socket_folder(home: Path, user: pwd.struct_passwd | None) -> Path:
    folder = home / "socket"
    if len(os.fsencode(socket_in(folder))) <= _SOCKET_PATH_MAX_BYTES:
        return folder
    folder = Path(tempfile.gettempdir()) / f"satapi-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
    # Anyone can make a folder there; a server of theirs must not be taken for ours.
    owners = {0, os.geteuid() if user is None else user.pw_uid}
    if os.path.lexists(folder) and (folder.is_symlink() or folder.stat().st_uid not in owners):
        raise ClusterError(f"{folder} belongs to somebody else; set SATAPI_DATA_DIR to a folder with a shorter path")
    return folder


def _data_major(home: Path) -> int | None:
    try:
        return int((home / "data" / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ClusterError(f"{home} cannot be used as a data folder: {error}") from error


def _open(path: Path) -> IO[str]:
    try:
        return path.open("w")
    except OSError as error:
        raise ClusterError(f"{path} cannot be opened: {error.strerror}") from error


@contextmanager
def _alone(home: Path, say: Callable[[str], None]) -> Generator[None]:
    with _open(home / "lock") as lock:
        if not _lock_now(lock):
            say("Waiting for another satapi that starts or stops PostgreSQL")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_now(file: IO[str]) -> bool:
    """Take the exclusive lock, if nobody else holds any lock on the file."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

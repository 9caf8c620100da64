"""Processes that a benchmark starts and measures: commands to their end, and servers with all their workers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from client import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 20.0


class Finished(NamedTuple):
    """What a command took; memory is the peak of its largest process, in bytes, `processor` is seconds of all."""

    seconds: float
    memory: int
    processor: float


class Server(NamedTuple):
    """A running HTTP server on the loopback interface."""

    port: int
    process_id: int

    def peak_memory(self) -> int:
        """The peak resident memory of its processes so far, added up, in bytes."""
        return sum(_peak(process) for process in _family(self.process_id))


def finish(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Finished:
    """Run a command to its end. Its output goes to the terminal's stderr; a failure ends the benchmark."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=2)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return Finished(seconds, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime)


@contextmanager
def serving(command: Sequence[str], port: int, log: Path, environment: Mapping[str, str]) -> Iterator[Server]:
    """Run a server until the block ends; it is ready when GET / answers 200. Its output goes to the log."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait_until_ready(process, port, log)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with Connection(port) as connection:
                if connection.get("/").status == 200:
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"The server did not become ready; see {log}:\n{log.read_text()[-2000:]}")


def _family(process_id: int) -> Iterator[int]:
    yield process_id
    for children in Path(f"/proc/{process_id}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from _family(int(child))


def _peak(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    peaks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0]) * 1024 if peaks else 0

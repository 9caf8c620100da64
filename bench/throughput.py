"""Requests a second with 8 clients: wrk where it is installed, else as many threads of a Python process."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

import cluster
from client import Connection

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIENTS = 8
SECONDS = 10


def measure(port: int, requests: Sequence[bytes], seconds: int = SECONDS) -> float:
    """Requests a second: sent in turn from 8 clients at once, each waiting for its answer, by another process."""
    measured = _by_wrk if shutil.which("wrk") else _by_python
    measured(port, requests, 2)
    return measured(port, requests, seconds)


def _by_wrk(port: int, requests: Sequence[bytes], seconds: int) -> float:
    script = cluster.work_folder() / "requests.lua"
    # A JSON string of ASCII text is a Lua string too.
    texts = ",\n".join(orjson.dumps(request.decode()).decode() for request in requests)
    code = "local n = 0\nrequest = function()\n  n = n % #texts + 1\n  return texts[n]\nend\n"
    script.write_text(f"local texts = {{\n{texts}\n}}\n{code}")
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "-s", str(script), f"http://127.0.0.1:{port}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    failed = re.findall(r"(?:Non-2xx or 3xx responses: |connect |read |write |timeout )(\d+)", output)
    _refuse_failures(sum(map(int, failed)))
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])


def _by_python(port: int, requests: Sequence[bytes], seconds: int) -> float:
    script = cluster.work_folder() / "requests.txt"
    script.write_bytes(b"\0".join(requests))
    command = [sys.executable, __file__, str(port), str(seconds), str(script)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    per_second, failed = output.split()
    _refuse_failures(int(failed))
    return float(per_second)


def _refuse_failures(failed: int) -> None:
    if failed:
        raise SystemExit(f"{failed} requests were not answered with 200: their rate would mean nothing.")


def main() -> None:
    """Be the process of the Python clients: print requests a second and failures."""
    port, seconds, script = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    requests = Path(script).read_bytes().split(b"\0")
    end = time.perf_counter() + seconds
    statuses: list[int] = []
    threads = [
        threading.Thread(target=_ask, args=(port, requests[n:] + requests[:n], end, statuses)) for n in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(len(statuses) / seconds, sum(status != 200 for status in statuses))


def _ask(port: int, requests: Sequence[bytes], end: float, statuses: list[int]) -> None:
    with Connection(port) as connection:
        while True:
            for request in requests:
                if time.perf_counter() > end:
                    return
                statuses.append(connection.ask(request).status)


if __name__ == "__main__":
    main()

"""`satapi serve`: the web server around the application, from the first connection to the last."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from satapi import __version__
from satapi import settings as settings_table
from satapi.cli.database import catalog, say
from satapi.errors import SatapiError
from satapi.http.app import from_environment
from satapi.ingest.rules import of_writers

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from starlette.applications import Starlette

# Proxies keep idle connections for 60 s; the server must not be the one to close them first.
_KEEP_ALIVE_S = 75
_STOP_TIMEOUT_S = 10


def run(dsn: str | None, *, host: str, port: int, workers: int) -> None:
    """Serve until a signal; the database is ready before the first answer and stops after the last."""
    # Here it is told in a sentence, and not by each worker with a traceback, if there is a schema of no use.
    of_writers(settings_table.from_environment(os.environ)).checks()
    with _listener(host, port) as listener, catalog(dsn) as found:
        # The application reads its settings where each worker process finds them too.
        os.environ["SATAPI_DSN"] = found.dsn
        config = uvicorn.Config(
            "satapi.cli.serve:application",
            factory=True,
            workers=workers,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            # The application writes its own log lines, and reads Forwarded headers itself.
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_STOP_TIMEOUT_S,
        )
        shown_host = f"[{host}]" if ":" in host else host
        say(f"satapi {__version__} serves http://{shown_host}:{listener.getsockname()[1]}/ - Ctrl-C stops it")
        if not (_serve_here(config, listener) if workers == 1 else _serve_in_processes(config, listener)):
            raise SatapiError("The server could not start; the log lines above say why")


def application() -> Starlette:
    """The application as a worker process runs it: it ends when the process that supervises it is gone."""
    if supervisor := multiprocessing.parent_process():
        threading.Thread(target=_end_with, args=(supervisor,), daemon=True).start()
    return from_environment()


def _end_with(supervisor: BaseProcess) -> None:
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        # What create_server adds to the system's reason says the address again.
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise SatapiError(
            f"Nothing can listen on {host} port {port}: {reason}; choose others with --host and --port"
        ) from error


def _serve_here(config: uvicorn.Config, listener: socket.socket) -> bool:
    server = uvicorn.Server(config)
    # Having stopped for Ctrl-C, uvicorn raises it again, and having failed to start, it exits.
    with suppress(KeyboardInterrupt, SystemExit):
        server.run([listener])
    return server.started


def _serve_in_processes(config: uvicorn.Config, listener: socket.socket) -> bool:
    supervisor = Multiprocess(config, [listener])
    supervisor.run()
    return all(process.exitcode != STARTUP_FAILURE for process in supervisor.processes)

"""A web server for tests: paths with what they answer, and what they were asked."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


class Answer(NamedTuple):
    """What the server answers; a body that is no bytes is sent as JSON."""

    body: object = b""
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody changes it
    pause_s: float = 0.0


class Asked(NamedTuple):
    """A request that came."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]


class Site:
    """A server in threads; `answers` has, by path with its query, an answer, several in turn, or what makes one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: dict[str, object] = {}
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def put(self, documents: dict[str, object]) -> None:
        """Serve documents as they are, by their paths."""
        self.answers |= {path: Answer(document) for path, document in documents.items()}

    def paths(self) -> list[str]:
        """The paths that were asked for."""
        return [asked.path for asked in self.asked]

    @contextmanager
    def counted(self, asked: Asked) -> Generator[Answer]:
        """Note a request while it is answered."""
        with self._lock:
            self.asked.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            found = self.answers.get(asked.path, Answer({"error": "not here"}, 404))
            if isinstance(found, list):
                found = found.pop(0) if len(found) > 1 else found[0]
        try:
            yield found(asked) if callable(found) else found
        finally:
            with self._lock:
                self._at_once -= 1


@contextmanager
def site() -> Generator[Site]:
    """A site that is served meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            asked = Asked(self.command, self.path, self.rfile.read(size), dict(self.headers))
            with served.counted(asked) as answer:
                if answer.pause_s:
                    time.sleep(answer.pause_s)
                body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                if answer.status == 0:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in {"Content-Length": str(len(body)), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:
                    self.close_connection = True

        def do_POST(self) -> None:
            self.do_GET()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        served = Site(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


def page_of(documents: list, size: int, url: Callable[[int], str], start: int) -> dict[str, object]:
    """A page of a FeatureCollection, with a link to the next one."""
    links = [{"rel": "next", "href": url(start + size)}] if start + size < len(documents) else []
    return {"type": "FeatureCollection", "features": documents[start : start + size], "links": links}

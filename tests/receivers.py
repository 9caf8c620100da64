"""A server that gets webhooks, for tests: it answers as it is told, and checks what is signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Got(NamedTuple):
    """A request that arrived."""

    status: int
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, object]]:
        """The events in it."""
        found = json.loads(self.body)
        return found if isinstance(found, list) else [found]


class Receiver:
    """Listens; `answers` are the statuses of the next requests, and then 204."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: list[int] = []
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                size = int(self.headers["content-length"])
                body = self.rfile.read(size)
                # Whoever sent it was killed meanwhile.
                if len(body) < size:
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.take(self.path, headers, body)
                self.send_response(status)
                if status in {301, 302, 307, 308}:
                    self.send_header("Location", receiver.url + "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """What a request gets."""
        with self._arrived:
            status = self.answers.pop(0) if self.answers else 204
            self.got.append(Got(status, path, headers, body))
            self._arrived.notify_all()
            return status

    def events(self) -> list[str]:
        """What has arrived, by type and id."""
        taken = [event for got in self.got if got.status == 204 for event in got.events]
        return [f"{event['type']} {event['data'].get('id', '')}" for event in taken]

    def wait(self, requests: int, timeout_s: float = 30) -> None:
        """Wait until so many requests have arrived."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.got) >= requests, timeout_s), self.got

    def wait_for_events(self, events: int, timeout_s: float = 60) -> None:
        """Wait until so many events were taken."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.events()) >= events, timeout_s), self.events()

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()


def is_signed(got: Got, secret: str) -> bool:
    """Whether a request is signed as the Standard Webhooks specification says, just now."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    stamp = got.headers["webhook-timestamp"]
    signed = f"{got.headers['webhook-id']}.{stamp}.".encode() + got.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return got.headers["webhook-signature"] == "v1," + expected and abs(time.time() - int(stamp)) < 60

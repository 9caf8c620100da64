"""A cheap HTTP client: one kept-alive connection, whole requests sent at once, bodies left as bytes."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, NamedTuple, Self

import httptools
import orjson

if TYPE_CHECKING:
    from types import TracebackType

BUFFER_BYTES = 1 << 20
TIMEOUT_S = 120.0


class Answer(NamedTuple):
    """An answer; seconds are from sending the request to its last byte."""

    status: int
    body: bytes
    seconds: float


class Connection:
    """A connection to a server on the loopback interface."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._buffer = bytearray(BUFFER_BYTES)
        self._socket = self._connected()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def get(self, path: str) -> Answer:
        """Ask for a path, which is percent-encoded already."""
        return self.ask(request_bytes("GET", path))

    def post(self, path: str, body: object) -> Answer:
        """Send a JSON body."""
        return self.ask(request_bytes("POST", path, orjson.dumps(body)))

    def ask(self, request: bytes) -> Answer:
        """Send a whole request and read its answer."""
        reader = _Reader()
        parser = httptools.HttpResponseParser(reader)
        began = time.perf_counter()
        self._socket.sendall(request)
        while not reader.complete:
            size = self._socket.recv_into(self._buffer)
            if not size:
                raise ConnectionError("the server closed the connection within an answer")
            parser.feed_data(memoryview(self._buffer)[:size])
        seconds = time.perf_counter() - began
        if not parser.should_keep_alive():
            self._socket.close()
            self._socket = self._connected()
        return Answer(parser.get_status_code(), b"".join(reader.pieces), seconds)

    def _connected(self) -> socket.socket:
        connected = socket.create_connection(("127.0.0.1", self._port), TIMEOUT_S)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected


class _Reader:
    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.complete = False

    def on_body(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def on_message_complete(self) -> None:
        self.complete = True


def request_bytes(method: str, path: str, body: bytes = b"") -> bytes:
    """A whole HTTP/1.1 request that accepts no compression."""
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*", "Accept-Encoding: identity"]
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body

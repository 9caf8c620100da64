"""The envelope: what every request and answer has, whatever it is about."""

from __future__ import annotations

import itertools
import logging
import re
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson
from starlette.datastructures import Headers, MutableHeaders

from satapi.http.presence import ClientGoneError
from satapi.http.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOG = logging.getLogger("satapi.request")

_REQUEST_ID = re.compile(r"[\x21-\x7e]{1,128}")

# Answers are public documents, so every origin may read them.
_CORS = [
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"Content-Range, ETag, Link, Location, Preference-Applied, Retry-After, Server-Timing, X-Request-ID",
    ),
]
_READING = "GET, HEAD, POST, OPTIONS"
_WRITING = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_PREFLIGHT = {"Access-Control-Max-Age": "86400"}

# Nginx's number for a client that closed the connection, for the log alone.
_CLIENT_GONE = 499


class Envelope:
    """ASGI middleware: request id, CORS and Server-Timing headers, one log line, and paths in their escaped form."""

    def __init__(self, app: ASGIApp, root_path: str, *, writing: bool = False) -> None:
        self.app = app
        self._methods = _WRITING if writing else _READING
        self.root_path = root_path.rstrip("/")
        # Request ids are those of this process in their order: a random one each would cost a call of the system.
        self._ids = map(f"{uuid.uuid4().hex[:20]}{{:012x}}".format, itertools.count(1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self._ids, self._methods)
        scope["path"] = self._path(scope)
        scope["root_path"] = ""
        scope.setdefault("state", {})["timing"] = exchange.timing
        try:
            await self.app(scope, receive, exchange.send)
        except ClientGoneError:
            exchange.status = _CLIENT_GONE
        except Exception as error:
            # The answer has begun and can only be cut off: what fails before that is a problem document.
            exchange.failure = f"{type(error).__name__}: {error}"
            raise
        finally:
            exchange.log()

    def _path(self, scope: Scope) -> str:
        """The escaped path, since ids may hold slashes; without the prefix that a proxy left and a slash at its end."""
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        if self.root_path and (path == self.root_path or path.startswith(self.root_path + "/")):
            path = path[len(self.root_path) :]
        return path.removesuffix("/") or "/"


class _Exchange:
    """One request and its answer, as it goes out."""

    def __init__(self, scope: Scope, send: Send, ids: Iterator[str], methods: str) -> None:
        self._methods = methods
        headers = Headers(scope=scope)
        given = headers.get("x-request-id")
        self.request_id = given if given and _REQUEST_ID.fullmatch(given) else next(ids)
        self.timing = Timing()
        self.status = 0
        self.sent_bytes = 0
        self.failure: str | None = None
        self._send = send
        self._method: str = scope["method"]
        self._target = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
        self._requested_headers = headers.get("access-control-request-headers")
        self._is_preflight = self._method == "OPTIONS" and "access-control-request-method" in headers
        self._start = time.perf_counter()

    async def send(self, message: Message) -> None:
        """What the application calls to send."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            # None of these is set within, so they are added as they go out.
            headers: list[tuple[bytes, bytes]] = message["headers"]
            headers += [(b"x-request-id", self.request_id.encode()), *_CORS]
            if self.timing.stages:
                headers.append((b"server-timing", self.timing.header().encode()))
            if self._is_preflight:
                preflight = MutableHeaders(raw=headers)
                preflight.update(_PREFLIGHT)
                preflight["Access-Control-Allow-Methods"] = self._methods
                preflight["Access-Control-Allow-Headers"] = self._requested_headers or "*"
        else:
            self.sent_bytes += len(message.get("body", b""))
        await self._send(message)

    def log(self) -> None:
        """Writes the one line of this request, as JSON."""
        if not _LOG.isEnabledFor(logging.INFO):
            return
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": self.request_id,
            "method": self._method,
            "path": self._target,
            "status": self.status,
            "bytes": self.sent_bytes,
            "ms": round((time.perf_counter() - self._start) * 1000, 2),
            **{f"{name}_ms": round(duration * 1000, 2) for name, duration in self.timing.stages.items()},
        }
        if self.failure is not None:
            line["error"] = self.failure
        level = logging.ERROR if self.failure is not None else logging.INFO
        _LOG.log(level, "%s", orjson.dumps(line).decode())

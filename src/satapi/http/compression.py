"""Compression: bodies in zstd or gzip, as the client accepts them (RFC 9110, 12.5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import zstandard
from isal import isal_zlib
from starlette.datastructures import Headers, MutableHeaders

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Fast levels: 1.4 MB of items takes 0.6 ms in zstd and 1 ms in gzip.
_ZSTD_LEVEL = 1
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31

_COMPRESSIBLE = ("application/", "text/", "image/svg")


class _Encoder(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def chosen(accept_encoding: str) -> str | None:
    """The encoding to answer in: zstd before gzip, unless the client refuses it with q=0; None for none."""
    accepted: dict[str, bool] = {}
    for entry in accept_encoding.lower().split(","):
        name, _, parameters = entry.partition(";")
        accepted[name.strip()] = parameters.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    for name in ("zstd", "gzip"):
        if accepted.get(name, accepted.get("*", False)):
            return name
    return None


def _encoder(name: str) -> _Encoder:
    if name == "zstd":
        return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
    return isal_zlib.compressobj(level=_GZIP_LEVEL, wbits=_GZIP_WINDOW)


class Compression:
    """ASGI middleware that compresses bodies of at least `min_bytes`, and streams of any size piece by piece."""

    def __init__(self, app: ASGIApp, min_bytes: int) -> None:
        self.app = app
        self.min_bytes = min_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] == "HEAD":
            await self.app(scope, receive, send)
            return
        name = chosen(Headers(scope=scope).get("accept-encoding", ""))
        await self.app(scope, receive, _Sender(send, name, self.min_bytes).send)


class _Sender:
    """Holds back the start of a response until its first piece tells whether it is worth compressing."""

    def __init__(self, send: Send, name: str | None, min_bytes: int) -> None:
        self._send = send
        self._name = name
        self._min_bytes = min_bytes
        self._start: Message | None = None
        self._encoder: _Encoder | None = None

    async def send(self, message: Message) -> None:
        """What the application calls to send."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._start is not None:
            start, self._start = self._start, None
            self._begin(MutableHeaders(raw=start["headers"]), len(body), more=more)
            if self._encoder is not None and not more:
                body = self._encoder.compress(body) + self._encoder.flush()
                MutableHeaders(raw=start["headers"])["Content-Length"] = str(len(body))
                self._encoder = None
            await self._send(start)
        if self._encoder is not None:
            body = self._encoder.compress(body) + (b"" if more else self._encoder.flush())
        if body or not more:
            await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def _begin(self, headers: MutableHeaders, size: int, *, more: bool) -> None:
        kind = headers.get("content-type", "")
        # Events are to arrive one by one, and not when there are enough of them.
        if not kind.startswith(_COMPRESSIBLE) or kind.startswith("text/event-stream") or "content-encoding" in headers:
            return
        headers.add_vary_header("Accept-Encoding")
        if self._name is None or (size < self._min_bytes and not more):
            return
        self._encoder = _encoder(self._name)
        headers["Content-Encoding"] = self._name
        del headers["Content-Length"]
        if "etag" in headers:
            # Another sequence of bytes is another strong tag (RFC 9110, 8.8.3.3).
            headers["ETag"] = f'{headers["etag"][:-1]}-{self._name}"'

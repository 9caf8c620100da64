"""Responses: rows of bytes become documents without being parsed."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from satapi.http import dates
from satapi.stac import links as stac_links

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from starlette.requests import Request

    from satapi.db.items import Row
    from satapi.stac.links import Link

JSON = stac_links.JSON
GEOJSON = stac_links.GEOJSON

_ENCODER = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """JSON of Structs, dicts and Raw."""
    return _ENCODER.encode(value)


def linked(content: bytes, links: Sequence[Link]) -> bytes:
    """A stored document with the server's links, spliced in before its last two bytes: its `links` member is last."""
    made = encode(links)
    separator = b"" if content.endswith(b"[]}") else b","
    return content[:-2] + separator + made[1:] + b"}"


def json(value: object, media_type: str = JSON, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A document made by the server."""
    return Response(encode(value), status_code=status, media_type=media_type, headers=headers)


def version(content: bytes) -> str:
    """What names the version of a stored document, wherever it is read: entity tags begin with it."""
    return blake2b(content, digest_size=12).hexdigest()


def stored_tag(content: bytes, body: bytes) -> str:
    """The strong entity tag of a stored document with the server's links, which depend on where it is read."""
    return f'"{version(content)}.{blake2b(body[len(content) - 2 :], digest_size=4).hexdigest()}"'


def tagged(
    request: Request, body: bytes, media_type: str, tag: str | None = None, modified: datetime | None = None
) -> Response:
    """A document with its entity tag, and the time of its version; 304 where the client has it (RFC 9110, 13.1).

    A cache that is told of a time may take the document for fresh without asking (RFC 9111, 4.2.2), so it has to ask.
    """
    if tag is None:
        tag = f'"{version(body)}"'
    told = {} if modified is None else {"Last-Modified": dates.written(modified), "Cache-Control": "no-cache"}
    header = request.headers.get("if-none-match")
    known = _match(header, tag)
    if known is None and header is None and modified is not None:
        since = dates.read(request.headers.getlist("if-modified-since"))
        known = tag if since is not None and modified <= since else None
    if known is not None:
        return Response(status_code=304, headers={"ETag": known, "Vary": "Accept-Encoding", **told})
    return Response(body, media_type=media_type, headers={"ETag": tag, **told})


def _match(header: str | None, tag: str) -> str | None:
    """The tag that the client has, compared weakly.

    A compressed body has the tag of the plain one with the encoding's name at its end.
    """
    for entry in (header or "").split(","):
        known = entry.strip().removeprefix("W/")
        if known == "*" or known.strip('"').split("-")[0] == tag.strip('"'):
            return tag if known == "*" else known
    return None


Buffers = tuple[bytes | memoryview, ...]


class ItemLinks:
    """The links of items for one request, made once for each collection but for the item's own."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._made: dict[str, tuple[bytes, bytes]] = {}

    def splice(self, content: bytes, collection: str, identifier: str) -> Buffers:
        """An item's content with its links, in pieces for one join: large pages are copied once."""
        around = self._made.get(collection)
        if around is None:
            around = self._made[collection] = self._around(collection)
        separator = b"" if content.endswith(b"[]}") else b","
        own = stac_links.paths.segment(identifier).encode()
        return memoryview(content)[:-2], separator, around[0], own, around[1]

    def _around(self, collection: str) -> tuple[bytes, bytes]:
        # The marker cannot occur in an escaped collection id.
        before, _, after = encode(stac_links.item(self._base, collection, "~0~")).partition(b"~0~")
        return before[1:], after + b"}"


OPENING = b'{"type":"FeatureCollection","features":['


def joined(opening: bytes, rows: Sequence[Row], render: Callable[[Row], Buffers], tail: bytes = b"") -> bytes:
    """Rendered items with commas between them, copied once."""
    buffers: list[bytes | memoryview] = [opening]
    for row in rows:
        buffers += render(row)
        buffers.append(b",")
    if rows:
        buffers.pop()
    buffers.append(tail)
    return b"".join(buffers)

"""One document of a source, read whole, and what of it leads on."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from satapi.errors import SourceError
from satapi.ingest.hrefs import is_web
from satapi.ingest.web import Request, too_large

if TYPE_CHECKING:
    from satapi.ingest.web import Web
    from satapi.settings import Settings

_BOM = b"\xef\xbb\xbf"


class Link(Struct, frozen=True):
    """A link as others write it; STAC API 1.0.0 says what `method`, `body` and `merge` are."""

    rel: str = ""
    href: str = ""
    type: str | None = None
    method: str | None = None
    body: dict[str, Raw] | None = None
    merge: bool | None = None


class Head(Struct, frozen=True):
    """The members that tell what a document is; all others are left unread."""

    type: str | None = None
    links: Raw = Raw()
    conforms_to: list[str] | None = msgspec.field(default=None, name="conformsTo")
    features: Raw = Raw()
    collections: Raw = Raw()


class Loaded(Struct, frozen=True):
    """A document and the place, a URL or a path, that it was read from in the end."""

    place: str
    raw: bytes
    head: Head

    @property
    def links(self) -> list[Link]:
        """Its links. Raises SourceError where they are none."""
        try:
            return _links.decode(bytes(self.head.links) or b"[]")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SourceError(self.place, f"its links are no links: {error}") from None

    @property
    def is_api(self) -> bool:
        """Whether it is the landing page of an API that searches items."""
        return bool(self.head.conforms_to) and any(link.rel == "search" for link in self.links)

    @property
    def is_page(self) -> bool:
        """Whether it is a page of items or of collections."""
        return bool(bytes(self.head.features) or bytes(self.head.collections))


_links = msgspec.json.Decoder(list[Link])
_head = msgspec.json.Decoder(Head)


def load(place: str, web: Web, settings: Settings) -> Loaded:
    """Read a document of a URL or a path. Raises SourceError."""
    if is_web(place):
        fetched = web.fetch(Request(place))
        return loaded(fetched.url, fetched.raw)
    raw = read_whole(place, settings)
    if raw is None:
        raise SourceError(place, too_large(settings))
    return loaded(place, raw)


def loaded(place: str, raw: bytes) -> Loaded:
    """What a document is. Raises SourceError where it is no JSON object."""
    raw = raw.removeprefix(_BOM)
    head = head_of(raw)
    if head is None:
        raise SourceError(place, "it is no JSON object of STAC")
    return Loaded(place, raw, head)


def head_of(raw: bytes) -> Head | None:
    """The members that tell what a document is, None where it is no single JSON object."""
    try:
        return _head.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read_whole(path: str, settings: Settings) -> bytes | None:
    """Read a file, None where it is larger than is allowed. Raises SourceError where it cannot be read or is none."""
    try:
        # A pipe or a device may have no end.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise SourceError(path, "it is no file")
        with Path(path).open("rb", buffering=0) as file:
            raw = file.read(settings.source_max_bytes + 1)
    except OSError as error:
        raise SourceError(path, error.strerror or "it cannot be read") from None
    return None if len(raw) > settings.source_max_bytes else raw.removeprefix(_BOM)

"""Relative hrefs of assets and links, which mean nothing where the document is served next: pure."""

from __future__ import annotations

import os.path
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

import msgspec
from msgspec import Raw

from satapi.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable

Object = dict[str, Raw]

# RFC 3986, 3.1. GDAL's paths of what is not on a disk begin with /vsi.
_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|/vsi|\Z|\#")
# Finds what may be one in a document, and rarely what is none.
_RELATIVE = re.compile(rb'"href"\s*:\s*"(?![a-zA-Z][a-zA-Z0-9+.-]*:|/vsi|"|\#)')

_objects = msgspec.json.Decoder(dict[str, Object])
_object = msgspec.json.Decoder(Object)
_list = msgspec.json.Decoder(list[Object])
_string = msgspec.json.Decoder(str)
_encoder = msgspec.json.Encoder()


def is_web(place: str) -> bool:
    """Whether a place is a URL that is read over HTTP, and no path."""
    return place.lower().startswith(("http://", "https://"))


def resolved(base: str, href: str) -> str:
    """Where a link of the document at `base`, a URL or a path, leads: to a URL or a path.

    Raises SourceError for what is not read: anything but http and https, and a file where the document is not one.
    """
    if is_web(base):
        target = urljoin(base, href)
        if not is_web(target):
            raise SourceError(target, "a document of the web may lead to http and https only")
        return target.partition("#")[0]
    if is_web(href):
        return href.partition("#")[0]
    parts = urlsplit(href)
    if parts.scheme == "file" and parts.netloc in {"", "localhost"}:
        return os.path.normpath(unquote(parts.path))
    if parts.scheme:
        raise SourceError(href, "only files, http and https are read")
    return beside(base, href)


def beside(base: str, href: str) -> str:
    """The path of a relative href of the file `base`."""
    path = os.path.normpath(os.path.join(os.path.dirname(base), href))  # noqa: PTH118, PTH120 - half the work of a crawl
    return unquote(path) if "%" in path and not os.path.exists(path) else path  # noqa: PTH110 - likewise


def absolute(raw: bytes, base: str) -> bytes:
    """The document with absolute hrefs in its assets and links, all else as it was; itself where it has them.

    They start from its own link to itself, if that leads to the server of `base`, the URL that it was read from, where
    it may have been one of many; else from `base`, which may be a path too.
    """
    if not _RELATIVE.search(raw):
        return raw
    try:
        members = _object.decode(raw)
        links = _list.decode(members.get("links", b"[]"))
        assets = _objects.decode(members.get("assets", b"{}"))
        base = _itself(links, base) or base
        changed = [_change(one, base) for one in (*links, *assets.values())]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Who prepares it says what is wrong.
        return raw
    if not any(changed):
        return raw
    for name, value in (("links", links), ("assets", assets)):
        if name in members:
            members[name] = Raw(_encoder.encode(value))
    return _encoder.encode(members)


def without_links(raw: bytes, is_dropped: Callable[[str], bool]) -> bytes:
    """The document without the links of some relations; itself where it has none of them."""
    try:
        members = _object.decode(raw)
        links = _list.decode(members.get("links", b"[]"))
        kept = [link for link in links if not is_dropped(_string.decode(link.get("rel", b'""')))]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw
    if len(kept) == len(links):
        return raw
    members["links"] = Raw(_encoder.encode(kept))
    return _encoder.encode(members)


def _itself(links: list[Object], base: str) -> str | None:
    for link in links:
        if link.get("rel") == Raw(b'"self"'):
            href = _string.decode(link.get("href", b'""'))
            return href if is_web(base) and urlsplit(href)[:2] == urlsplit(base)[:2] else None
    return None


def _change(one: Object, base: str) -> bool:
    if "href" not in one:
        return False
    href = _string.decode(one["href"])
    if _ABSOLUTE.match(href):
        return False
    target = urljoin(base, href) if is_web(base) else beside(os.path.abspath(base), href)  # noqa: PTH100 - as beside
    one["href"] = Raw(_encoder.encode(target))
    return True

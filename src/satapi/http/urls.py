"""URLs: where the API is for the client of a request, behind whatever proxies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from satapi.settings import Settings

_HOST = re.compile(r"[A-Za-z0-9._~-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~%!$&'()*+,;=:@-]+)*/?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def base(request: Request, settings: Settings) -> str:
    """The public URL of the API without a slash at its end: SATAPI_URL, else what the proxies and the request say.

    Forwarded (RFC 7239) comes before X-Forwarded-Proto, -Host, -Port and -Prefix; of a list the first entry
    counts, which the proxy nearest the client wrote. What is no host or path is not believed.
    """
    if settings.url is not None:
        return settings.url.rstrip("/")
    scheme, host = request.url.scheme, request.headers.get("host", "localhost")
    prefix = settings.root_path
    if settings.trust_forwarded:
        forwarded = _forwarded(request.headers)
        if forwarded.get("proto", "").lower() in _DEFAULT_PORTS:
            scheme = forwarded["proto"].lower()
        if _HOST.fullmatch(forwarded.get("host", "")):
            host = forwarded["host"]
        if _PREFIX.fullmatch(forwarded.get("prefix", "")):
            prefix = forwarded.get("prefix") or prefix
    if not _HOST.fullmatch(host):
        host = "localhost"
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, ''))}{prefix.rstrip('/')}"


def _forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("proto", "host", "prefix"):
        if value := headers.get(f"x-forwarded-{name}"):
            found[name] = value.split(",")[0].strip()
    port = headers.get("x-forwarded-port", "").split(",")[0].strip()
    host = found.get("host") or headers.get("host", "")
    if port.isdigit() and host and not re.search(r":\d+$", host):
        found["host"] = f"{host}:{port}"
    for pair in headers.get("forwarded", "").split(",")[0].split(";"):
        name, _, value = pair.strip().partition("=")
        if name.lower() in {"proto", "host"} and value:
            found[name.lower()] = value.strip('"')
    return found


def path(request: Request) -> str:
    """The path that was asked for, escaped, below the root of the API: the envelope has taken that off."""
    return request.scope["path"]


def path_value(request: Request, name: str) -> str:
    """A parameter of the path, unescaped here since paths are matched in their escaped form (ids may hold slashes)."""
    return unquote(request.path_params[name])


def with_pairs(url: str, pairs: Sequence[tuple[str, str]]) -> str:
    """The URL with parameters."""
    return f"{url}?{urlencode(pairs, quote_via=quote, safe=',:/')}" if pairs else url

"""Bodies: documents and patches that a request brings, of media types that are read here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from satapi.errors import DocumentError, InvalidError, MediaTypeError, TooLargeError
from satapi.http import nesting, requests
from satapi.stac.links import GEOJSON, JSON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from satapi.settings import Settings

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"

DOCUMENTS: tuple[str, ...] = (JSON, GEOJSON)
STREAMS: tuple[str, ...] = ("application/x-ndjson", "application/geo+json-seq")
PATCHES: tuple[str, ...] = (MERGE_PATCH, JSON_PATCH, JSON, GEOJSON)

_SHOWN = 200
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ARRAY = msgspec.json.Decoder(list[Raw])


def media_type(request: Request, allowed: Sequence[str]) -> str:
    """The media type of the body; the first allowed one where none is said. Raises MediaTypeError."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise MediaTypeError(f"A body in the encoding {encoding!r} is not read here; send it as it is", allowed)
    given = request.headers.get("content-type")
    if given is None:
        return allowed[0]
    name = given.partition(";")[0].strip().lower()
    if name not in allowed:
        raise MediaTypeError(f"A body of type {name!r} is not read here; allowed are {', '.join(allowed)}", allowed)
    return name


async def read(request: Request, settings: Settings) -> bytes:
    """The JSON text of one document or patch. Raises TooLargeError, InvalidError for what is no JSON."""
    body = await requests.read_body(request, settings)
    nesting.check(body, settings.nesting_max, "body")
    check(body)
    return body


def check(body: bytes) -> None:
    """Raises InvalidError for what is no JSON."""
    try:
        # Raw values are not looked into, so the encoding of texts is checked apart.
        body.decode()
        msgspec.json.decode(body, type=Raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError("body", body[:_SHOWN].decode(errors="replace"), f"{error}; allowed is JSON") from None
    except RecursionError:
        raise TooLargeError("body", body[:_SHOWN].decode(errors="replace"), "it is nested too deeply") from None


def members(body: bytes) -> dict[str, Raw]:
    """The members of JSON that was checked. Raises DocumentError for what is no object."""
    try:
        return _OBJECT.decode(body)
    except msgspec.ValidationError:
        raise DocumentError("body", body[:_SHOWN].decode(errors="replace"), "it must be a JSON object") from None


def entries(body: bytes | Raw, parameter: str) -> list[bytes]:
    """The entries of JSON that was checked. Raises DocumentError for what is no array."""
    try:
        return [bytes(entry) for entry in _ARRAY.decode(body)]
    except msgspec.ValidationError:
        shown = bytes(body)[:_SHOWN].decode(errors="replace")
        raise DocumentError(parameter, shown, "it must be a JSON array") from None

"""Changes: what requests make of stored documents, of whichever kind, and how that is answered."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

from satapi.errors import DocumentError, InvalidError, TooLargeError
from satapi.http import bodies, nesting, responses
from satapi.http.preferences import preferred
from satapi.http.server import server
from satapi.ingest.prepare import identify
from satapi.stac import patch
from satapi.stac.links import JSON, Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msgspec import Raw
    from starlette.requests import Request

    from satapi.ingest.prepare import Key

# What becomes of a stored document.
Change = Callable[[bytes], bytes]

_MINIMAL = {"Preference-Applied": "return=minimal"}


async def replacement(request: Request) -> bytes:
    """What a PUT asks for: the document of its body."""
    bodies.media_type(request, bodies.DOCUMENTS)
    return await bodies.read(request, server(request).settings)


async def patching(request: Request) -> Change:
    """What a PATCH asks for: a JSON merge patch (RFC 7396) or a JSON patch (RFC 6902)."""
    settings = server(request).settings
    kind = bodies.media_type(request, bodies.PATCHES)
    body = await bodies.read(request, settings)
    if kind == bodies.JSON_PATCH:
        operations = patch.operations(body, settings.terms_max)

        def change(content: bytes) -> bytes:
            return patch.patched(content, operations, len(content) + settings.body_max_bytes)
    else:
        bodies.members(body)

        def change(content: bytes) -> bytes:
            return patch.merged(content, body)

    def changed(content: bytes) -> bytes:
        document = change(content)
        if len(document) > max(len(content), settings.body_max_bytes):
            allowed = f"at most {settings.body_max_bytes} may come of a patch"
            raise TooLargeError("body", f"{len(document)} bytes", allowed)
        nesting.check(document, settings.nesting_max, "body")
        return document

    return changed


def invalid(error: InvalidError, body: bytes) -> DocumentError:
    """What is wrong with a document, as the answer to who sent it."""
    faults = error.faults if isinstance(error, DocumentError) else ()
    return DocumentError(error.parameter, error.value, error.allowed, faults, identify(body))


def agree(members: dict[str, Raw], names: Sequence[str], key: Key, path: Key) -> None:
    """Raises InvalidError where a document says that it is another than that of the path."""
    for name, given, expected in zip(names, key, path, strict=True):
        if name in members and given != expected:
            raise InvalidError(name, given, f"the path says {expected!r}")


def answer(
    request: Request, content: bytes, body: bytes, href: str, media_type: str, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """A document as it is stored now; nothing of it where the request prefers that (RFC 7240, 4.2)."""
    tag = responses.stored_tag(content, body)
    is_new = status is HTTPStatus.CREATED
    headers = {"Location": href} if is_new else {}
    if preferred(request.headers, "return") == "minimal":
        # The answer to a PUT may have a tag only where what was sent is stored as it was (RFC 9110, 9.3.4).
        told = {} if request.method == "PUT" else {"ETag": tag}
        return Response(status_code=status if is_new else HTTPStatus.NO_CONTENT, headers=headers | told | _MINIMAL)
    headers |= {"ETag": tag, "Content-Location": href}
    return Response(body, status_code=status, media_type=media_type, headers=headers)


def created(request: Request, ids: Sequence[str], made: Sequence[Link]) -> Response:
    """The ids of several new documents, and links to them."""
    if preferred(request.headers, "return") == "minimal":
        return Response(status_code=HTTPStatus.CREATED, headers=_MINIMAL)
    return responses.json({"ids": list(ids), "links": list(made)}, JSON, HTTPStatus.CREATED)

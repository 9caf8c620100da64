"""Problems: errors as RFC 9457 documents; the one table from errors to status codes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from satapi.errors import (
    ConflictError,
    DocumentError,
    GoneError,
    InvalidError,
    MediaTypeError,
    NotFoundError,
    PreconditionError,
    Refusal,
    RefusedError,
    SatapiError,
    SchemaError,
    TimedOutError,
    TooLargeError,
    UnavailableError,
    UnconditionalError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.errors import Fault

MEDIA_TYPE = "application/problem+json"

# The most derived class first.
_STATUSES: tuple[tuple[type[SatapiError], HTTPStatus], ...] = (
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (DocumentError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (InvalidError, HTTPStatus.BAD_REQUEST),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (GoneError, HTTPStatus.GONE),
    (ConflictError, HTTPStatus.CONFLICT),
    (MediaTypeError, HTTPStatus.UNSUPPORTED_MEDIA_TYPE),
    (PreconditionError, HTTPStatus.PRECONDITION_FAILED),
    (UnconditionalError, HTTPStatus.PRECONDITION_REQUIRED),
    (TimedOutError, HTTPStatus.GATEWAY_TIMEOUT),
    (SchemaError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
)

# Of documents that are refused together, by what they have in common.
_REFUSED = {kind.code: status for kind, status in _STATUSES if kind in {DocumentError, NotFoundError, ConflictError}}

_RETRY_AFTER_S = 5


class ProblemFault(msgspec.Struct):
    """One thing that is wrong with a document: where, as a JSON pointer (RFC 6901), and why."""

    pointer: str
    reason: str


class ProblemEntry(msgspec.Struct, omit_defaults=True):
    """A document that is refused: its place in the request from 0, its id, and why; each fault, 20 at most."""

    index: int
    code: str
    reason: str
    id: str | None = None
    faults: list[ProblemFault] | None = None


class Problem(msgspec.Struct, omit_defaults=True, kw_only=True):
    """RFC 9457, of the default type about:blank, with the `code` and `description` of STAC and OGC API errors."""

    title: str
    status: int
    detail: str
    code: str
    description: str
    parameter: str | None = None
    value: str | None = None
    allowed: str | None = None
    errors: list[ProblemEntry] | None = None


def response(error: SatapiError) -> Response:
    """The answer to a request that failed."""
    if isinstance(error, RefusedError):
        status = _REFUSED[error.code]
    else:
        found = (status for kind, status in _STATUSES if isinstance(error, kind))
        status = next(found, HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {"Retry-After": str(_RETRY_AFTER_S)} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    if isinstance(error, MediaTypeError):
        # What would be read (RFC 9110, 15.5.16).
        headers["Accept"] = ", ".join(error.allowed)
    return of_status(status, error.code, error.description, error, headers)


def of_status(
    status: HTTPStatus,
    code: str,
    description: str,
    error: SatapiError | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """A problem document of any status."""
    problem = Problem(title=status.phrase, status=status.value, detail=description, code=code, description=description)
    if isinstance(error, InvalidError):
        problem.parameter, problem.value, problem.allowed = error.parameter, error.value, error.allowed
    if isinstance(error, RefusedError):
        problem.errors = entries(error.refusals[:_ENTRIES_MAX])
    if isinstance(error, DocumentError) and error.faults:
        problem.errors = entries([Refusal(0, error.id, "InvalidDocument", error.description, error.faults)])
    return Response(msgspec.json.encode(problem), status_code=status, media_type=MEDIA_TYPE, headers=headers)


def entries(refusals: Sequence[Refusal]) -> list[ProblemEntry]:
    """Refused documents as problems tell them."""
    return [ProblemEntry(each.index, each.code, each.reason, each.id, _faults(each.faults)) for each in refusals]


def _faults(faults: Sequence[Fault]) -> list[ProblemFault] | None:
    return [ProblemFault(fault.pointer, fault.reason) for fault in faults] or None


# Enough to find what is wrong.
_ENTRIES_MAX = 1_000

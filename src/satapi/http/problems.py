"""Problems: errors as RFC 9457 documents; the one table from errors to status codes."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.responses import Response

from satapi.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    SatapiError,
    SchemaError,
    TimedOutError,
    TooLargeError,
    UnavailableError,
)

MEDIA_TYPE = "application/problem+json"

# The most derived class first.
_STATUSES: tuple[tuple[type[SatapiError], HTTPStatus], ...] = (
    (TooLargeError, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (InvalidError, HTTPStatus.BAD_REQUEST),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (TimedOutError, HTTPStatus.GATEWAY_TIMEOUT),
    (SchemaError, HTTPStatus.SERVICE_UNAVAILABLE),
    (UnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
)

_RETRY_AFTER_S = 5


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


def response(error: SatapiError) -> Response:
    """The answer to a request that failed."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {"Retry-After": str(_RETRY_AFTER_S)} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
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
    return Response(msgspec.json.encode(problem), status_code=status, media_type=MEDIA_TYPE, headers=headers)

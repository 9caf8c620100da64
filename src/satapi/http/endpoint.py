"""Endpoints: one resource of the URL table as an ASGI application."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from satapi.errors import SatapiError
from satapi.http import problems
from satapi.http.presence import ClientGoneError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from satapi.http.resource import Resource


class Endpoint:
    """The ASGI application of one resource, for every method; what fails in it becomes a problem document."""

    def __init__(self, resource: Resource) -> None:
        self._handlers = {method.upper(): operation.handler for method, operation in resource.operations.items()}
        if resource.get is not None:
            self._handlers["HEAD"] = resource.get.handler
        self._allow = {"Allow": ", ".join(resource.methods)}
        if resource.patch is not None:
            # RFC 5789, 3.1.
            self._allow["Accept-Patch"] = ", ".join(resource.patch.takes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive, send)
        try:
            answer = await self._answer(request)
        except SatapiError as error:
            answer = problems.response(error)
        except (ClientGoneError, ClientDisconnect):
            raise ClientGoneError from None
        except Exception:
            # A fault of ours: the log has it, the client learns that it happened.
            logging.getLogger("satapi").exception("a request failed")
            answer = problems.of_status(
                HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "The server failed; its log has the request id"
            )
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=HTTPStatus.NO_CONTENT, headers=self._allow)
        handler = self._handlers.get(request.method)
        if handler is None:
            return problems.of_status(
                HTTPStatus.METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                f"{request.method} is not allowed here; allowed are {self._allow['Allow']}",
                headers=self._allow,
            )
        answer = await handler(request)
        # A page that would be streamed need not be read to say that it is there.
        if request.method == "HEAD" and isinstance(answer, StreamingResponse):
            head = Response(status_code=answer.status_code, media_type=answer.media_type)
            del head.headers["Content-Length"]
            return head
        return answer

"""Routes: the URL table of the API."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from satapi.errors import SatapiError
from satapi.http import collections, documentation, health, items, landing, problems, search
from satapi.http.presence import ClientGoneError
from satapi.stac import paths

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

Handler = Callable[[Request], Awaitable[Response]]


class Resource(msgspec.Struct, frozen=True):
    """A path and what answers each method on it; HEAD and OPTIONS are answered on all of them."""

    path: str
    get: Handler
    post: Handler | None = None

    @property
    def methods(self) -> list[str]:
        """What Allow says."""
        return ["GET", "HEAD", *(["POST"] if self.post else []), "OPTIONS"]


RESOURCES = (
    Resource(paths.LANDING, landing.get_landing),
    Resource(paths.CONFORMANCE, landing.get_conformance),
    Resource(paths.API, documentation.get_api),
    Resource(paths.API_HTML, documentation.get_page),
    Resource(paths.API_ASSETS, documentation.get_asset),
    Resource(paths.HEALTH, health.get_health),
    Resource(paths.SEARCH, search.get_search, search.post_search),
    Resource(paths.ITEMS, search.get_search),
    Resource(paths.ITEM_ANYWHERE, items.get_item_anywhere),
    Resource(paths.COLLECTIONS, collections.get_collections),
    Resource(paths.COLLECTION, collections.get_collection),
    Resource(paths.COLLECTION_ITEMS, search.get_items),
    Resource(paths.ITEM, items.get_item),
)


def routes() -> list[Route]:
    """The table for Starlette."""
    return [Route(resource.path, _Endpoint(resource)) for resource in RESOURCES]


class _Endpoint:
    """The ASGI application of one resource, for every method; what fails in it becomes a problem document."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._allow = {"Allow": ", ".join(resource.methods)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
        match request.method:
            case "GET":
                return await self._resource.get(request)
            case "HEAD":
                answer = await self._resource.get(request)
                # A page that would be streamed need not be read to say that it is there.
                if isinstance(answer, StreamingResponse):
                    return Response(status_code=answer.status_code, media_type=answer.media_type)
                return answer
            case "POST" if self._resource.post is not None:
                return await self._resource.post(request)
            case "OPTIONS":
                return Response(status_code=HTTPStatus.NO_CONTENT, headers=self._allow)
            case method:
                return problems.of_status(
                    HTTPStatus.METHOD_NOT_ALLOWED,
                    "MethodNotAllowed",
                    f"{method} is not allowed here; allowed are {self._allow['Allow']}",
                    headers=self._allow,
                )

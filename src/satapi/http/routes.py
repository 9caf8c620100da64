"""Routes: the URL table of the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from satapi.http import collections, documentation, health, items, landing, problems, search
from satapi.stac import paths

if TYPE_CHECKING:
    from starlette.requests import Request

Handler = Callable[["Request"], Awaitable[Response]]


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
    return [Route(resource.path, _dispatch(resource), methods=_EVERY_METHOD) for resource in RESOURCES]


# Starlette would answer other methods itself, in plain text.
_EVERY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def _dispatch(resource: Resource) -> Handler:
    allow = {"Allow": ", ".join(resource.methods)}

    async def endpoint(request: Request) -> Response:
        match request.method:
            case "GET":
                return await resource.get(request)
            case "HEAD":
                answer = await resource.get(request)
                # A page that would be streamed need not be read to say that it is there.
                if isinstance(answer, StreamingResponse):
                    return Response(status_code=answer.status_code, media_type=answer.media_type)
                return answer
            case "POST" if resource.post is not None:
                return await resource.post(request)
            case "OPTIONS":
                return Response(status_code=HTTPStatus.NO_CONTENT, headers=allow)
            case method:
                description = f"{method} is not allowed here; allowed are {allow['Allow']}"
                return problems.of_status(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", description, headers=allow)

    return endpoint

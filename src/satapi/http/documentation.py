"""The API's own description: OpenAPI documents and a page to read and try them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request


async def get_api(_: Request) -> Response:
    return Response()


async def get_page(_: Request) -> Response:
    return Response()


async def get_asset(_: Request) -> Response:
    return Response()

"""Resources: the rows of the URL table, each a path with what answers on it and what the API's description says of that."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from satapi.stac.links import JSON

if TYPE_CHECKING:
    from starlette.requests import Request

Handler = Callable[["Request"], Awaitable[Response]]


class Operation(msgspec.Struct, frozen=True):
    """A handler and its description.

    `gives` is the shape of what it answers with 200, None where that is no document of ours; `media_types` are those of
    it, `parameters` the names of those in the query, and `statuses` all that it may answer.
    """

    handler: Handler
    id: str
    summary: str
    gives: type[msgspec.Struct] | None = None
    media_types: tuple[str, ...] = (JSON,)
    parameters: tuple[str, ...] = ()
    statuses: tuple[int, ...] = (200,)


class Resource(msgspec.Struct, frozen=True):
    """A path and what answers each method on it; HEAD and OPTIONS are answered on all of them."""

    path: str
    tag: str
    get: Operation
    post: Operation | None = None

    @property
    def methods(self) -> list[str]:
        """What Allow says."""
        return ["GET", "HEAD", *(["POST"] if self.post else []), "OPTIONS"]

    @property
    def operations(self) -> dict[str, Operation]:
        """By method, in lower case; without HEAD and OPTIONS, which are alike everywhere."""
        return {"get": self.get} | ({"post": self.post} if self.post else {})

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it: without the kinds of its parameters."""
        return re.sub(r":\w+(?=})", "", self.path)

    @property
    def path_parameters(self) -> list[str]:
        """The names of the parameters in the path."""
        return re.findall(r"{(\w+)", self.path)

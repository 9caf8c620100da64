"""Resources: rows of the URL table, each a path with what answers on it and what the API's description says of that."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

Handler = Callable[[Request], Awaitable[Response]]


class Operation(msgspec.Struct, frozen=True):
    """A handler and its description.

    `gives` is what it answers with 200: the struct of a document, or those of several and the media types of what is
    none. `statuses` are all that it may answer, `parameters` the names of those in the query, `headers` those of a
    request that count, and `takes` the name of the schema of its body.
    """

    handler: Handler
    id: str
    summary: str
    gives: type[msgspec.Struct] | tuple[str | type[msgspec.Struct], ...]
    statuses: tuple[int, ...]
    parameters: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    takes: str = ""


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
        """What is described, by method in lower case: HEAD and OPTIONS are alike everywhere."""
        return {"get": self.get} | ({"post": self.post} if self.post else {})

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it, without the kinds of its parameters."""
        return re.sub(r":\w+(?=})", "", self.path)

    @property
    def path_parameters(self) -> list[str]:
        """The names of the parameters in the path."""
        return re.findall(r"{(\w+)", self.path)

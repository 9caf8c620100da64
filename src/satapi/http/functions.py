"""The functions that filters may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.cql2.functions import FUNCTIONS
from satapi.http import responses
from satapi.http.shapes import Argument, Function, Functions

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from satapi.cql2.functions import Kind

# The words of the standard.
_TYPES: dict[Kind, str] = {
    "text": "string",
    "number": "number",
    "boolean": "boolean",
    "instant": "datetime",
    "geometry": "geometry",
    "array": "array",
}


async def get_functions(_: Request) -> Response:
    """GET /functions (OGC API Features 1.0, part 3, 8.2)."""
    return responses.json(
        Functions(
            [
                Function(
                    function.name,
                    function.description,
                    [Argument([_TYPES[kind]]) for kind in function.arguments],
                    [_TYPES[function.returns]],
                )
                for function in FUNCTIONS.values()
            ]
        )
    )

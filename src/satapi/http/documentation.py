"""Documentation: the API's own description, as OpenAPI documents and as a page to read and try."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import Response

from satapi.errors import NotFoundError
from satapi.http import openapi, responses, urls
from satapi.http.server import server
from satapi.stac.links import HTML, OPENAPI_3_0, OPENAPI_3_1
from satapi.ui import api

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.resources.abc import Traversable

    from starlette.requests import Request

    from satapi.http.openapi import Version
    from satapi.http.resource import Resource

_MEDIA_TYPES: dict[Version, str] = {"3.0": OPENAPI_3_0, "3.1": OPENAPI_3_1}

_MEDIA_TYPES_OF_ASSETS = {
    api.SCRIPT: "text/javascript",
    api.SWAGGER_SCRIPT: "text/javascript",
    api.STYLE: "text/css",
    api.SWAGGER_STYLE: "text/css",
    api.ICON: "image/png",
}
ASSET_MEDIA_TYPES = tuple(dict.fromkeys(_MEDIA_TYPES_OF_ASSETS.values()))

_QUALITY = re.compile(r"[01](\.\d{0,3})?")

# The files change with the version of satapi alone.
_ASSETS_MAX_AGE_S = 86_400


async def get_api(request: Request, resources: Sequence[Resource]) -> Response:
    """GET /api (OGC API Features 1.0, 7.3): OpenAPI 3.0, or 3.1 where Accept prefers that."""
    settings = server(request).settings
    version = preferred(request.headers.get("accept", ""))
    described = openapi.document(resources, settings, urls.base(request, settings), version)
    answer = responses.tagged(request, responses.encode(described), _MEDIA_TYPES[version])
    answer.headers["Vary"] = "Accept"
    return answer


async def get_page(request: Request) -> Response:
    """GET /api.html: Swagger UI, which reads /api."""
    settings = server(request).settings
    public = urlsplit(urls.base(request, settings))
    # Swagger UI writes styles and small images into the page; requests go to the API, which the page may lie beside.
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        f"connect-src 'self' {public.scheme}://{public.netloc}; base-uri 'none'; form-action 'none'"
    )
    return Response(api.page(settings.title), media_type=HTML, headers={"Content-Security-Policy": policy})


async def get_asset(request: Request) -> Response:
    """GET /api.assets/{name}: the files that the page needs, and no others."""
    name = urls.path_value(request, "name")
    media_type = _MEDIA_TYPES_OF_ASSETS.get(name)
    if media_type is None:
        raise NotFoundError(f"There is no file {name!r}; the files here are {', '.join(_MEDIA_TYPES_OF_ASSETS)}")
    answer = responses.tagged(request, _folder(name).joinpath(name).read_bytes(), media_type)
    answer.headers["Cache-Control"] = f"public, max-age={_ASSETS_MAX_AGE_S}"
    return answer


def preferred(accept: str) -> Version:
    """The version of OpenAPI that an Accept header asks for: 3.1 where it names that and likes 3.0 less."""
    return "3.1" if _weight(accept, "3.1") > _weight(accept, "3.0") else "3.0"


def _weight(accept: str, version: str) -> float:
    """How much an Accept header likes the media type of a version, which it must name (RFC 9110, 12.4.2)."""
    for entry in accept.lower().replace(" ", "").replace('"', "").split(","):
        parameters = entry.split(";")[1:]
        if any(parameter.startswith(f"version={version}") for parameter in parameters):
            quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
            return float(quality) if _QUALITY.fullmatch(quality) else 0.0
    return 0.0


def _folder(name: str) -> Traversable:
    """Where an asset lies: with our page, or in the one folder of swagger-ui-bundle, which carries its version."""
    if name in {api.SCRIPT, api.STYLE}:
        return files("satapi.ui")
    return next(iter(files("swagger_ui_bundle").joinpath("vendor").iterdir()))

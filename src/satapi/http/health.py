"""Health: whether the server and its database can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi import __version__
from satapi.http import responses
from satapi.http.server import server
from satapi.query.sql import sql

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def get_health(request: Request) -> Response:
    """GET /health: 200, or 503 while the database is away or has another schema."""
    await server(request).database.fetch(sql("select 1 from items limit 1"))
    return responses.json({"status": "ok", "version": __version__})

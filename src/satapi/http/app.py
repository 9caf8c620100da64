"""The application: settings in, ASGI out."""

from __future__ import annotations

import logging
import os
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware

from satapi import settings as settings_table
from satapi.db.pool import opened
from satapi.errors import SatapiError
from satapi.http import problems
from satapi.http.compression import Compression
from satapi.http.envelope import Envelope
from satapi.http.following import Following
from satapi.http.pruning import pruned
from satapi.http.routes import routes
from satapi.http.server import Server
from satapi.ingest.rules import of_writers
from satapi.webhooks.delivery import delivered

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request
    from starlette.responses import Response

    from satapi.settings import Settings


def from_environment() -> Starlette:
    """The application of the SATAPI_* variables, with its log lines on standard error: what uvicorn runs."""
    settings = settings_table.from_environment(os.environ)
    logging.basicConfig(level=settings.log_level.upper(), format="%(message)s")
    # The lines have no place for them, and finding them out takes a tenth of writing a line (0.7 of 7 us).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return build_app(settings)


def build_app(settings: Settings) -> Starlette:
    """The application. It opens no connection before its lifespan starts, nor before the first request needs it.

    Raises InvalidError for schemas that the settings name and that are of no use.
    """
    rules = of_writers(settings)
    checks = rules.checks()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        if settings.dsn is None:
            raise SatapiError("No database is set; set SATAPI_DSN or use `satapi serve`")
        async with opened(settings.dsn, settings) as database:
            following = Following(settings.dsn, settings)
            app.state.server = Server(settings, database, following, rules, checks)
            try:
                async with pruned(database, settings), delivered(database, settings.dsn, settings):
                    with following.stopped_by_signals():
                        yield
            finally:
                await following.bell.close()

    return Starlette(
        routes=routes(settings),
        middleware=[
            Middleware(Envelope, root_path=settings.root_path, writing=settings.writes != "off"),
            Middleware(Compression, min_bytes=settings.compress_min_bytes),
        ],
        exception_handlers={HTTPStatus.NOT_FOUND: _nowhere},
        lifespan=lifespan,
    )


async def _nowhere(_: Request, __: Exception) -> Response:
    return problems.of_status(HTTPStatus.NOT_FOUND, "NotFound", "There is nothing at this path; / leads on")

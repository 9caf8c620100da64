"""The server's state: what every request of a process shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from satapi.db.pool import Database
from satapi.settings import Settings

if TYPE_CHECKING:
    from starlette.requests import Request


class Server(msgspec.Struct, frozen=True):
    """Settings and the database."""

    settings: Settings
    database: Database


def server(request: Request) -> Server:
    """The state that a request was given."""
    return cast("Server", request.app.state.server)

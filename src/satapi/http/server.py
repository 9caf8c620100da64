"""The server's state: what every request of a process shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from satapi.db.pool import Database
from satapi.http.following import Following
from satapi.ingest.rules import Rules
from satapi.ingest.validation import Check, Checks
from satapi.settings import Settings

if TYPE_CHECKING:
    from starlette.requests import Request


class Server(msgspec.Struct, frozen=True):
    """Settings, the database, who waits for changes, and the rules for documents that are written with their checks."""

    settings: Settings
    database: Database
    following: Following
    rules: Rules = Rules()
    checks: Checks | None = None

    @property
    def item_check(self) -> Check | None:
        """What finds out what is wrong with an item, where that is wanted."""
        return self.checks and self.checks.item

    @property
    def collection_check(self) -> Check | None:
        """What finds out what is wrong with a collection, where that is wanted."""
        return self.checks and self.checks.collection


def server(request: Request) -> Server:
    """The state that a request was given."""
    return cast("Server", request.app.state.server)

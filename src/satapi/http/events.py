"""Events: changes as a stream of server-sent events (HTML Living Standard, 9.2), which ends when the server stops."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace
from starlette.responses import StreamingResponse

from satapi.db import changes
from satapi.errors import GoneError, NotFoundError, UnavailableError
from satapi.http import responses
from satapi.stac.changes import Kind, Operation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from satapi.http.server import Server
    from satapi.query.inventory import Inventory
    from satapi.stac.changes import Change, Place
    from satapi.stac.search import Search

MEDIA_TYPE = "text/event-stream"

# Proxies close what is silent for a minute; a shorter silence also finds clients that are gone.
_HEARTBEAT_S = 15.0
# A load commits many times a second: it is looked for this often at most.
_PACE_S = 0.2
_EVENTS_AT_ONCE = 1_000
# Long enough for a database that is being restarted, and for a client to come back to.
_AWAY_S = 2.0
_OPENING = b"retry: 2000\n\n"


class ChangeEntry(Struct, frozen=True):
    """A change: of an item, or of a collection, whose id is then both; since its token come those behind it."""

    token: str
    time: datetime
    kind: Kind
    operation: Operation
    collection: str
    id: str


def entry(change: Change) -> ChangeEntry:
    """A change as it is told."""
    return ChangeEntry(change.place.token, change.time, change.kind, change.operation, change.collection, change.id)


def stream(here: Server, place: Place, search: Search, inventory: Inventory) -> StreamingResponse:
    """Changes behind a place for as long as client and server are there."""
    headers = {"Vary": "Accept", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    search = replace(search, limit=_EVENTS_AT_ONCE)
    return StreamingResponse(_events(here, place, search, inventory), headers=headers, media_type=MEDIA_TYPE)


async def _events(here: Server, place: Place, search: Search, inventory: Inventory) -> AsyncIterator[bytes]:
    following = here.following
    loop = asyncio.get_running_loop()
    with following.client():
        yield _OPENING
        spoken = loop.time()
        while not following.is_stopping:
            rung = following.bell.mark()
            try:
                page = await changes.page(here.database.fetch, place, search, inventory)
            except (GoneError, NotFoundError) as error:
                # A client that comes back is told by the status.
                yield b"event: gone\ndata: " + responses.encode(error.description) + b"\n\n"
                return
            except UnavailableError:
                page = changes.Page([], place, is_last=True, is_held=False)
                await asyncio.sleep(_AWAY_S)
            place = page.place
            if page.changes:
                yield b"".join(map(_event, page.changes))
                spoken = loop.time()
            elif loop.time() - spoken >= _HEARTBEAT_S:
                # An event without data is none, but its id is where the client comes back to.
                yield f": still here\nid: {place.token}\n\n".encode()
                spoken = loop.time()
            if page.is_last:
                await following.wait(rung, _HEARTBEAT_S, is_held=page.is_held)
                await asyncio.sleep(_PACE_S)


def _event(change: Change) -> bytes:
    return b"id: %b\ndata: %b\n\n" % (change.place.token.encode(), responses.encode(entry(change)))

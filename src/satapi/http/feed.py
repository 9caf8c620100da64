"""The change feed: pages of changes, which may be waited for, and streams of them."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from satapi.db import changes
from satapi.errors import InvalidError, UnavailableError
from satapi.http import asked, events, formats, requests, responses, urls
from satapi.http.events import ChangeEntry
from satapi.http.presence import while_present
from satapi.http.requests import PageSize
from satapi.http.server import Server, server
from satapi.stac import paths
from satapi.stac.links import JSON, Link

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from satapi.http.timing import Timing
    from satapi.query.inventory import Inventory
    from satapi.settings import Settings
    from satapi.stac.search import Search

OWN = ("since", "wait")
PARAMETERS = (*OWN, "limit", "collections", "bbox", "filter", "filter-lang", "filter-crs")

PAGE = PageSize(1_000, 10_000)


class Changes(Struct, frozen=True):
    """Changes in their order, and the token behind them, also where there are none."""

    changes: list[ChangeEntry]
    token: str
    links: list[Link]


class _Asked(NamedTuple):
    since: str
    wait_s: float
    search: Search
    inventory: Inventory
    pairs: list[tuple[str, str]]


async def get_changes(request: Request) -> Response:
    """GET /changes: a page, or a stream of server-sent events where Accept prefers that."""
    here = server(request)
    timing: Timing = request.state.timing
    await here.database.memory.knowledge(here.database)
    with timing.stage("parse"):
        given = _asked(request, here)
    if formats.is_preferred(events.MEDIA_TYPE, request.headers.get("accept")):
        if here.following.is_full:
            at_most = here.settings.changes_streams_max
            raise UnavailableError(f"{at_most} clients follow changes here already, which is the limit; try again")
        # What is wrong with the place is told before the stream begins.
        first = changes.first_page(here.database.fetch, given.since, given.search, given.inventory)
        place, _ = await while_present(request, first)
        return events.stream(here, place, given.search, given.inventory)
    page = await while_present(request, _page(here, given, timing))
    return _answer(request, given, page)


def _asked(request: Request, here: Server) -> _Asked:
    pairs = requests.pairs(request, PARAMETERS, here.settings)
    own = dict(pairs)
    members = asked.from_pairs([pair for pair in pairs if pair[0] not in OWN], here.settings)
    inventory = here.database.memory.inventory(members.collections)
    search = requests.search(members, inventory, here.settings, size=PAGE)
    # Where a client of events comes back to goes before where it began.
    since = request.headers.get("last-event-id") or own.get("since") or changes.OLDEST
    return _Asked(since, _wait_s(own.get("wait"), here.settings), search, inventory, pairs)


def _wait_s(text: str | None, settings: Settings) -> float:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise InvalidError("wait", text, "allowed are whole numbers of seconds")
    return min(int(text[:9]), settings.changes_wait_max_s)


async def _page(here: Server, given: _Asked, timing: Timing) -> changes.Page:
    """The next changes, which are waited for as long as is asked."""
    fetch, following = here.database.fetch, here.following
    deadline = monotonic() + (0 if following.is_full else given.wait_s)
    with following.client():
        rung = following.bell.mark() if given.wait_s else None
        with timing.stage("db"):
            _, page = await changes.first_page(fetch, given.since, given.search, given.inventory)
        while not page.changes and rung is not None and not following.is_stopping:
            left_s = deadline - monotonic()
            if left_s <= 0:
                break
            if page.is_last:
                await following.wait(rung, left_s, is_held=page.is_held)
            rung = following.bell.mark()
            with timing.stage("db"):
                page = await changes.page(fetch, page.place, given.search, given.inventory)
        return page


def _answer(request: Request, given: _Asked, page: changes.Page) -> Response:
    base = urls.base(request, server(request).settings)
    token = page.place.token
    on = [pair for pair in given.pairs if pair[0] != "since"]
    links = [
        Link(rel="self", href=urls.with_pairs(base + paths.CHANGES, given.pairs), type=JSON),
        Link(rel="root", href=base + paths.LANDING, type=JSON),
        Link(rel="next", href=urls.with_pairs(base + paths.CHANGES, [("since", token), *on]), type=JSON),
    ]
    # The same address has other changes later.
    headers = {"Vary": "Accept", "Cache-Control": "no-store"}
    return responses.json(Changes([events.entry(change) for change in page.changes], token, links), headers=headers)

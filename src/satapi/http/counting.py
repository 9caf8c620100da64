"""Counting: how many items match a search in all, as the request prefers or else as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from satapi.db import items
from satapi.errors import TimedOutError
from satapi.http.preferences import preferred

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import Headers

    from satapi.db.items import Page
    from satapi.http.server import Server
    from satapi.stac.search import Search

Preference = Literal["exact", "planned", "none"]
Mode = Literal["auto", "exact", "estimated", "none"]

_MODES: Mapping[Preference, Mode] = {"exact": "exact", "planned": "estimated", "none": "none"}


class Counted(NamedTuple):
    """How many items match in all, None where that is not known; and the headers that say so where it was preferred."""

    matched: int | None
    headers: dict[str, str]


def preference(headers: Headers) -> Preference | None:
    """What the request prefers: the first `count` of its Prefer headers; others than the known ones are ignored."""
    value = preferred(headers, "count")
    return cast("Preference", value) if value in _MODES else None


async def counted(here: Server, search: Search, page: Page, preferred: Preference | None) -> Counted:
    """Count the matches of a search whose page was read. Raises TimedOutError where an exact number takes too long."""
    if preferred is None:
        return Counted(await _matched(here, search, page, here.settings.number_matched), {})
    matched = await _matched(here, search, page, _MODES[preferred])
    return Counted(matched, told(preferred, page.first, len(page.rows), matched))


async def _matched(here: Server, search: Search, page: Page, mode: Mode) -> int | None:
    """Auto counts what is free or cheap.

    It is free where the first page is the only one. A page of one item is how clients ask for the number alone.
    """
    if mode == "none":
        return None
    if search.position is None and page.following is None:
        return len(page.rows)
    match mode:
        case "exact":
            try:
                return await items.count(here.database, search)
            except TimedOutError:
                raise TimedOutError(
                    f"Counting all matches took longer than {here.settings.statement_timeout_s:g} seconds; "
                    "an estimate (the header Prefer: count=planned), or an area or a time that is smaller, would help"
                ) from None
        case "estimated":
            # As many as were seen there are.
            seen = page.first + len(page.rows) + (page.following is not None)
            return max(seen, await items.estimate(here.database, search))
        case "auto":
            if search.limit > 1:
                return None
            try:
                return await items.count(
                    here.database,
                    search,
                    at_most=here.settings.count_max,
                    timeout_s=here.settings.count_timeout_s,
                )
            except TimedOutError:
                return None


def told(preferred: Preference, first: int, returned: int, matched: int | None) -> dict[str, str]:
    """The headers that say what was preferred, and the places of a page, from 0, as the pages that led to it counted.

    There is no Content-Range of nothing among nobody knows how many (RFC 9110, 14.4).
    """
    applied = {"Preference-Applied": f"count={preferred}"}
    total = "*" if matched is None else str(matched)
    if returned:
        return applied | {"Content-Range": f"items {first}-{first + returned - 1}/{total}"}
    return applied if matched is None else applied | {"Content-Range": f"items */{total}"}

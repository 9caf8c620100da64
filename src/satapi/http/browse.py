"""Browsing: catalogs whose links alone lead from the landing page to every item (browseable extension).

A catalog of a collection's items has links to them where they are few, else to catalogs of its years, months, days, and
parts of a day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from satapi.db import browse, collections
from satapi.errors import NotFoundError
from satapi.http import responses, urls
from satapi.http.presence import while_present
from satapi.http.server import server
from satapi.stac import links, paths, periods, tokens
from satapi.stac.links import GEOJSON, JSON, Link

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from satapi.db.pool import Database
    from satapi.settings import Settings
    from satapi.stac.periods import Stretch

# Links to items, or to collections, in one catalog.
LINKS_MAX = 1_000


async def get_items_by_time(request: Request) -> Response:
    """GET /collections/{collection_id}/browse: all items of a collection."""
    return await _items(request, periods.everything(urls.path_value(request, "collection_id")), ())


async def get_period(request: Request) -> Response:
    """GET /collections/{collection_id}/browse/{period}: those of a year, a month or a day."""
    period = urls.path_value(request, "period")
    return await _items(request, _stretch(request, period, None), (period,))


async def get_part(request: Request) -> Response:
    """GET /collections/{collection_id}/browse/{period}/{part}: a part of a period's."""
    period, part = urls.path_value(request, "period"), urls.path_value(request, "part")
    return await _items(request, _stretch(request, period, part), (period, part))


def _stretch(request: Request, period: str, part: str | None) -> Stretch:
    try:
        return periods.parse(urls.path_value(request, "collection_id"), period, part)
    except ValueError:
        raise NotFoundError(
            f"There is no period {part or period!r}; a collection's browse catalog has links to all"
        ) from None


async def _items(request: Request, stretch: Stretch, below: tuple[str, ...]) -> Response:
    here = server(request)
    base = urls.base(request, here.settings)
    collection = stretch.collection
    found = await while_present(request, _below(here.database, stretch, base))
    if not found:
        await while_present(request, collections.must_exist(here.database, collection))
    parent = paths.browse(collection, *filter(None, [stretch.above])) if below else paths.collection(collection)
    when = stretch.name or "all times"
    return responses.json(
        Catalog(
            id="-".join((collection, *below)) if below else f"{collection}-browse",
            title=stretch.name or "Items by time",
            description=f"Items of {collection} of {when}{', in part' if stretch.first else ''}",
            links=[*links.catalog(base, paths.browse(collection, *below), parent), *found],
        )
    )


async def _below(database: Database, stretch: Stretch, base: str) -> list[Link]:
    """Links to the items of a stretch, or where they are many to what it is divided into."""
    collection = stretch.collection
    ids = await browse.keys(database, stretch, LINKS_MAX + 1)
    if len(ids) <= LINKS_MAX:
        return [Link(rel="item", href=base + paths.item(collection, each), type=GEOJSON) for each in ids]
    if stretch.below is not None and stretch.first is None:
        unit = stretch.below
        names = [periods.name(moment, unit) for moment in await browse.periods(database, stretch, unit)]
        return [_child(base + paths.browse(collection, name), name) for name in names]
    places = await browse.parts(database, stretch, LINKS_MAX)
    return [
        _child(base + paths.browse(collection, stretch.name, periods.token(first, end)), f"from {first.datetime:%X}")
        for first, end in zip(places, [*places[1:], stretch.end], strict=True)
    ]


def _child(href: str, title: str) -> Link:
    return Link(rel="child", href=href, type=JSON, title=title)


class Catalog(msgspec.Struct, kw_only=True):
    """A STAC catalog made by the server."""

    type: str = "Catalog"
    stac_version: str = links.STAC_VERSION
    id: str
    title: str
    description: str
    links: list[Link]


# Collections


async def children(database: Database, base: str) -> list[Link]:
    """The child links of the landing page: to all collections, or to a catalog of them if they are many."""
    if await are_many(database):
        return [_child(base + paths.group(_EVERYTHING), _EVERYTHING_TITLE)]
    return await _grouped(database, base, None, None)


async def are_many(database: Database) -> bool:
    """Whether the landing page has a catalog of all collections for its child, and not each of them."""
    return len(await browse.groups(database, LINKS_MAX)) > 1


async def everything(database: Database, base: str, settings: Settings) -> Catalog:
    """The catalog of all collections, where they are many: its links are to groups of them."""
    return Catalog(
        id=f"{settings.catalog_id}-{_EVERYTHING}",
        title=_EVERYTHING_TITLE,
        description=f"All collections of {settings.title}, in groups",
        links=[
            *links.catalog(base, paths.group(_EVERYTHING), paths.LANDING),
            *await _grouped(database, base, None, None),
        ],
    )


_EVERYTHING = "collections"
_EVERYTHING_TITLE = "Collections"


async def _grouped(database: Database, base: str, first: str | None, end: str | None) -> list[Link]:
    """Child links to the collections from an id until before another, or to groups of them."""
    names = await browse.groups(database, LINKS_MAX, first, end)
    if len(names) > 1:
        return [
            _child(base + paths.group(tokens.encode(_Group(name, following))), f"Collections from {name}")
            for name, following in zip(names, [*names[1:], end], strict=True)
        ]
    return [
        Link(rel="child", href=base + paths.collection(found.id), type=JSON, title=found.title or None)
        for found in await collections.titles(database, first, end)
    ]


async def get_group(request: Request) -> Response:
    """GET /browse/{group}: some of many collections."""
    here = server(request)
    base = urls.base(request, here.settings)
    group = urls.path_value(request, "group")
    if group == _EVERYTHING:
        return responses.json(await while_present(request, everything(here.database, base, here.settings)))
    first, end = _decoded(group)
    found = await while_present(request, _grouped(here.database, base, first, end))
    return responses.json(
        Catalog(
            id=f"{here.settings.catalog_id}-{group}",
            title=f"Collections from {first}",
            description=f"Collections of {here.settings.title}, from {first}",
            links=[*links.catalog(base, paths.group(group), paths.group(_EVERYTHING)), *found],
        )
    )


class _Group(msgspec.Struct, array_like=True):
    """The collections from an id until before another one."""

    first: str
    end: str | None


def _decoded(text: str) -> tuple[str, str | None]:
    try:
        group = tokens.decode(text, _Group)
        if "\0" in group.first + (group.end or ""):
            raise ValueError(text)
    except ValueError:
        raise NotFoundError(f"There is no group {text!r} of collections; the landing page has links to all") from None
    return group.first, group.end

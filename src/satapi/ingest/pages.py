"""Pages of another STAC API: its search, its collections, or any list with links to what is next."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import msgspec
from msgspec import Raw, Struct

from satapi.errors import SourceError
from satapi.ingest.background import started
from satapi.ingest.hrefs import is_web, without_links
from satapi.ingest.loaded import Loaded, loaded
from satapi.ingest.split import Document, Splitter
from satapi.ingest.visited import Visited
from satapi.ingest.web import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from satapi.ingest.web import Web

_json = msgspec.json.Encoder()

# What APIs add to collections for what they can do: OGC API Features part 3, STAC API aggregation and sort.
_OWN_LINKS = frozenset({"aggregate", "aggregations", "queryables", "sortables"})
_OWN_LINK_ENDS = ("/queryables", "/sortables")


class Chosen(Struct, frozen=True):
    """What to ask an API for: members of an item search, texts as they are in a URL; None is everything."""

    collections: list[str] | None = None
    bbox: str | None = None
    datetime: str | None = None
    filter: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Chosen()

    @property
    def without_conditions(self) -> Chosen:
        """Everything in the same collections."""
        return Chosen(self.collections)


def first_items(landing: Loaded, chosen: Chosen, page_size: int) -> Request:
    """The first request of a search. Raises SourceError for a bbox that is none."""
    links = [link for link in landing.links if link.rel == "search" and link.href]
    by_get = next((link for link in links if link.method in {None, "GET"}), None)
    texts = {"bbox": chosen.bbox, "datetime": chosen.datetime, "filter": chosen.filter}
    given = {name: text for name, text in texts.items() if text is not None}
    if chosen.filter is not None:
        given["filter-lang"] = "cql2-text"
    if by_get is not None:
        names = {} if chosen.collections is None else {"collections": ",".join(chosen.collections)}
        return Request(_with(urljoin(landing.place, by_get.href), {"limit": str(page_size), **names, **given}))
    body: dict[str, object] = {"limit": page_size, **given}
    if chosen.collections is not None:
        body["collections"] = chosen.collections
    if chosen.bbox is not None:
        try:
            body["bbox"] = [float(number) for number in chosen.bbox.split(",")]
        except ValueError:
            raise SourceError(landing.place, f"bbox {chosen.bbox!r} is not west,south,east,north in degrees") from None
    raw = {name: Raw(_json.encode(value)) for name, value in body.items()}
    return Request(urljoin(landing.place, links[0].href), raw)


def first_collections(landing: Loaded) -> Request:
    """The request for an API's collections."""
    given = next((link.href for link in landing.links if link.rel == "data" and link.href), None)
    return Request(urljoin(landing.place, given or landing.place.rstrip("/") + "/collections"))


def pages(web: Web, request: Request) -> Iterator[Document]:
    """The items or collections of a page and all that follow it; each says by its mark which page it is of.

    Raises SourceError where a page cannot be had, and where pages lead back to one that was there.
    """
    seen = Visited()
    coming = started(partial(web.fetch, request))
    while True:
        mark = _json.encode(request)
        if not seen.add(mark.decode()):
            raise SourceError(request.url, "its pages lead in a circle, so they cannot be read to their end")
        fetched = coming.result()
        page = loaded(fetched.url, fetched.raw)
        if not page.is_page:
            raise SourceError(request.url, f"it is no page of items or collections: its type is {page.head.type!r}")
        following = _following(page, request)
        if following is not None:
            # Is on its way while this page is stored.
            coming = started(partial(web.fetch, following))
        for document in Splitter(page.place, iter((page.raw,))).documents():
            yield document._replace(mark=mark)
        if following is None:
            return
        request = following


def without_own_links(raw: bytes) -> bytes:
    """A collection without the links that an API adds for what it can do, which another makes itself."""
    return without_links(raw, lambda rel: rel in _OWN_LINKS or rel.endswith(_OWN_LINK_ENDS))


def _following(page: Loaded, request: Request) -> Request | None:
    """The request for the next page, as STAC API 1.0.0 says, "Paging"."""
    link = next((link for link in page.links if link.rel == "next" and link.href), None)
    if link is None:
        return None
    url = urljoin(page.place, link.href)
    if not is_web(url):
        raise SourceError(url, "a document of the web may lead to http and https only", page.place)
    if (link.method or "GET").upper() != "POST":
        return Request(url)
    before = request.body or {} if link.merge else {}
    return Request(url, before | (link.body or {}))


def _with(url: str, parameters: dict[str, str]) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *parameters.items()])))

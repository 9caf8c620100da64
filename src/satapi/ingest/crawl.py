"""Static catalogs: from a catalog along its links to every item or collection below it, many documents at a time."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Literal, NamedTuple

from satapi.errors import SourceError
from satapi.ingest.background import started
from satapi.ingest.hrefs import is_web, resolved
from satapi.ingest.loaded import Loaded, load
from satapi.ingest.split import Document, Splitter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from satapi.ingest.loaded import Link
    from satapi.ingest.visited import Visited
    from satapi.ingest.web import Web
    from satapi.settings import Settings

Noun = Literal["collections", "items"]

# The way to the first item may be long, and that between two collections too.
_QUIET_S = 30


class _Target(NamedTuple):
    place: str
    origin: str
    depth: int


class Crawl:
    """A way through catalogs that goes to each document once.

    Documents come in an order that depends on the catalog alone: about that of its links, depth first. What is held is
    a few documents and the links of those that lead to them.
    """

    def __init__(self, noun: Noun, web: Web, settings: Settings, visited: Visited, tell: Callable[[str], None]) -> None:
        self._noun: Noun = noun
        self._tell = tell
        self._web = web
        self._settings = settings
        self._visited = visited
        self._pending: list[Iterator[_Target | SourceError]] = []

    def documents(self, root: Loaded) -> Iterator[Document | SourceError]:
        """The documents at and below one; what could not be read is an error in its place."""
        if not self._visited.add(_name(root.place)):
            return
        yield from self._taken(root, 0)
        coming: deque[tuple[_Target | None, Future[Loaded]]] = deque()
        due = monotonic() + _QUIET_S
        while True:
            # More than there are requests at once: the first is waited for, and the others are not to be.
            while len(coming) < 2 * self._settings.source_requests and (target := self._next()) is not None:
                coming.append(self._begun(target))
            if not coming:
                return
            if monotonic() >= due:
                self._tell(f"{root.place}: {len(self._visited):,} documents are known so far")
                due = monotonic() + _QUIET_S
            target, loading = coming.popleft()
            try:
                found = loading.result()
                # Where a redirect has led.
                is_new = target is None or not is_web(found.place) or self._is_new(target.place, found.place)
                if is_new:
                    yield from self._taken(found, 0 if target is None else target.depth)
            except SourceError as error:
                yield error if target is None else SourceError(error.source, error.reason, target.origin)

    def _is_new(self, asked: str, found: str) -> bool:
        return asked == found or self._visited.add(_name(found))

    def _begun(self, target: _Target | SourceError) -> tuple[_Target | None, Future[Loaded]]:
        if isinstance(target, SourceError):
            return None, _failed(target)
        if is_web(target.place):
            return target, started(partial(load, target.place, self._web, self._settings))
        # To read a file takes less time than to start a thread.
        try:
            found: Future[Loaded] = Future()
            found.set_result(load(target.place, self._web, self._settings))
        except SourceError as error:
            found = _failed(error)
        return target, found

    def _next(self) -> _Target | SourceError | None:
        while self._pending:
            for target in self._pending[-1]:
                if isinstance(target, SourceError) or self._visited.add(_name(target.place)):
                    return target
            self._pending.pop()
        return None

    def _taken(self, found: Loaded, depth: int) -> Iterator[Document]:
        """Give the documents of what was read, and note where it leads. Raises SourceError."""
        match found.head.type:
            case "Feature" if self._noun == "items":
                yield Document(found.place, 1, found.raw)
                return
            case "FeatureCollection" if self._noun == "items":
                yield from Splitter(found.place, iter((found.raw,))).documents()
            case "Collection" if self._noun == "collections":
                yield Document(found.place, 1, found.raw)
            case "Catalog" | "Collection" | "Feature" | "FeatureCollection":
                pass
            case other:
                raise SourceError(found.place, f"it is no Catalog, Collection or item: its type is {other!r}")
        chosen = _leading(found.links, found.head.type or "", self._noun)
        self._pending.append(self._targets(found.place, chosen, depth + 1))

    def _targets(self, base: str, chosen: list[Link], depth: int) -> Iterator[_Target | SourceError]:
        for link in chosen:
            origin = f"{base} as {link.rel!r}"
            # Pages are beside each other, however many there are.
            if depth > self._settings.source_max_depth and link.rel != "next":
                allowed = f"SATAPI_SOURCE_MAX_DEPTH allows {self._settings.source_max_depth:,} links"
                yield SourceError(link.href, f"it is too deep; {allowed}", origin)
                continue
            try:
                yield _Target(resolved(base, link.href), origin, depth - (link.rel == "next"))
            except SourceError as error:
                yield SourceError(error.source, error.reason, origin)


def _failed(error: SourceError) -> Future[Loaded]:
    failed: Future[Loaded] = Future()
    failed.set_exception(error)
    return failed


def _leading(links: list[Link], kind: str, noun: Noun) -> list[Link]:
    """The links of a document that lead to more items or collections."""
    links = [link for link in links if link.href and (link.type is None or "json" in link.type)]
    relations = {link.rel for link in links}
    match kind:
        case "FeatureCollection":
            followed = {"next"}
        case "Feature":
            followed = set[str]()
        case _ if "items" in relations:
            # An API's collection: what else is below it are the same items again, ordered otherwise.
            followed = {"items"} if noun == "items" else set[str]()
        case "Catalog":
            followed = {"child", "collection", "item"}
        case _:
            followed = {"child", "item"}
    if noun == "collections":
        followed -= {"item"}
    return [link for link in links if link.rel in followed]


def _name(place: str) -> str:
    """One name for each document."""
    return place if is_web(place) else os.path.realpath(place)

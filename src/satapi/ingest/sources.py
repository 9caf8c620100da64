"""Sources: the one place where the name of what is to be read is recognised, and becomes documents.

What forms a file may have is for `read` alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from glob import has_magic, iglob
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from satapi.errors import SourceError
from satapi.ingest.crawl import Crawl, Noun
from satapi.ingest.hrefs import absolute, is_web
from satapi.ingest.loaded import Loaded, head_of, read_whole
from satapi.ingest.pages import Chosen, first_collections, first_items, pages, without_own_links
from satapi.ingest.read import read, split
from satapi.ingest.split import Document
from satapi.ingest.visited import Visited
from satapi.ingest.web import Request, Web
from satapi.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Chosen", "Hrefs", "Noun", "Reading", "Request", "documents"]

Hrefs = Literal["auto", "absolute", "given"]

SUFFIXES = (".json", ".geojson", ".ndjson", ".jsonl", ".parquet")
_COMPRESSED = (".gz", ".zst")
# A file of one of these over the web is read as it comes, however large it is: it holds many documents.
_STREAMED = (".ndjson", ".jsonl", ".parquet", *_COMPRESSED)

# What is left out of folders and patterns, as it is no document of the kind that is loaded.
_OTHERS: Mapping[Noun, frozenset[str]] = {
    "items": frozenset({"Catalog", "Collection"}),
    "collections": frozenset({"Catalog", "Feature", "FeatureCollection"}),
}


def _silent(_: str) -> None:
    pass


class Reading(Struct, frozen=True, kw_only=True):
    """How sources are read."""

    hrefs: Hrefs = "auto"
    """Whether relative hrefs are made absolute; auto does it for what comes over the web."""
    chosen: Chosen = Chosen()
    """What to ask APIs for."""
    page_size: int = 250
    """Items on a page that an API is asked for."""
    is_deep: bool = False
    """Whether a Collection that is named brings those below it too, where collections are loaded."""
    must_be_api: bool = False
    """Whether nothing but one API may be read."""
    begin: Request | None = None
    """The page of it to go on with."""
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    """Headers of requests to the server of each source, and to no other."""
    tell: Callable[[str], None] = _silent
    """Gets sentences about what is left out."""
    settings: Settings = Settings()


def documents(sources: Iterable[str], noun: Noun, reading: Reading) -> Iterator[Document | SourceError]:
    """Yield the items or collections of files, folders, patterns, catalogs and APIs.

    A document of a catalog that cannot be had is an error in its place. Raises SourceError, InvalidError and OSError
    where a source cannot be read on.
    """
    visited = Visited()
    for source in sources:
        with closing(Web(reading.settings, reading.headers, source, reading.tell)) as web:
            for found in _Source(source, noun, reading, web, visited).documents():
                if isinstance(found, Document) and (reading.hrefs == "absolute" or _is_to_resolve(found, reading)):
                    yield found._replace(raw=absolute(found.raw, found.source))
                else:
                    yield found


def _is_to_resolve(found: Document, reading: Reading) -> bool:
    return reading.hrefs == "auto" and is_web(found.source)


class _Source:
    """One source as it was named."""

    def __init__(self, name: str, noun: Noun, reading: Reading, web: Web, visited: Visited) -> None:
        self._name = name
        self._noun: Noun = noun
        self._reading = reading
        self._web = web
        self._visited = visited

    def documents(self) -> Iterator[Document | SourceError]:
        name = self._name
        if self._reading.begin is not None:
            return self._pages(self._reading.begin)
        if is_web(name):
            return self._of_web()
        self._refuse_options()
        if "://" in name:
            raise SourceError(name, "only files, http and https are read")
        if name == "-":
            return read(name)
        if Path(name).is_dir():
            return self._each(_in_folder(name, self._reading.tell))
        if has_magic(name) and not Path(name).exists():
            return self._each(_matching(name))
        return self._named_file(name)

    def _named_file(self, path: str) -> Iterator[Document | SourceError]:
        if path.endswith(".json") and Path(path).is_file():
            raw = read_whole(path, self._reading.settings)
            head = None if raw is None else head_of(raw)
            if raw is not None and head is not None and self._is_crawled(head.type):
                return self._crawled(Loaded(path, raw, head))
        return read(path)

    def _is_crawled(self, kind: str | None) -> bool:
        """Whether a document that is named is one to follow the links of."""
        return kind == "Catalog" or (kind == "Collection" and (self._noun == "items" or self._reading.is_deep))

    def _crawled(self, root: Loaded) -> Iterator[Document | SourceError]:
        reading = self._reading
        return Crawl(self._noun, self._web, reading.settings, self._visited, reading.tell).documents(root)

    def _each(self, paths: Iterable[str]) -> Iterator[Document]:
        """The documents of files that were not named one by one; those of another kind are left out."""
        others, example, count = _OTHERS[self._noun], "", 0
        for path in paths:
            raw = read_whole(path, self._reading.settings) if path.endswith((".json", ".geojson")) else None
            kind = None if raw is None or (head := head_of(raw)) is None else head.type
            if kind in others:
                example, count = example or path, count + 1
            elif raw is not None and kind in {"Feature", "Collection"}:
                yield Document(path, 1, raw)
            else:
                yield from read(path)
        if count:
            self._reading.tell(
                f"{self._name}: {count:,} files hold no {self._noun} and are left out, such as {example}"
            )

    # The web --------------------------------------------------------------------------------------------------------

    def _of_web(self) -> Iterator[Document | SourceError]:
        url = self._name
        if urlsplit(url).path.lower().endswith(_STREAMED):
            self._refuse_options()
            return split(url, self._web.chunks(url))
        fetched = self._web.fetch(Request(url))
        head = head_of(fetched.raw)
        if head is not None:
            root = Loaded(fetched.url, fetched.raw, head)
            if root.is_api:
                first = first_collections(root) if self._noun == "collections" else self._search(root)
                return self._pages(first)
            if root.is_page:
                self._refuse_choice()
                return self._pages(Request(url))
            self._refuse_options()
            if self._is_crawled(head.type):
                return self._crawled(root)
        self._refuse_options()
        return split(fetched.url, iter((fetched.raw,)))

    def _search(self, root: Loaded) -> Request:
        return first_items(root, self._reading.chosen, self._reading.page_size)

    def _pages(self, first: Request) -> Iterator[Document]:
        names = self._reading.chosen.collections
        for document in pages(self._web, first):
            if self._noun == "items":
                yield document
            elif names is None or _identity(document.raw) in names:
                yield document._replace(raw=without_own_links(document.raw))

    # Options that not every source takes ----------------------------------------------------------------------------

    def _refuse_options(self) -> None:
        self._refuse_choice()
        if self._reading.must_be_api:
            raise SourceError(self._name, "only a load from a STAC API is gone on with; any other may be run again")

    def _refuse_choice(self) -> None:
        if not self._reading.chosen.is_everything:
            allowed = "only a STAC API (the URL of its landing page) can be asked for a part of what it has"
            raise SourceError(self._name, allowed)


class _Identified(Struct):
    id: str


_identified = msgspec.json.Decoder(_Identified)


def _identity(raw: bytes) -> str | None:
    try:
        return _identified.decode(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


# Files ------------------------------------------------------------------------------------------------------------


def _in_folder(folder: str, tell: Callable[[str], None]) -> Iterator[str]:
    """The files at and below a folder that can be read, in the order of their names; hidden ones are left out."""
    example, count = "", 0
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(at, name)  # noqa: PTH118 - os.walk gives texts
            if name.startswith("."):
                continue
            if _is_readable(name):
                yield path
            else:
                example, count = example or path, count + 1
    if count:
        endings = ", ".join(SUFFIXES)
        tell(
            f"{folder}: {count:,} files are left out, such as {example}; "
            f"those that end in {endings} are read, and these with {' or '.join(_COMPRESSED)}"
        )


def _is_readable(name: str) -> bool:
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    return name.endswith(SUFFIXES)


def _matching(pattern: str) -> Iterator[str]:
    found = sorted(path for path in iglob(pattern, recursive=True) if Path(path).is_file())  # noqa: PTH207 - Path has no absolute ones
    if not found:
        raise SourceError(pattern, "there is no such file, and no file matches it as a pattern")
    return iter(found)

"""Batches of documents."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from satapi.errors import SatapiError, SourceError
from satapi.ingest.split import Document, Mark

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

# Large documents make smaller batches, since several are in memory at a time.
_BATCH_BYTES = 32 << 20
# What comes slowly is stored after some time, so that progress is seen, and kept.
_BATCH_SECONDS = 5.0


class Place(NamedTuple):
    """Where a document begins; line 0 is that of one that could not be read at all."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source} line {self.line}" if self.line else self.source


class BadItem(Struct, frozen=True):
    """A document that is not stored: where it stands, its id if it has one, and why."""

    source: str
    line: int
    id: str | None
    reason: str

    def __str__(self) -> str:
        if not self.line:
            return f"{self.source}: {self.reason}"
        name = "a document without an id" if self.id is None else repr(self.id)
        return f"{self.source} line {self.line}, {name}: {self.reason}"


class Batch(Struct, frozen=True):
    """Documents that are read, with the `places` they come from, and their size in bytes; `missing` could not be read.

    It goes from `first` to `last`, read or not; `mark` is that of the last document.
    """

    number: int
    first: Place
    last: Place
    raws: list[bytes]
    places: list[Place]
    missing: list[BadItem]
    mark: Mark | None
    size: int


def batches(found: Iterable[Document | SourceError], size: int) -> Generator[Batch]:
    """Take `size` documents at a time, fewer where they come slowly.

    Before a source's error comes what was read until then.
    """
    for number, group in enumerate(_groups(found, size), 1):
        documents = [one for one in group if isinstance(one, Document)]
        raws = [document.raw for document in documents]
        yield Batch(
            number,
            _place(group[0]),
            _place(group[-1]),
            raws,
            [_place(document) for document in documents],
            [BadItem(one.source, 0, None, one.reason) for one in group if isinstance(one, SourceError)],
            documents[-1].mark if documents else None,
            sum(map(len, raws)),
        )


def _place(found: Document | SourceError) -> Place:
    match found:
        case Document():
            return Place(found.source, found.line)
        case SourceError():
            return Place(found.source, 0)


def _groups(found: Iterable[Document | SourceError], size: int) -> Generator[list[Document | SourceError]]:
    group: list[Document | SourceError] = []
    length = 0
    try:
        due = monotonic() + _BATCH_SECONDS
        for one in found:
            group.append(one)
            length += len(one.raw) if isinstance(one, Document) else 0
            if len(group) == size or length >= _BATCH_BYTES or monotonic() >= due:
                yield group
                group, length, due = [], 0, monotonic() + _BATCH_SECONDS
    except (SatapiError, OSError):
        if group:
            yield group
        raise
    if group:
        yield group

"""Files as batches of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from satapi.errors import SatapiError
from satapi.ingest.read import read

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from satapi.ingest.read import Document

# Large documents make smaller batches, since several are in memory at a time.
_BATCH_BYTES = 32 << 20


class Place(NamedTuple):
    """Where a document begins."""

    source: str
    line: int

    def __str__(self) -> str:
        return f"{self.source} line {self.line}"


class BadItem(Struct, frozen=True):
    """A document that is not stored: where it stands, its id if it has one, and why."""

    source: str
    line: int
    id: str | None
    reason: str

    def __str__(self) -> str:
        name = "a document without an id" if self.id is None else repr(self.id)
        return f"{self.source} line {self.line}, {name}: {self.reason}"


class Batch(Struct, frozen=True):
    """Documents that are read, with the `places` they come from, and their size in bytes."""

    number: int
    raws: list[bytes]
    places: list[Place]
    size: int


def batches(sources: Sequence[str], size: int) -> Generator[Batch]:
    """Read `size` documents at a time; before a file's error comes what was read until then."""
    for number, documents in enumerate(_groups(sources, size), 1):
        raws = [document.raw for document in documents]
        places = [Place(document.source, document.line) for document in documents]
        yield Batch(number, raws, places, sum(map(len, raws)))


def _groups(sources: Sequence[str], size: int) -> Generator[list[Document]]:
    group: list[Document] = []
    length = 0
    try:
        for source in sources:
            for document in read(source):
                group.append(document)
                length += len(document.raw)
                if len(group) == size or length >= _BATCH_BYTES:
                    yield group
                    group, length = [], 0
    except (SatapiError, OSError):
        if group:
            yield group
        raise
    if group:
        yield group

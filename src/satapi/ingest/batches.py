"""Files as batches of prepared rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from msgspec import Struct, field

from satapi.errors import InvalidError, SatapiError
from satapi.ingest.prepare import CollectionRow, Row, identify
from satapi.ingest.read import read

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from satapi.ingest.read import Document

RowT = TypeVar("RowT", Row, CollectionRow)

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


class Batch(Struct, Generic[RowT]):
    """Documents that are read and prepared: `rows` with the `places` they come from, and the bad ones."""

    number: int
    first: Place
    last: Place
    read: int
    bytes: int
    rows: list[RowT] = field(default_factory=list[RowT])
    places: list[Place] = field(default_factory=list[Place])
    bad: list[BadItem] = field(default_factory=list[BadItem])


def batches(
    sources: Sequence[str], prepare: Callable[[Sequence[bytes]], list[RowT | InvalidError]], size: int
) -> Generator[Batch[RowT]]:
    """Read and prepare `size` documents at a time; before a file's error comes what was read until then."""
    for number, documents in enumerate(_groups(sources, size), 1):
        raws = [document.raw for document in documents]
        places = [Place(document.source, document.line) for document in documents]
        batch: Batch[RowT] = Batch(number, places[0], places[-1], len(raws), sum(map(len, raws)))
        for raw, place, row in zip(raws, places, prepare(raws), strict=True):
            if isinstance(row, InvalidError):
                batch.bad.append(BadItem(*place, identify(raw), row.description))
            else:
                batch.rows.append(row)
                batch.places.append(place)
        yield batch


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

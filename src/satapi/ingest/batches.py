"""Documents as batches of prepared rows."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from msgspec import Struct, field

from satapi.errors import InvalidError, SatapiError, SourceError
from satapi.ingest.prepare import CollectionRow, Row, identify
from satapi.ingest.split import Document, Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

RowT = TypeVar("RowT", Row, CollectionRow)

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


class Batch(Struct, Generic[RowT]):
    """Documents that are read and prepared: `rows` with the `places` they come from, and the bad ones.

    `mark` is that of the last document.
    """

    number: int
    first: Place
    last: Place
    mark: Mark | None
    read: int
    bytes: int
    rows: list[RowT] = field(default_factory=list[RowT])
    places: list[Place] = field(default_factory=list[Place])
    bad: list[BadItem] = field(default_factory=list[BadItem])


def batches(
    found: Iterable[Document | SourceError], prepare: Callable[[Sequence[bytes]], list[RowT | InvalidError]], size: int
) -> Generator[Batch[RowT]]:
    """Prepare `size` documents at a time, fewer where they come slowly.

    Before a source's error comes what was read until then.
    """
    for number, group in enumerate(_groups(found, size), 1):
        documents = [one for one in group if isinstance(one, Document)]
        failed = [one for one in group if isinstance(one, SourceError)]
        raws = [document.raw for document in documents]
        places = [_place(one) for one in group]
        mark = documents[-1].mark if documents else None
        batch: Batch[RowT] = Batch(number, places[0], places[-1], mark, len(raws), sum(map(len, raws)))
        batch.bad += [BadItem(error.source, 0, None, error.reason) for error in failed]
        for document, row in zip(documents, prepare(raws), strict=True):
            if isinstance(row, InvalidError):
                batch.bad.append(BadItem(*_place(document), identify(document.raw), row.description))
            else:
                batch.rows.append(row)
                batch.places.append(_place(document))
        yield batch


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

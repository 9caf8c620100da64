"""What a load has done so far, and what is in the database where it stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from satapi.ingest.batches import Place


class Report(Struct):
    """What a load did so far, in documents; `bytes` is what they are as read, `seconds` wall-clock time."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    ignored: int = 0
    deleted: int = 0
    bad: int = 0
    batches: int = 0
    bytes: int = 0
    seconds: float = 0.0


class Span(NamedTuple):
    """A batch that is stored: the number of its documents, and where they are."""

    read: int
    first: Place
    last: Place


def state(stored: Mapping[int, Span], number: float, place: Place | None) -> str:
    """Say what is in the database, and where to go on when batch `number`, at `place`, is not."""
    spans = sorted(stored.items())
    before = [span for at, span in spans if at < number]
    if before:
        count = sum(span.read for span in before)
        batches = f"whole batches: {len(before):,}"
        said = f"In the database are {count:,} documents, up to {before[-1].last} ({batches})"
    else:
        said = "In the database is no batch"
    later = [f", and the batch from {span.first} to {span.last}" for at, span in spans if at > number]
    return "".join((said, *later, "." if place is None else f". Go on from {place}."))

"""Batches: several items of one request, made ready to store beside the loop that other requests share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct, field

from satapi.errors import DocumentError, InvalidError, Refusal, TooLargeError
from satapi.http import nesting
from satapi.ingest.prepare import Row, identify, prepare_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from satapi.http.server import Server
    from satapi.settings import Settings

# What is prepared between two looks at other requests.
_PREPARED_ITEMS = 100


class Batch(Struct):
    """Rows with their places in the request, and the documents that make none."""

    rows: list[Row] = field(default_factory=list[Row])
    places: list[int] = field(default_factory=list[int])
    refusals: list[Refusal] = field(default_factory=list[Refusal])


async def prepared(raws: Sequence[bytes], collection: str | None, here: Server, first: int = 0) -> Batch:
    """The rows of items, the first of which is at `first`; they get the collection of the path where they name none.

    Raises TooLargeError for more than are allowed at once.
    """
    at_most = here.settings.bulk_max_items
    if len(raws) > at_most:
        raise TooLargeError("body", f"{len(raws)} items", f"at most {at_most} are allowed in one body")
    batch = Batch()
    for at in range(0, len(raws), _PREPARED_ITEMS):
        await asyncio.to_thread(_prepare, batch, raws[at : at + _PREPARED_ITEMS], collection, here, first + at)
    return batch


def _prepare(batch: Batch, raws: Sequence[bytes], collection: str | None, here: Server, first: int) -> None:
    added = {} if collection is None else {"collection": collection}
    deep = {at: error for at, raw in enumerate(raws) if (error := _too_deep(raw, here.settings)) is not None}
    rows = prepare_items([b"{}" if at in deep else raw for at, raw in enumerate(raws)], added, here.item_check)
    for at, (raw, row) in enumerate(zip(raws, rows, strict=True)):
        error = deep.get(at, row)
        if isinstance(error, InvalidError):
            batch.refusals.append(refused(first + at, raw, error))
        elif collection is not None and error.collection != collection:
            reason = f"its collection is {error.collection!r}, and the path says {collection!r}"
            batch.refusals.append(Refusal(first + at, error.id, "InvalidDocument", reason))
        else:
            batch.rows.append(error)
            batch.places.append(first + at)


def refused(index: int, raw: bytes, error: InvalidError) -> Refusal:
    """A document of several that is no valid one."""
    faults = error.faults if isinstance(error, DocumentError) else ()
    return Refusal(index, identify(raw), "InvalidDocument", error.description, faults)


def _too_deep(raw: bytes, settings: Settings) -> InvalidError | None:
    try:
        nesting.check(raw, settings.nesting_max, "item")
    except InvalidError as error:
        return error
    return None

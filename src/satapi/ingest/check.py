"""Checking: everything that a load does before the database, and nothing else."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from satapi.errors import InvalidError, LoadError, SatapiError
from satapi.ingest.batches import BadItem, batches
from satapi.ingest.load import BATCH_SIZE, Report
from satapi.ingest.prepare import identify
from satapi.ingest.rules import Rules
from satapi.ingest.sources import Reading, documents
from satapi.ingest.writer import of_collections, of_items

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from satapi.ingest.batches import Batch
    from satapi.ingest.sources import Noun


def check(
    noun: Noun,
    sources: Sequence[str],
    *,
    reading: Reading | None = None,
    collection: str | None = None,
    batch_size: int = BATCH_SIZE,
    rules: Rules | None = None,
    on_progress: Callable[[Report], None] | None = None,
    on_bad: Callable[[BadItem], None] | None = None,
) -> Report:
    """Read and prepare documents as a load would, by its rules; the report counts those that are read and the bad ones.

    Needs no database. Raises LoadError where a source cannot be read on.
    """
    report, begun = Report(), perf_counter()
    kept = rules or Rules()
    prepare = of_collections(kept).prepare if noun == "collections" else of_items(kept, collection).prepare
    try:
        for batch in batches(documents(sources, noun, reading or Reading()), batch_size):
            bad = [*batch.missing, *_bad(batch, prepare(batch.raws))]
            if on_bad is not None:
                for one in bad:
                    on_bad(one)
            report.read += len(batch.raws)
            report.bad += len(bad)
            report.batches += 1
            report.bytes += batch.size
            report.seconds = perf_counter() - begun
            if on_progress is not None:
                on_progress(report)
    except (SatapiError, OSError) as error:
        raise LoadError(
            f"{error}\nUntil then {report.read:,} documents were read, {report.bad:,} of them bad."
        ) from error
    return report


def _bad(batch: Batch, rows: Sequence[object]) -> Iterator[BadItem]:
    for place, raw, row in zip(batch.places, batch.raws, rows, strict=True):
        if isinstance(row, InvalidError):
            yield BadItem(*place, identify(raw), row.description)

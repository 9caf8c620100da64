"""Checking: everything that a load does before the database, and nothing else."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING

from satapi.errors import LoadError, SatapiError
from satapi.ingest.batches import batches
from satapi.ingest.load import BATCH_SIZE, Report
from satapi.ingest.prepare import prepare_collections, prepare_items
from satapi.ingest.sources import Reading, documents

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from satapi.ingest.batches import BadItem, Batch
    from satapi.ingest.prepare import CollectionRow, Row
    from satapi.ingest.rules import Rules
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
    checks = None if rules is None else rules.checks()
    put = {} if collection is None else {"collection": collection}
    found = documents(sources, noun, reading or Reading())
    prepared: Generator[Batch[Row]] | Generator[Batch[CollectionRow]] = (
        batches(found, partial(prepare_items, check=checks and checks.item, put=put), batch_size)
        if noun == "items"
        else batches(found, partial(prepare_collections, check=checks and checks.collection), batch_size)
    )
    try:
        for batch in prepared:
            for bad in batch.bad:
                if on_bad is not None:
                    on_bad(bad)
            report.read += batch.read
            report.bad += len(batch.bad)
            report.batches += 1
            report.bytes += batch.bytes
            report.seconds = perf_counter() - begun
            if on_progress is not None:
                on_progress(report)
    except (SatapiError, OSError) as error:
        raise LoadError(
            f"{error}\nUntil then {report.read:,} documents were read, {report.bad:,} of them bad."
        ) from error
    return report

"""Which format a request means."""

from __future__ import annotations

import pytest

from satapi.http import formats

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "meant"),
    [
        (None, None),
        ("", None),
        ("*/*", None),
        ("text/*", None),
        ("application/*", None),
        ("application/geo+json", None),
        ("application/json, */*", None),
        (BROWSER, None),
        ("image/png", None),
        (";;,q=x", None),
        ("application/geo+json-seq", "geojsonseq"),
        ("application/x-ndjson", "ndjson"),
        ("Application/NDJSON", "ndjson"),
        ("text/csv; header=present", "csv"),
        ("application/vnd.apache.parquet", "parquet"),
        # As much, and more by its name.
        ("text/csv, */*", "csv"),
        ("text/csv, application/*", "csv"),
        ("text/csv;q=0.5, */*;q=0.1", "csv"),
        ("text/csv;q=0.5, application/x-ndjson", "ndjson"),
        ("text/csv;q=0.5, */*", None),
        ("text/csv, application/geo+json", None),
        ("text/csv, application/json;q=0.9", "csv"),
        ("text/csv;q=0.8, application/json;q=0.9", None),
        ("text/csv;q=0", None),
        ("text/csv;q=much", None),
    ],
)
def test_a_sequence_is_what_accept_prefers_to_pages_by_name(accept: str | None, meant: str | None) -> None:
    assert formats.sequence(None, accept) == meant


@pytest.mark.parametrize("named", formats.FORMATS)
def test_a_format_that_is_named_comes_before_accept(named: formats.Format) -> None:
    expected = named if named in formats.MEDIA_TYPES else None
    assert formats.sequence(named, "text/csv") == formats.sequence(named, "*/*") == expected

"""Formats: how the items of a search are answered, as the request names or accepts it (RFC 9110, 12.5.1)."""

from __future__ import annotations

from typing import Literal, get_args

from satapi.stac.links import GEOJSON, JSON

Sequence = Literal["geojsonseq", "ndjson", "csv", "parquet"]
Format = Literal["geojson", "json", "geojsonseq", "ndjson", "csv", "parquet"]

FORMATS = get_args(Format)

# RFC 8142 and RFC 4180; the others are of their inventors.
MEDIA_TYPES: dict[Sequence, str] = {
    "geojsonseq": "application/geo+json-seq",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}

_ACCEPTED: dict[str, Sequence] = {
    "application/geo+json-seq": "geojsonseq",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "text/csv": "csv",
    "application/vnd.apache.parquet": "parquet",
}
_PAGES = (GEOJSON, JSON)


def sequence(named: Format | None, accept: str | None) -> Sequence | None:
    """The sequence that is asked for; None where it is pages, which is all that does not name a sequence.

    A sequence must be preferred to pages: by its weight, or else by its name where pages are meant by a wildcard only.
    """
    match named:
        case "geojsonseq" | "ndjson" | "csv" | "parquet":
            return named
        case "geojson" | "json":
            return None
        case None:
            ranges = _ranges(accept or "")
    found, best = None, max(_preference(ranges, name) for name in _PAGES)
    for name, kind in _ACCEPTED.items():
        if ranges.get(name) and (preference := _preference(ranges, name)) > best:
            found, best = kind, preference
    return found


def is_preferred(name: str, accept: str | None) -> bool:
    """Whether a media type is named, and pages are not preferred to it."""
    ranges = _ranges(accept or "")
    return bool(ranges.get(name)) and _preference(ranges, name) >= max(_preference(ranges, page) for page in _PAGES)


def _ranges(accept: str) -> dict[str, float]:
    """The weights of media ranges."""
    found: dict[str, float] = {}
    for entry in accept.lower().split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        weights = [text.partition("=")[2] for text in parameters if text.startswith("q=")]
        try:
            found[name] = float(weights[0]) if weights else 1.0
        except ValueError:
            found[name] = 0.0
    return found


def _preference(ranges: dict[str, float], name: str) -> tuple[float, int]:
    """The weight of a media type by the range that names it best, and how well that does."""
    for exactness, known in enumerate(("*/*", name.partition("/")[0] + "/*", name)[::-1]):
        if known in ranges:
            return ranges[known], -exactness
    return 0.0, -3

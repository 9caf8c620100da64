"""The filter parameters (STAC API filter extension v1.0.0; OGC API Features, part 3), from text or JSON to a tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satapi.cql2 import json, text
from satapi.cql2.limits import Limits
from satapi.errors import InvalidError

if TYPE_CHECKING:
    from msgspec import Raw

    from satapi.cql2.ast import Node
    from satapi.settings import Settings

LANGUAGES = ("cql2-text", "cql2-json")

# Longitude and latitude in degrees, with or without heights: what geometries of GeoJSON are in.
CRS = ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "http://www.opengis.net/def/crs/OGC/0/CRS84h")


def tree(given: str | Raw | None, language: str | None, crs: str | None, settings: Settings) -> Node | None:
    """The tree of a filter: a text, or of a body its JSON, which may be a text too. Raises InvalidError."""
    if language is not None and language not in LANGUAGES:
        raise InvalidError("filter-lang", language, f"allowed are {' and '.join(LANGUAGES)}")
    if crs is not None and crs not in CRS:
        raise InvalidError("filter-crs", crs, f"allowed are {' and '.join(CRS)}")
    if given is None:
        return None
    limits = Limits(
        characters=settings.filter_max_characters,
        nesting=settings.nesting_max,
        terms=settings.terms_max,
        points=settings.geometry_max_points,
    )
    if isinstance(given, str):
        return (
            text.parse(given, limits) if language != "cql2-json" else json.parse(given.encode(errors="replace"), limits)
        )
    if language == "cql2-text":
        return text.parse(json.text(bytes(given), "filter"), limits)
    return json.parse(bytes(given), limits)

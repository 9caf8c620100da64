"""The columns that are taken out of an item: its times and its geometry."""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import ciso8601
import msgspec
import numpy as np
import shapely
from msgspec import Raw, Struct

from satapi.errors import InvalidError
from satapi.stac.crossings import mended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SRID = 4326


class Times(NamedTuple):
    """Times in microseconds since 2000-01-01T00:00:00Z; `start` and `end` are both there or neither."""

    datetime: int
    """The item's datetime, or its start where that is null."""
    start: int | None
    end: int | None
    created: int | None
    updated: int | None


class _Properties(Struct):
    """The properties that become columns; `created` and `updated` may be anything, since they only help sorting."""

    datetime: str | None = None
    start_datetime: str | None = None
    end_datetime: str | None = None
    created: Raw = Raw(b"null")
    updated: Raw = Raw(b"null")


_decoder = msgspec.json.Decoder(_Properties)

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The years that Python knows, in UTC.
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def read_times(properties: bytes) -> Times:
    """Read an item's times out of its properties; raises InvalidError for one that is missing, wrong or misordered."""
    try:
        given = _decoder.decode(properties)
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `$.")
        raise InvalidError(f"properties.{path.rstrip('`')}", "its value", f"{sentence}") from None
    at = _instant("datetime", given.datetime)
    start = _instant("start_datetime", given.start_datetime)
    end = _instant("end_datetime", given.end_datetime)
    created, updated = _instant_or_none(given.created), _instant_or_none(given.updated)
    if start is not None and end is not None:
        if end < start:
            raise InvalidError("properties.end_datetime", given.end_datetime, "it must not be before start_datetime")
        return Times(start if at is None else at, start, end, created, updated)
    if at is None:
        raise InvalidError(
            "properties.datetime", None, "it may be null only beside a start_datetime and an end_datetime"
        )
    return Times(at, None, None, created, updated)


def _instant(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return _microseconds(text)
    except ValueError as error:
        raise InvalidError(f"properties.{name}", text, f"it must be a time as in RFC 3339: {error}") from None


def _instant_or_none(value: Raw) -> int | None:
    text = bytes(value)
    if not text.startswith(b'"'):
        return None
    try:
        return _microseconds(text[1:-1].decode())
    except ValueError:
        return None


def _microseconds(text: str) -> int:
    microseconds = (ciso8601.parse_rfc3339(text) - _EPOCH) // _MICROSECOND
    if not _FIRST <= microseconds <= _LAST:
        raise ValueError("in UTC its year must be 1 to 9999")
    return microseconds


# Geometry ---------------------------------------------------------------------------------------------------------

_WORLD = np.array([-180.0, -90.0, 180.0, 90.0])
_LIBRARY = re.compile(r"^\w+: (Error parsing JSON: )?'?(\[[\w.]+\] )?|'?\s*$")


def to_ewkb(texts: Sequence[bytes]) -> list[bytes | InvalidError | None]:
    """Turn GeoJSON geometries into flat EWKB with SRID 4326: None for an empty one, the reason for one that is wrong.

    What PostGIS cannot compare is mended, since it would fail every search that comes upon it: geometries that cross
    themselves, and collections whose members overlap. Heights are left out: searches do not ask for them.
    """
    rings = [_ring(text) for text in texts]
    shapes = shapely.from_wkb(np.array(rings, dtype=object))
    # An empty place is not valid either.
    fine = shapely.is_valid(shapes) & ~_is_outside(shapes)
    others = np.flatnonzero(~fine).tolist()
    written: list[bytes | InvalidError | None] = [*rings]
    for at, other in zip(others, _to_ewkb([texts[at] for at in others]), strict=True):
        written[at] = other
    return written


class _Polygon(Struct, tag_field="type", tag="Polygon", gc=False, forbid_unknown_fields=True):
    """What nearly all items have."""

    coordinates: tuple[list[tuple[float, float]]]


_polygon = msgspec.json.Decoder(_Polygon)
_RING_POINTS_MIN = 4
# Little-endian; a polygon with an SRID; the SRID, one ring and its number of points.
_POLYGON_TYPE = 0x20000003


def _ring(text: bytes) -> bytes | None:
    """The EWKB of a polygon of one flat, closed ring; None for everything else. It is five times as fast as GEOS."""
    try:
        (ring,) = _polygon.decode(text).coordinates
    except msgspec.DecodeError:
        return None
    if len(ring) < _RING_POINTS_MIN or ring[0] != ring[-1]:
        return None
    return _ewkb(len(ring)).pack(1, _POLYGON_TYPE, SRID, 1, len(ring), *chain.from_iterable(ring))


@lru_cache(maxsize=64)
def _ewkb(points: int) -> struct.Struct:
    return struct.Struct(f"<BIIII{2 * points}d")


def _is_outside(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    west, south, east, north = shapely.bounds(shapes).T
    return (west < _WORLD[0]) | (south < _WORLD[1]) | (east > _WORLD[2]) | (north > _WORLD[3])


def _to_ewkb(texts: Sequence[bytes]) -> list[bytes | InvalidError | None]:
    """The same by GEOS alone, which has the last word about everything that is not plain."""
    with np.errstate(all="ignore"):
        geometries = shapely.from_geojson(list(texts), on_invalid="ignore")
    missing = shapely.is_missing(geometries)
    outside = _is_outside(geometries)
    collected = shapely.get_type_id(geometries) == shapely.GeometryType.GEOMETRYCOLLECTION
    broken = collected | ~(shapely.is_valid(geometries) | missing | outside)
    refused: dict[int, InvalidError] = {}
    for at in np.flatnonzero(broken).tolist():
        try:
            geometries[at] = shapely.unary_union(mended(geometries[at], "geometry"))
        except InvalidError as error:
            refused[at] = error
    empty = shapely.is_empty(geometries)
    written = shapely.to_wkb(shapely.set_srid(geometries, SRID), include_srid=True, output_dimension=2).tolist()
    for at in np.flatnonzero(empty).tolist():
        written[at] = None
    for at in np.flatnonzero(outside | missing).tolist():
        written[at] = _reason(texts[at])
    for at, error in refused.items():
        written[at] = error
    return written


def _reason(text: bytes) -> InvalidError:
    try:
        with np.errstate(all="ignore"):
            shapely.from_geojson(text)
    except shapely.errors.GEOSException as error:
        allowed = _LIBRARY.sub("", str(error))
    else:
        allowed = "longitudes are -180 to 180 and latitudes -90 to 90 degrees"
    return InvalidError("geometry", text.decode(errors="replace"), allowed)

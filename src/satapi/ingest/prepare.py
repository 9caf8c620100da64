"""From a document as given to the row that is stored: pure, and the only place that says what a valid item is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import ciso8601
import msgspec
import numpy as np
import shapely
from msgspec import UNSET, Raw, Struct, UnsetType

from satapi.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SRID = 4326

T = TypeVar("T")
Key = tuple[str, ...]


class Row(Struct, frozen=True, gc=False):
    """One item as the table `items` holds it; times are microseconds since 2000-01-01T00:00:00Z."""

    collection: str
    id: str
    geometry: bytes | None
    """EWKB with SRID 4326; None where the item has no geometry, or an empty one."""
    datetime: int
    start_datetime: int | None
    end_datetime: int | None
    created: int | None
    updated: int | None
    properties: bytes
    content: bytes

    @property
    def key(self) -> Key:
        """What identifies an item."""
        return self.collection, self.id


class CollectionRow(Struct, frozen=True, gc=False):
    """One collection as the table `collections` holds it."""

    id: str
    content: bytes

    @property
    def key(self) -> Key:
        """What identifies a collection."""
        return (self.id,)


def prepare_item(raw: bytes) -> Row:
    """Make the row of one item; raises InvalidError naming the member that is wrong."""
    (row,) = prepare_items([raw])
    if isinstance(row, InvalidError):
        raise row
    return row


def prepare_items(raws: Sequence[bytes]) -> list[Row | InvalidError]:
    """Make the rows of many items at once (geometries are read in one call): a row or the reason for each, in order."""
    rows = [_attempt(_item, raw) for raw in raws]
    located = [(at, row.geometry) for at, row in enumerate(rows) if isinstance(row, Row) and row.geometry]
    for (at, _), geometry in zip(located, _ewkb([text for _, text in located]), strict=True):
        row = rows[at]
        if isinstance(geometry, InvalidError):
            rows[at] = geometry
        elif isinstance(row, Row):
            rows[at] = msgspec.structs.replace(row, geometry=geometry)
    return rows


def prepare_collection(raw: bytes) -> CollectionRow:
    """Make the row of one collection; raises InvalidError naming the member that is wrong."""
    members = _members(raw)
    _check_type(members, "Collection")
    return CollectionRow(_text(members, "id"), _content(members, _COLLECTION_LINKS))


def prepare_collections(raws: Sequence[bytes]) -> list[CollectionRow | InvalidError]:
    """Make the rows of many collections: a row or the reason for each, in order."""
    return [_attempt(prepare_collection, raw) for raw in raws]


def _attempt(prepare: Callable[[bytes], T], raw: bytes) -> T | InvalidError:
    try:
        return prepare(raw)
    except InvalidError as error:
        return error


def _item(raw: bytes) -> Row:
    """Make the row of an item, its geometry still as GeoJSON."""
    members = _members(raw)
    _check_type(members, "Feature")
    _object(members, "assets")
    properties = _object(members, "properties")
    times = _times(properties)
    if b"\\u0000" in properties:
        properties = _NUL.sub(rb"\1\\ufffd", properties)
    return Row(
        _text(members, "collection"),
        _text(members, "id"),
        _geojson(members),
        *times,
        properties,
        _content(members, _ITEM_LINKS),
    )


class _Identified(Struct):
    id: str


_identified = msgspec.json.Decoder(_Identified)


def identify(raw: bytes) -> str | None:
    """Read the id of a document that may be wrong in every way; None when it has none."""
    try:
        return _identified.decode(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


# Members ----------------------------------------------------------------------------------------------------------

_document = msgspec.json.Decoder(dict[str, Raw])
_string = msgspec.json.Decoder(str)
_key = msgspec.json.Encoder()

# Writers space a whole document alike, so its head tells; a miss only stores some spaces.
_HEAD_BYTES = 512

# \u0000 is allowed in json and not in jsonb. An even number of backslashes before it are characters of their own.
_NUL = re.compile(rb"((?<!\\)(?:\\\\)*)\\u0000")


def _members(raw: bytes) -> dict[str, Raw]:
    """Split an object into its members in their order, their values untouched but for spaces between tokens."""
    try:
        if not raw.isascii():
            raw.decode()
        if b"\n" in raw or b'": ' in raw[:_HEAD_BYTES]:
            raw = msgspec.json.format(raw, indent=-1)
        return _document.decode(raw)
    except UnicodeDecodeError as error:
        raise InvalidError("document", raw[error.start : error.end], "JSON is text in UTF-8") from None
    except RecursionError:
        raise InvalidError("document", _shown(raw), "it is nested too deeply") from None
    except msgspec.ValidationError:
        raise InvalidError("document", _shown(raw), "it must be a JSON object") from None
    except msgspec.DecodeError as error:
        raise InvalidError("document", _shown(raw), f"{error}") from None


def _shown(raw: bytes | Raw) -> str:
    return bytes(raw)[:1000].decode(errors="replace")


def _member(members: dict[str, Raw], name: str) -> bytes:
    value = members.get(name)
    if value is None:
        raise InvalidError(name, None, f"the member {name!r} is required")
    return bytes(value)


def _check_type(members: dict[str, Raw], expected: str) -> None:
    value = _member(members, "type")
    if value != b'"' + expected.encode() + b'"':
        raise InvalidError("type", _shown(value), f"it must be {expected!r}")


def _text(members: dict[str, Raw], name: str) -> str:
    value = _member(members, name)
    try:
        text = _string.decode(value)
    except msgspec.DecodeError:
        raise InvalidError(name, _shown(value), "it must be text") from None
    if not text or "\0" in text:
        raise InvalidError(name, text, "it must be text of at least one character, none of them U+0000")
    return text


def _object(members: dict[str, Raw], name: str) -> bytes:
    value = _member(members, name)
    if not value.startswith(b"{"):
        raise InvalidError(name, _shown(value), "it must be an object")
    return value


# Links ------------------------------------------------------------------------------------------------------------

# The relations that the server makes by itself.
_ITEM_LINKS = frozenset({"self", "root", "parent", "collection"})
_COLLECTION_LINKS = _ITEM_LINKS | {"items"}


class _Link(Struct):
    rel: str


_list = msgspec.json.Decoder(list[Raw])
_link = msgspec.json.Decoder(_Link)


def _content(members: dict[str, Raw], made: frozenset[str]) -> bytes:
    """Write the document again: its members as they were, and last the links whose relation is not `made`."""
    parts = [b"%b:%b" % (_key.encode(name), value) for name, value in members.items() if name != "links"]
    links = members.get("links")
    kept = [] if links is None else [link for link in _links(links) if _relation(link) not in made]
    parts.append(b'"links":[%b]' % b",".join(kept))
    return b"{%b}" % b",".join(parts)


def _links(value: Raw) -> list[Raw]:
    try:
        return _list.decode(value)
    except msgspec.ValidationError:
        raise InvalidError("links", _shown(value), "it must be an array of links") from None


def _relation(link: Raw) -> str:
    try:
        return _link.decode(link).rel
    except msgspec.ValidationError:
        raise InvalidError("links", _shown(link), "each link must be an object with a text rel") from None


# Times ------------------------------------------------------------------------------------------------------------


class _Times(Struct):
    """The properties that become columns; `created` and `updated` may be anything, since they only help sorting."""

    datetime: str | None = None
    start_datetime: str | None | UnsetType = UNSET
    end_datetime: str | None | UnsetType = UNSET
    created: Raw = Raw()
    updated: Raw = Raw()


_times_decoder = msgspec.json.Decoder(_Times)

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The years that both RFC 3339 and Python know, after a shift to UTC.
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def _times(properties: bytes) -> tuple[int, int | None, int | None, int | None, int | None]:
    """Read datetime (or the start where it is null), start, end, created and updated."""
    try:
        given = _times_decoder.decode(properties)
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `$.")
        name = path.rstrip("`")
        raise InvalidError(f"properties.{name}", _shown(properties), sentence) from None
    at = _instant("datetime", given.datetime) if given.datetime is not None else None
    start = _instant("start_datetime", given.start_datetime) if isinstance(given.start_datetime, str) else None
    end = _instant("end_datetime", given.end_datetime) if isinstance(given.end_datetime, str) else None
    if start is None or end is None:
        if at is None:
            raise InvalidError(
                "properties.datetime", None, "without it both start_datetime and end_datetime are required"
            )
        start = end = None
    elif end < start:
        raise InvalidError("properties.end_datetime", given.end_datetime, "it must not be before start_datetime")
    first = start if at is None else at
    if first is None:
        raise AssertionError
    return first, start, end, _instant_or_none(given.created), _instant_or_none(given.updated)


def _microseconds(text: str) -> int:
    microseconds = (ciso8601.parse_rfc3339(text) - _EPOCH) // _MICROSECOND
    if not _FIRST <= microseconds <= _LAST:
        raise ValueError("the year must be 1 to 9999 in UTC")
    return microseconds


def _instant(name: str, text: str) -> int:
    try:
        return _microseconds(text)
    except ValueError as error:
        raise InvalidError(f"properties.{name}", text, f"it must be an RFC 3339 time: {error}") from None


def _instant_or_none(value: Raw) -> int | None:
    text = bytes(value)
    if not text.startswith(b'"'):
        return None
    try:
        return _microseconds(text[1:-1].decode())
    except ValueError:
        return None


# Geometry ---------------------------------------------------------------------------------------------------------


class _Typed(Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)
_GEOMETRIES = frozenset(
    {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"}
)
_WORLD = np.array([-180.0, -90.0, 180.0, 90.0])


def _geojson(members: dict[str, Raw]) -> bytes | None:
    value = _member(members, "geometry")
    if value == b"null":
        return None
    try:
        known = _typed.decode(value).type in _GEOMETRIES
    except msgspec.ValidationError:
        known = False
    if not known:
        raise InvalidError("geometry", _shown(value), "it must be null or a GeoJSON geometry")
    return value


def _ewkb(texts: list[bytes]) -> list[bytes | None | InvalidError]:
    """Turn GeoJSON geometries into EWKB with SRID 4326: None for an empty one, the reason for one that is wrong."""
    geometries = shapely.from_geojson(texts, on_invalid="ignore")
    bounds = shapely.bounds(geometries)
    outside = (bounds[:, :2] < _WORLD[:2]).any(axis=1) | (bounds[:, 2:] > _WORLD[2:]).any(axis=1)
    written = shapely.to_wkb(shapely.set_srid(geometries, SRID), include_srid=True)
    return [
        _reason(text, geometry) if geometry is None or is_outside else (None if geometry.is_empty else wkb)
        for text, geometry, is_outside, wkb in zip(texts, geometries, outside, written, strict=True)
    ]


def _reason(text: bytes, geometry: shapely.Geometry | None) -> InvalidError:
    allowed = "longitudes are -180 to 180 and latitudes -90 to 90 degrees"
    if geometry is None:
        try:
            shapely.from_geojson(text)
        except shapely.errors.GEOSException as error:
            allowed = str(error)
    return InvalidError("geometry", _shown(text), allowed)

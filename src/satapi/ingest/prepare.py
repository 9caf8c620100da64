"""From a document as given to the row that is stored: pure, and the only place that says what a valid item is."""

from __future__ import annotations

import re
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Raw, Struct

from satapi.errors import InvalidError
from satapi.ingest.columns import read_times, to_ewkb
from satapi.ingest.faults import merged
from satapi.stac.links import QUERYABLES, SORTABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Texts = Mapping[str, str]

    from satapi.ingest.validation import Check

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


_NOTHING: Texts = MappingProxyType({})


def prepare_item(raw: bytes, added: Texts = _NOTHING, check: Check | None = None) -> Row:
    """Make the row of one item; raises InvalidError naming the member that is wrong."""
    (row,) = prepare_items([raw], added, check)
    if isinstance(row, InvalidError):
        raise row
    return row


def prepare_items(
    raws: Sequence[bytes], added: Texts = _NOTHING, check: Check | None = None, put: Texts = _NOTHING
) -> list[Row | InvalidError]:
    """Make the rows of many items at once (geometries are read in one call): a row or the reason for each, in order.

    Members that are `added` are for items without them, those that are `put` for all; what `check` finds is wrong too.
    """
    defaults, others = ({name: Raw(_key.encode(text)) for name, text in given.items()} for given in (added, put))
    rows = [_attempt(partial(_item, defaults=defaults, others=others), raw) for raw in raws]
    located = [(at, row, row.geometry) for at, row in enumerate(rows) if isinstance(row, Row) and row.geometry]
    for (at, row, _), geometry in zip(located, to_ewkb([text for _, _, text in located]), strict=True):
        rows[at] = geometry if isinstance(geometry, InvalidError) else msgspec.structs.replace(row, geometry=geometry)
    if check is None:
        return rows
    members = {**added, **put}
    return [_checked(row, raw, members, check) for raw, row in zip(raws, rows, strict=True)]


def prepare_collection(raw: bytes, added: Texts = _NOTHING, check: Check | None = None) -> CollectionRow:
    """Make the row of one collection; raises InvalidError naming the member that is wrong."""
    row = _attempt(partial(_collection, added=added), raw)
    if check is not None:
        row = _checked(row, raw, added, check)
    if isinstance(row, InvalidError):
        raise row
    return row


def prepare_collections(raws: Sequence[bytes], check: Check | None = None) -> list[CollectionRow | InvalidError]:
    """Make the rows of many collections: a row or the reason for each, in order."""
    return [_attempt(partial(prepare_collection, check=check), raw) for raw in raws]


def _checked(row: T | InvalidError, raw: bytes, added: Texts, check: Check) -> T | InvalidError:
    """A row in which a check finds nothing wrong, or else one error of all that is wrong with the document."""
    if isinstance(row, InvalidError):
        if row.parameter == "document":
            return row
        return merged([row, *(found for found in check(raw, added) if not _is_within(found, row))])
    found = check(raw, added)
    return merged(found) if found else row


def _is_within(error: InvalidError, other: InvalidError) -> bool:
    """Whether an error is about the same place as another, which says it better, or about a part of it."""
    rest = error.parameter.removeprefix(other.parameter)
    return rest != error.parameter and rest[:1] in {"", ".", "["}


def _collection(raw: bytes, added: Texts) -> CollectionRow:
    members = _members(raw)
    for name, text in added.items():
        members.setdefault(name, Raw(_key.encode(text)))
    _check_type(members, "Collection")
    return CollectionRow(_text(members, "id"), _content(members, _COLLECTION_LINKS))


def _attempt(prepare: Callable[[bytes], T], raw: bytes) -> T | InvalidError:
    try:
        return prepare(raw)
    except InvalidError as error:
        return error


def _item(raw: bytes, defaults: Mapping[str, Raw], others: dict[str, Raw]) -> Row:
    """Make the row of an item, its geometry still as GeoJSON."""
    members = _members(raw) | others
    for name, value in defaults.items():
        members.setdefault(name, value)
    _check_type(members, "Feature")
    _check_object(members, "assets")
    _check_object(members, "properties")
    properties = bytes(members["properties"])
    return Row(
        _text(members, "collection"),
        _text(members, "id"),
        _geojson(members),
        *read_times(properties),
        jsonb(properties),
        _content(members, _ITEM_LINKS),
    )


def jsonb(text: bytes) -> bytes:
    """A JSON text as jsonb takes it."""
    return _NUL.sub(rb"\1\\ufffd", text) if b"\\u0000" in text else text


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

_HALF_PAIR = re.compile(
    rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F]..) | (?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]..", re.VERBOSE
)


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
        reason = "half of a surrogate pair is no character" if _HALF_PAIR.search(raw) else str(error)
        raise InvalidError("document", _shown(raw), reason) from None


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


def _check_object(members: dict[str, Raw], name: str) -> None:
    value = members.get(name)
    # Assets are most of an item, so they are not copied to look at them.
    if value is None or bytes(memoryview(value)[:1]) != b"{":
        raise InvalidError(name, _shown(_member(members, name)), "it must be an object")


# The relations that the server makes by itself.
_ITEM_LINKS = frozenset({"self", "root", "parent", "collection"})
# What a static catalog lists below a collection is below it here by links of the server's own.
_COLLECTION_LINKS = _ITEM_LINKS | {"items", "item", "child", "aggregate", "aggregations", QUERYABLES, SORTABLES}


class _Link(Struct):
    rel: str


_list = msgspec.json.Decoder(list[Raw])
_links = msgspec.json.Decoder(list[_Link])


def _content(members: dict[str, Raw], made: frozenset[str]) -> bytes:
    """Write the document again: its members as they were, and last the links whose relation is not `made`."""
    links = members.pop("links", None)
    members["links"] = Raw(b"[%b]" % b",".join([] if links is None else _kept(links, made)))
    return _key.encode(members)


def _kept(links: Raw, made: frozenset[str]) -> list[Raw]:
    try:
        relations = _links.decode(links)
    except msgspec.ValidationError:
        allowed = "it must be an array of links, each an object with a text rel"
        raise InvalidError("links", _shown(links), allowed) from None
    return [link for link, kept in zip(_list.decode(links), relations, strict=True) if kept.rel not in made]


# Geometry ---------------------------------------------------------------------------------------------------------


class _Typed(Struct):
    type: str


_typed = msgspec.json.Decoder(_Typed)
_GEOMETRIES = frozenset(
    {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"}
)


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

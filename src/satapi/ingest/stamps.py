"""Stamps: the times `created` and `updated` of items and collections, where the server is to keep them.

`created` is when a document was first stored here, unless it came with one, and stays. `updated` is when the version
that is there now was stored, whatever a document says of itself: so it tells versions apart, and finds what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import ciso8601
import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from satapi.ingest.columns import read_times
from satapi.ingest.prepare import CollectionRow, Row, jsonb

if TYPE_CHECKING:
    from satapi.ingest.prepare import Key

RowT = TypeVar("RowT", Row, CollectionRow)

Stamp = Callable[[RowT, bytes | None], RowT]
"""Gives a row its times; the bytes are the content that is stored under its key, if any."""


def stamped(
    rows: Sequence[RowT], chosen: Sequence[int], existing: Mapping[Key, bytes | None], stamp: Stamp[RowT] | None
) -> Sequence[RowT]:
    """The rows, those at the chosen places with their times."""
    if stamp is None:
        return rows
    changed = {at: stamp(rows[at], existing.get(rows[at].key)) for at in chosen}
    return [changed.get(at, row) for at, row in enumerate(rows)]


class _Times(Struct):
    created: Raw | UnsetType = UNSET
    updated: Raw | UnsetType = UNSET


class _Item(Struct):
    properties: _Times


_object = msgspec.json.Decoder(dict[str, Raw])
_item_times = msgspec.json.Decoder(_Item)
_times = msgspec.json.Decoder(_Times)
_encode = msgspec.json.Encoder().encode


def stamped_item(row: Row, stored: bytes | None) -> Row:
    """An item with its times; the content is that which is stored where nothing else has changed."""
    if row.content == stored:
        return row
    members = _object.decode(row.content)
    properties = _object.decode(members["properties"])
    known = None if stored is None else _item_times.decode(stored).properties

    def with_times(updated: Raw | UnsetType) -> bytes:
        members["properties"] = Raw(_encode(_set(properties, known, updated)))
        return _encode(members)

    content = _content(with_times, known, stored)
    given = bytes(members["properties"])
    times = read_times(given)
    return msgspec.structs.replace(
        row, content=content, properties=jsonb(given), created=times.created, updated=times.updated
    )


def stamped_collection(row: CollectionRow, stored: bytes | None) -> CollectionRow:
    """A collection with its times, which are members of its own; everything else is as with items."""
    if row.content == stored:
        return row
    members = _object.decode(row.content)
    links = members.pop("links")
    known = None if stored is None else _times.decode(stored)

    def with_times(updated: Raw | UnsetType) -> bytes:
        return _encode({**_set(members, known, updated), "links": links})

    return CollectionRow(row.id, _content(with_times, known, stored))


def _content(with_times: Callable[[Raw | UnsetType], bytes], known: _Times | None, stored: bytes | None) -> bytes:
    """What is stored, if a document differs in no more than its times; else the document as one of now."""
    if known is not None and stored is not None and with_times(known.updated) == stored:
        return stored
    return with_times(_now())


def _set(members: Mapping[str, Raw], known: _Times | None, updated: Raw | UnsetType) -> dict[str, Raw]:
    """Members with their times where they stand, else at the end."""
    changed = dict(members)
    if known is None:
        changed.setdefault("created", updated if isinstance(updated, Raw) else _now())
    elif isinstance(known.created, Raw):
        changed["created"] = known.created
    if isinstance(updated, Raw):
        changed["updated"] = updated
    else:
        changed.pop("updated", None)
    return changed


def _now() -> Raw:
    return Raw(f'"{datetime.now(UTC).isoformat(timespec="microseconds").removesuffix("+00:00")}Z"'.encode())


# When it was changed ----------------------------------------------------------------------------------------------


def item_modified(content: bytes) -> datetime | None:
    """When the version of an item was stored, in whole seconds, rounded up; None where it does not say."""
    return _modified(_item_times.decode(content).properties)


def collection_modified(content: bytes) -> datetime | None:
    """When the version of a collection was stored, as with items."""
    return _modified(_times.decode(content))


def _modified(times: _Times) -> datetime | None:
    text = bytes(times.updated) if isinstance(times.updated, Raw) else b""
    try:
        moment = ciso8601.parse_rfc3339(text.decode().strip('"')).astimezone(UTC)
        whole = moment.replace(microsecond=0)
        return whole if whole == moment else whole + timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None

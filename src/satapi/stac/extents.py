"""Extents: what a collection's document says of its items, made of what is known of them, and taken out again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec
from msgspec import Raw

from satapi.stac.properties import Found, Properties
from satapi.stac.times import format_instant

if TYPE_CHECKING:
    from collections.abc import Mapping


class Bounds(msgspec.Struct, frozen=True):
    """What is around items: longitudes of what lies east of Greenwich (0 to 180) and west of it (-180 to 0)."""

    east_from: float | None = None
    east_to: float | None = None
    west_from: float | None = None
    west_to: float | None = None
    south: float | None = None
    north: float | None = None
    first_time: datetime | None = None
    last_time: datetime | None = None

    @property
    def box(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north; west is greater than east where the box over the antimeridian is narrower.

        That is at most half the world wide: of items all around it, it would leave out a gap that says little.
        """
        if self.south is None or self.north is None:
            return None
        if self.west_from is None or self.west_to is None:
            west, east = self.east_from, self.east_to
        elif self.east_from is None or self.east_to is None:
            west, east = self.west_from, self.west_to
        elif 360 + self.west_to - self.east_from < min(self.east_to - self.west_from, 180):
            west, east = self.east_from, self.west_to
        else:
            west, east = self.west_from, self.east_to
        return None if west is None or east is None else (west, self.south, east, self.north)

    @property
    def interval(self) -> tuple[str, str] | None:
        """The first and the last time, as a collection has them."""
        if self.first_time is None or self.last_time is None:
            return None
        return format_instant(self.first_time), format_instant(self.last_time)


class Kept(msgspec.Struct, frozen=True):
    """What of a collection's document is made of its items: bounds and found are None where it is as given."""

    bounds: Bounds | None = None
    found: Properties | None = None


_members = msgspec.json.Decoder(dict[str, Raw])
_entries = msgspec.json.Decoder(list[Raw])
_encode = msgspec.json.Encoder().encode


def made(given: bytes, kept: Kept) -> bytes:
    """The document to serve: the given one with the extent and the summaries of its items.

    Of the extent that is the first box and the first interval, which are around all others; of the summaries those
    members that the given document has. What is not known of the items stays as given, and all else of the document.
    """
    document = _members.decode(given)
    links = document.pop("links", None)
    if kept.bounds is not None:
        extent = _object(document.get("extent"))
        for name, member, first in (
            ("spatial", "bbox", kept.bounds.box),
            ("temporal", "interval", kept.bounds.interval),
        ):
            if first is not None:
                part = _object(extent.get(name))
                part[member] = Raw(_encode([first, *_list(part.get(member))[1:]]))
                extent[name] = Raw(_encode(part))
                document["extent"] = Raw(_encode(extent))
    if kept.found is not None and "summaries" in document:
        summaries = _object(document["summaries"])
        summaries |= {
            name: Raw(_encode(summary))
            for name, found in kept.found.items()
            if name in summaries and (summary := _summary(found, summaries[name])) is not None
        }
        document["summaries"] = Raw(_encode(summaries)) if summaries else document["summaries"]
    if links is not None:
        document["links"] = links
    return _encode(document)


def _object(text: Raw | bytes | None) -> dict[str, Raw]:
    return _members.decode(text) if text is not None and bytes(text).startswith(b"{") else {}


def _list(text: Raw | bytes | None) -> list[Raw]:
    return _entries.decode(text) if text is not None and bytes(text).startswith(b"[") else []


def _summary(found: Found, given: Raw) -> object:
    """The summary of a property (STAC 1.1.0, summaries): a range, or all texts; None where it stays as given.

    Different numbers are not known one by one, so a list of them stays where its range is that of the items.
    """
    match tuple(found.kinds):
        case ("integer" | "number",) if found.least is not None:
            return None if _range(given) == (found.least, found.greatest) else _from_to(found.least, found.greatest)
        case ("string",) if found.first is not None and found.last is not None:
            return _from_to(format_instant(found.first), format_instant(found.last))
        case ("string",) if found.texts:
            return sorted(found.texts)
        case _:
            return None


def _from_to(least: object, greatest: object) -> dict[str, object]:
    return {"minimum": least, "maximum": greatest}


def _range(given: Raw) -> tuple[float, float] | None:
    """The least and the greatest of a list of numbers."""
    try:
        numbers = _numbers.decode(given)
    except msgspec.DecodeError:
        return None
    return (min(numbers), max(numbers)) if numbers else None


_numbers = msgspec.json.Decoder(list[float])


# Back again -------------------------------------------------------------------------------------------------------

# What of a value is made of items: some of its members, each of them, its first entry, or nothing smaller than itself.
Parts: TypeAlias = "Mapping[str, Parts] | Literal['members', 'first', 'whole']"

_PARTS: Parts = {
    "extent": {"spatial": {"bbox": "first"}, "temporal": {"interval": "first"}},
    "summaries": "members",
}


def restored(document: bytes, served: bytes, given: bytes) -> bytes:
    """A document that somebody made of the served one, as if they had made it of the given one.

    What is made of items and is still as it was served becomes what was given; whatever differs stays.
    """
    return given if document == served else _within(document, served, given, _PARTS)


def _restored(now: bytes, served: bytes, given: bytes | None, parts: Parts) -> bytes | None:
    """A value with the given one's in place of what is as it was served; None where none was given."""
    if _equal(now, served):
        return given
    if given is None or parts == "whole":
        return now
    if parts == "first":
        entries, before, original = map(_list, (now, served, given))
        is_served = entries and before and original and _equal(entries[0], before[0])
        return _encode([original[0], *entries[1:]]) if is_served else now
    return _within(now, served, given, parts)


def _within(now: bytes, served: bytes, given: bytes, parts: Parts) -> bytes:
    """The same of some members of an object."""
    members, before, original = map(_object, (now, served, given))
    for name in set(members if isinstance(parts, str) else parts).intersection(members, before):
        within: Parts = "whole" if isinstance(parts, str) else parts[name]
        value = _restored(bytes(members[name]), bytes(before[name]), _bytes(original.get(name)), within)
        if value is None:
            del members[name]
        else:
            members[name] = Raw(value)
    return _encode(members) if members else now


def _bytes(text: Raw | None) -> bytes | None:
    return None if text is None else bytes(text)


def _equal(one: Raw | bytes, other: Raw | bytes) -> bool:
    """Whether texts say the same: who sends a document back may write its numbers and spaces otherwise."""
    if bytes(one) == bytes(other):
        return True
    try:
        return msgspec.json.decode(one) == msgspec.json.decode(other)
    except msgspec.DecodeError:
        # A number that is too large for Python.
        return False

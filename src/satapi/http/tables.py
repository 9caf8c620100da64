"""Tables: items as lines of CSV (RFC 4180), whose columns are known before the first item."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import msgspec
import shapely
from msgspec import Raw

from satapi.query.inventory import short
from satapi.stac.fields import paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from satapi.db.items import Row
    from satapi.stac.fields import Path

KEY = ("collection", "id")

STANDARD = (
    "datetime",
    "start_datetime",
    "end_datetime",
    "created",
    "updated",
    "title",
    "platform",
    "constellation",
    "gsd",
    "eo:cloud_cover",
    "bbox",
)
"""The columns behind the key where no fields are asked for."""

BOX = ("west", "south", "east", "north")

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_NUMBERS = msgspec.json.Decoder(list[Raw])
_TEXT = msgspec.json.Decoder(str)


class Table:
    """The columns of a table: the key, and the fields that are included, else the standard ones; less the excluded."""

    def __init__(self, include: Sequence[str], exclude: Iterable[str]) -> None:
        excluded = set(map(short, exclude))
        names = dict.fromkeys(map(short, include or STANDARD))
        self.names = [name for name in names if name not in excluded and name not in KEY]
        # A member of properties comes before one beside them.
        self._paths = {name: sorted(paths(name), key=len, reverse=True) for name in self.names}

    @property
    def header(self) -> bytes:
        """The first line."""
        return _lines([[*KEY, *(column for name in self.names for column in (BOX if name == "bbox" else (name,)))]])

    def lines(self, rows: Iterable[Row]) -> bytes:
        """The lines of items."""
        return _lines([[row.collection, row.id, *self._values(row.content)] for row in rows])

    def _values(self, content: bytes) -> list[str]:
        members = _OBJECT.decode(content)
        properties = _OBJECT.decode(members["properties"])
        values: list[str] = []
        for name in self.names:
            match name:
                case "bbox":
                    values += _box(members.get("bbox"))
                case "geometry":
                    values.append(_wkt(members.get("geometry")))
                case _:
                    found = (_found(members, properties, path) for path in self._paths[name])
                    values.append(_text(next((value for value in found if value is not None), None)))
        return values


def _lines(rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _found(members: dict[str, Raw], properties: dict[str, Raw], path: Path) -> Raw | None:
    if path[0] == "properties" and len(path) > 1:
        return _member(properties, path[1:])
    return _member(members, path)


def _member(members: dict[str, Raw], path: Path) -> Raw | None:
    value = members.get(path[0])
    if value is None or len(path) == 1:
        return value
    return _member(_OBJECT.decode(value), path[1:]) if bytes(value)[:1] == b"{" else None


def _text(value: Raw | None) -> str:
    """Text as it is, numbers as they were given, arrays and objects as JSON, and nothing for null."""
    if value is None or bytes(value) == b"null":
        return ""
    return _TEXT.decode(value) if bytes(value)[:1] == b'"' else bytes(value).decode()


def _box(value: Raw | None) -> list[str]:
    """The box without heights (RFC 7946, 5)."""
    if value is None or bytes(value)[:1] != b"[":
        return [""] * len(BOX)
    numbers = [bytes(number).decode() for number in _NUMBERS.decode(value)]
    half = len(numbers) // 2
    sides = [*numbers[:2], *numbers[half : half + 2]]
    return sides if len(sides) == len(BOX) else [""] * len(BOX)


def _wkt(value: Raw | None) -> str:
    if value is None or bytes(value) == b"null":
        return ""
    return shapely.to_wkt(shapely.from_geojson(bytes(value)), rounding_precision=-1)

"""The columns of stac-geoparquet: how items are put into them, and what their fields tell beside that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pyarrow as pa
import shapely

from satapi.ingest.shapes import Json, Shape, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# A column of any other name is a property.
MEMBERS = ("type", "stac_version", "stac_extensions", "id", "geometry", "bbox", "collection", "links", "assets")
_RESERVED = frozenset({*MEMBERS, "properties"})

TIMES = frozenset(
    {"datetime", "start_datetime", "end_datetime", "created", "updated", "expires", "published", "unpublished"}
)
"""Properties that are columns of times."""

PLACE = b"satapi:place"
"""In the metadata of a field: the path in the item, as a JSON array, where the name does not tell it."""
IS_JSON = b"satapi:json"
"""Its texts are JSON, since values are of several kinds or of one that no column has."""
KEEPS_NULLS = b"satapi:nulls"
"""Its nulls were given as such, and are no missing members."""

DIGITS = b"satapi:digits"
"""The digits of fractions of seconds that all its times are written with."""

SIDES = ("xmin", "ymin", "zmin", "xmax", "ymax", "zmax")
FLAT = ("xmin", "ymin", "xmax", "ymax")

_encode = msgspec.json.Encoder().encode


class Item(NamedTuple):
    """An item as columns take it."""

    geometry: bytes
    box: Json
    others: dict[str, Json]
    properties: dict[str, Json]


class Column(NamedTuple):
    """A column, and what it takes from items; not the geometry or the box."""

    field: pa.Field
    of_properties: bool
    member: str
    shape: Shape


def columns(of: Shape, taken: set[str], *, of_properties: bool) -> Iterator[Column]:
    """The columns of the members of all items, or of all properties, whose names are not those that are taken."""
    for name, shape in of.members.items():
        # A column without any value is one of times where times belong.
        is_time = of_properties and name in TIMES and shape.kind in {"time", None}
        is_needed = name == ("datetime" if of_properties else "id")
        if shape.kind is None and not is_needed and not shape.keeps_nulls(of.objects):
            continue
        # Readers take a column for a property unless its name says otherwise.
        is_told = (name in _RESERVED) != of_properties
        column = name
        while column in taken or not (is_told or column != name):
            column = ("properties." if of_properties else "item.") + column
        taken.add(column)
        is_told = column == name
        field = _field(column, shape, of.objects)
        metadata = dict(field.metadata or {})
        if is_time and len(shape.digits) == 1 and min(shape.digits) >= 0:
            metadata[DIGITS] = str(min(shape.digits)).encode()
        if not is_told:
            metadata[PLACE] = _encode(["properties", name] if of_properties else [name])
        field = field.with_metadata(metadata)
        yield Column(field.with_type(_INSTANT) if is_time else field, of_properties, name, shape)


_INSTANT = pa.timestamp("us", "UTC")


def _field(name: str, shape: Shape, parents: int) -> pa.Field:
    metadata = {KEEPS_NULLS: b"true"} if shape.keeps_nulls(parents) else {}
    match shape.kind:
        case "boolean":
            kind = pa.bool_()
        case "integer":
            kind = pa.int64()
        case "number":
            kind = pa.float64()
        case "time":
            kind = _INSTANT
        case "list":
            entries = shape.entries or Shape()
            kind = pa.list_(_field("element", entries, entries.present))
        case "object":
            members = shape.members.items()
            kind = pa.struct(
                [
                    _field(each, member, shape.objects)
                    for each, member in members
                    if member.kind is not None or member.keeps_nulls(shape.objects)
                ]
            )
        case "json":
            kind, metadata = pa.string(), {IS_JSON: b"true"}
        case "text" | None:
            kind = pa.string()
    return pa.field(name, kind, metadata=metadata)


def fit(shape: Shape) -> Callable[[Json], object] | None:
    """What makes values of a shape fit their column; None where they do so as they are."""
    match shape.kind:
        case "time":
            return lambda value: instant(value) if isinstance(value, str) else None
        case "json":
            return lambda value: _encode(value).decode()
        case "list" if shape.entries is not None and (within := fit(shape.entries)) is not None:
            entry = within
            return lambda value: [entry(each) for each in value] if isinstance(value, list) else None
        case "object":
            fits = {name: way for name, member in shape.members.items() if (way := fit(member)) is not None}
            if not fits:
                return None
            return lambda value: (
                {name: fits[name](each) if name in fits else each for name, each in value.items()}
                if isinstance(value, dict)
                else None
            )
        case _:
            return None


def array(column: Column, way: Callable[[Json], object] | None, items: Sequence[Item]) -> pa.Array:
    """What a column has of items, which `way` makes fit."""
    holders = [item.properties if column.of_properties else item.others for item in items]
    if way is None:
        values: list[object] = [holder.get(column.member) for holder in holders]
    else:
        values = [way(holder[column.member]) if column.member in holder else None for holder in holders]
    return pa.array(values, column.field.type)


def geometries(items: Sequence[Item]) -> pa.Array:
    """The geometries in WKB, with their heights (ISO 13249-3)."""
    texts = [None if item.geometry == b"null" else item.geometry for item in items]
    written = shapely.to_wkb(shapely.from_geojson(texts), flavor="iso").tolist()
    return pa.array(written, pa.binary())


def boxes(items: Sequence[Item], field: pa.Field, sides: Sequence[str]) -> pa.Array:
    """The boxes by the names of their sides."""
    found: list[dict[str, Json] | None] = []
    for item in items:
        match item.box:
            case list(numbers):
                found.append(dict(zip(FLAT if len(numbers) == len(FLAT) else sides, numbers, strict=True)))
            case _:
                found.append(None)
    return pa.array(found, field.type)
